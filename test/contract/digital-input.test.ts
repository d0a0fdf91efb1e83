import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DigitalInput, HalError, HalResult } from '../../src/hal/ports.ts';
import type { GpioRig } from '../hal/gpio-rigs.ts';
import { DEBOUNCE_MS, gpioRigs } from '../hal/gpio-rigs.ts';

/** Long enough for any debounce to have settled, on real time too. */
const SETTLED_MS = 4 * DEBOUNCE_MS;

for (const kind of gpioRigs) {
  describe.skipIf(!kind.present)(`digital input: ${kind.name}`, () => {
    let rig: GpioRig;
    beforeEach(async () => {
      rig = await kind.open();
    });
    afterEach(() => rig.close());

    const open = (activeLow = false): HalResult<DigitalInput> =>
      rig.backend.openInput(
        'reset-button',
        { chip: rig.chip, line: rig.input, activeLow },
        DEBOUNCE_MS,
      );

    for (const activeLow of [false, true]) {
      for (const high of [false, true]) {
        it(`${activeLow ? 'active-low' : 'active-high'} reads ${high ? 'high' : 'low'}`, () => {
          rig.drive(!high);
          rig.drive(high);
          expect(opened(open(activeLow)).read()).toEqual({ ok: true, value: high !== activeLow });
        });
      }
    }

    it('reports each settled change once, and reads as reported', async () => {
      rig.drive(false);
      const { input, changes, errors } = listen(open());
      for (const high of [true, false, true]) {
        rig.drive(high);
        await rig.pass(SETTLED_MS);
        expect(input.read()).toEqual({ ok: true, value: high });
      }
      expect(changes).toEqual([true, false, true]);
      expect(errors).toEqual([]);
    });

    it('sees one change where a contact bounces', async () => {
      rig.drive(false);
      const { changes } = listen(open());
      for (const high of [true, false, true, false, true]) rig.drive(high);
      await rig.pass(SETTLED_MS);
      expect(changes).toEqual([true]);
    });

    it('leaves out a pulse that is gone before it settled', async () => {
      rig.drive(false);
      const { input, changes } = listen(open());
      rig.drive(true);
      rig.drive(false);
      await rig.pass(SETTLED_MS);
      expect(changes).toEqual([]);
      expect(input.read()).toEqual({ ok: true, value: false });
    });

    it('is silent once closed, and can be opened again', async () => {
      rig.drive(false);
      const { input, changes, errors } = listen(open());
      rig.drive(true);
      input.close();
      input.close();
      await rig.pass(SETTLED_MS);
      expect(changes).toEqual([]);
      expect(errors).toEqual([]);
      expect(input.read()).toMatchObject({ ok: false });
      expect(opened(open()).read()).toEqual({ ok: true, value: true });
    });

    it('is held by one', () => {
      opened(open());
      expect(open()).toMatchObject({ ok: false, error: { kind: 'busy' } });
    });

    it('tells which chips there are when the label is unknown', () => {
      const result = rig.backend.openInput('x', { chip: 'nope', line: 1, activeLow: false }, 0);
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(result.ok ? '' : result.error.message).toContain(rig.chip);
    });
  });
}

function opened(result: HalResult<DigitalInput>): DigitalInput {
  if (!result.ok) throw result.error;
  return result.value;
}

function listen(result: HalResult<DigitalInput>): {
  input: DigitalInput;
  changes: boolean[];
  errors: HalError[];
} {
  const input = opened(result);
  const changes: boolean[] = [];
  const errors: HalError[] = [];
  input.onChange((active) => changes.push(active));
  input.onError((error) => errors.push(error));
  return { input, changes, errors };
}

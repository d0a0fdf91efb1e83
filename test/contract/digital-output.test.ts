import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DigitalOutput, HalResult } from '../../src/hal/ports.ts';
import type { GpioRig } from '../hal/gpio-rigs.ts';
import { gpioRigs } from '../hal/gpio-rigs.ts';

for (const kind of gpioRigs) {
  describe.skipIf(!kind.present)(`digital output: ${kind.name}`, () => {
    let rig: GpioRig;
    beforeEach(async () => {
      rig = await kind.open();
    });
    afterEach(() => rig.close());

    const open = (activeLow: boolean, initialActive: boolean): HalResult<DigitalOutput> =>
      rig.backend.openOutput(
        'siren',
        { chip: rig.chip, line: rig.output, activeLow },
        initialActive,
      );

    for (const activeLow of [false, true]) {
      for (const active of [false, true]) {
        const level = active !== activeLow ? 'high' : 'low';
        it(`${activeLow ? 'active-low' : 'active-high'} opens ${active} as ${level}`, () => {
          expect(open(activeLow, active)).toMatchObject({ ok: true });
          expect(rig.level()).toBe(active !== activeLow);
        });
      }
      it(`${activeLow ? 'active-low' : 'active-high'} follows what is written`, () => {
        const output = opened(open(activeLow, false));
        for (const active of [true, true, false, true, false, false]) {
          expect(output.write(active)).toEqual({ ok: true, value: undefined });
          expect(rig.level()).toBe(active !== activeLow);
        }
      });
    }

    it('is held by one: opening it again is busy and names the holder', () => {
      const output = opened(open(false, true));
      const again = rig.backend.openOutput(
        'strobe',
        { chip: rig.chip, line: rig.output, activeLow: false },
        false,
      );
      expect(again).toMatchObject({ ok: false, error: { kind: 'busy' } });
      expect(message(again)).toContain('siren');
      expect(rig.level()).toBe(true);
      expect(output.write(false)).toMatchObject({ ok: true });
    });

    it('keeps its level when closed, and refuses to write afterwards', () => {
      const output = opened(open(false, true));
      output.close();
      output.close();
      expect(rig.level()).toBe(true);
      expect(output.write(false)).toMatchObject({ ok: false });
      expect(rig.level()).toBe(true);
    });

    it('can be opened again after it was closed, at the level it had', () => {
      opened(open(false, true)).close();
      expect(open(false, true)).toMatchObject({ ok: true });
      expect(rig.level()).toBe(true);
    });

    it('tells which chips there are when the label is unknown', () => {
      const wrong = { chip: 'no-such-chip', line: 1, activeLow: false };
      const result = rig.backend.openOutput('siren', wrong, false);
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(message(result)).toContain(rig.chip);
    });

    it.each([-1, 1.5, 4096])('line %d does not exist', (line) => {
      const result = rig.backend.openOutput(
        'siren',
        { chip: rig.chip, line, activeLow: false },
        false,
      );
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    });

    it('is closed with its backend', () => {
      const output = opened(open(false, false));
      rig.backend.close();
      expect(output.write(true)).toMatchObject({ ok: false });
    });
  });
}

function opened(result: HalResult<DigitalOutput>): DigitalOutput {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}

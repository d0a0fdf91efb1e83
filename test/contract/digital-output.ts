/** What every backend's outputs do. Run on models by `npm test`, on real kernels elsewhere. */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DigitalOutput, HalResult, LineAddress } from '../../src/hal/ports.ts';
import type { GpioRig, GpioRigKind } from '../hal/gpio-rigs.ts';

export function digitalOutputContract(kinds: readonly GpioRigKind[]): void {
  for (const kind of kinds) {
    const suite = kind.present ? describe : describe.skip;
    suite(`digital output: ${kind.name}`, () => {
      let rig: GpioRig;
      beforeEach(async () => {
        rig = await kind.open();
      });
      afterEach(() => rig.close());
      const bench: Bench = {
        rig: () => rig,
        at: (more = {}) => ({ chip: rig.chip, line: rig.output, activeLow: false, ...more }),
        open: (active, more = {}) => rig.backend.openOutput('siren', bench.at(more), active),
      };
      levels(bench);
      holding(bench);
      addressing(bench);
      endings(bench);
    });
  }
}

interface Bench {
  readonly rig: () => GpioRig;
  readonly at: (more?: Partial<LineAddress>) => LineAddress;
  readonly open: (active: boolean, more?: Partial<LineAddress>) => HalResult<DigitalOutput>;
}

function levels({ rig, open }: Bench): void {
  for (const activeLow of [false, true]) {
    const polarity = activeLow ? 'active-low' : 'active-high';
    for (const active of [false, true]) {
      const level = active !== activeLow ? 'high' : 'low';
      it(`${polarity} opens ${String(active)} as ${level}, and was never anything else`, () => {
        expect(open(active, { activeLow })).toMatchObject({ ok: true });
        expect(rig().level()).toBe(active !== activeLow);
        const history = rig().history() ?? [];
        expect(history.every((high) => high === (active !== activeLow))).toBe(true);
      });
    }
    it(`${polarity} follows what is written`, () => {
      const output = opened(open(false, { activeLow }));
      for (const active of [true, true, false, true, false, false]) {
        expect(output.write(active)).toEqual({ ok: true, value: undefined });
        expect(rig().level()).toBe(active !== activeLow);
      }
    });
  }
}

function holding({ rig, at, open }: Bench): void {
  it('is held by one: opening it again is busy and names the holder', () => {
    const output = opened(open(true));
    const again = rig().backend.openOutput('strobe', at(), false);
    expect(again).toMatchObject({ ok: false, error: { kind: 'busy' } });
    expect(message(again)).toContain('siren');
    expect(rig().level()).toBe(true);
    expect(output.write(false)).toMatchObject({ ok: true });
  });

  it('says that another program holds the line, and opens it once that has gone', async () => {
    const holding = rig().holdElsewhere('other-program');
    if (holding === null) return;
    const holder = await holding;
    const refused = open(true);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'busy' } });
    expect(message(refused)).toContain('siren');
    if (holder.isNamed) expect(message(refused)).toContain('"other-program"');
    await holder.release();
    expect(open(true)).toMatchObject({ ok: true });
    expect(rig().level()).toBe(true);
  });

  it('keeps its level when closed, and refuses to write afterwards', () => {
    const output = opened(open(true));
    output.close();
    output.close();
    expect(rig().level()).toBe(true);
    expect(output.write(false)).toMatchObject({ ok: false });
    expect(rig().level()).toBe(true);
  });

  it('can be opened again after it was closed, at the level it had', () => {
    opened(open(true)).close();
    expect(open(true)).toMatchObject({ ok: true });
    expect(rig().level()).toBe(true);
  });

  it('can be an input after it was an output', () => {
    opened(open(true)).close();
    const input = rig().backend.openInput('sense', at(), 0);
    expect(input.ok ? '' : input.error.message).toBe('');
  });
}

function addressing({ rig, at, open }: Bench): void {
  it('is found by the name of its line, on its chip and on any', () => {
    const { names, backend, chip } = rig();
    for (const where of [chip, '*']) {
      const line = names?.output ?? 'GPIO17';
      const result = backend.openOutput('siren', { chip: where, line, activeLow: false }, true);
      if (names === null) {
        expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
        expect(message(result)).toContain('character device');
      } else {
        opened(result).close();
        expect(rig().level()).toBe(true);
      }
    }
  });

  it('is one line by name and by offset', () => {
    const { names, backend } = rig();
    if (names === null) return;
    opened(open(true));
    const again = backend.openOutput('strobe', at({ line: names.output }), false);
    expect(again).toMatchObject({ ok: false, error: { kind: 'busy' } });
  });

  it('tells which chips there are when the label is unknown', () => {
    const result = open(false, { chip: 'no-such-chip', line: 1 });
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(message(result)).toContain(rig().chip);
  });

  for (const line of [-1, 1.5, 4096, 'no-such-line']) {
    it(`line ${line} does not exist`, () => {
      const result = open(false, { line });
      expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(message(result)).toContain(String(line));
    });
  }
}

function endings({ rig, open }: Bench): void {
  it('is closed with its backend', () => {
    const output = opened(open(false));
    rig().backend.close();
    expect(output.write(true)).toMatchObject({ ok: false });
  });

  it('leaves no descriptor behind in 100 rounds of opening and closing', () => {
    const round = (active: boolean): void => {
      const output = opened(open(active));
      expect(output.write(!active)).toMatchObject({ ok: true });
      output.close();
    };
    round(true);
    const before = descriptors();
    for (let i = 0; i < 100; i++) round(i % 2 === 0);
    expect(descriptors()).toBe(before);
  });
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function opened(result: HalResult<DigitalOutput>): DigitalOutput {
  if (!result.ok) throw result.error;
  return result.value;
}

function message(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}

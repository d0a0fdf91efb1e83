/** What every backend's inputs do. Run on models by `npm test`, on real kernels elsewhere. */
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DigitalInput, HalError, HalResult, LineAddress } from '../../src/hal/ports.ts';
import type { GpioRig, GpioRigKind } from '../hal/gpio-rigs.ts';
import { DEBOUNCE_MS } from '../hal/gpio-rigs.ts';

/** Long enough for any debounce to have settled, on real time too. */
const SETTLED_MS = 4 * DEBOUNCE_MS;
/** Between the edges of a contact that never comes to rest. */
const CHATTER_MS = DEBOUNCE_MS / 5;
/** Between an edge and its bounce. */
const BOUNCE_MS = 0.7 * DEBOUNCE_MS;
/** The kernel's stamps and the process's clock are compared to this. */
const STAMP_SLACK_MS = 1;

export function digitalInputContract(kinds: readonly GpioRigKind[]): void {
  for (const kind of kinds) {
    const suite = kind.present ? describe : describe.skip;
    suite(`digital input: ${kind.name}`, () => {
      let rig: GpioRig;
      beforeEach(async () => {
        rig = await kind.open();
      });
      afterEach(() => rig.close());
      const bench: Bench = {
        rig: () => rig,
        open: (more = {}) => {
          const at = { chip: rig.chip, line: rig.input, activeLow: false, ...more };
          return rig.backend.openInput('reset-button', at, DEBOUNCE_MS);
        },
      };
      levels(bench);
      debouncing(bench);
      edges(bench);
      addressing(bench);
      endings(bench);
    });
  }
}

interface Bench {
  readonly rig: () => GpioRig;
  readonly open: (more?: Partial<LineAddress>) => HalResult<DigitalInput>;
}

function levels({ rig, open }: Bench): void {
  for (const activeLow of [false, true]) {
    for (const high of [false, true]) {
      it(`${activeLow ? 'active-low' : 'active-high'} reads ${high ? 'high' : 'low'}`, () => {
        rig().drive(!high);
        rig().drive(high);
        expect(opened(open({ activeLow })).read()).toEqual({
          ok: true,
          value: high !== activeLow,
        });
      });
    }
  }

  it('reports each settled change once, and reads as reported', async () => {
    rig().drive(false);
    const { input, changes, errors } = listen(open());
    for (const high of [true, false, true]) {
      rig().drive(high);
      await rig().pass(SETTLED_MS);
      expect(input.read()).toEqual({ ok: true, value: high });
    }
    expect(changes.map(({ active }) => active)).toEqual([true, false, true]);
    expect(errors).toEqual([]);
  });
}

function debouncing({ rig, open }: Bench): void {
  it('sees one change where a contact bounces', async () => {
    rig().drive(false);
    const { changes } = listen(open());
    for (const high of [true, false, true, false, true]) rig().drive(high);
    await rig().pass(SETTLED_MS);
    expect(changes.map(({ active }) => active)).toEqual([true]);
  });

  it('leaves out a pulse that is gone before it settled', async () => {
    rig().drive(false);
    const { input, changes } = listen(open());
    rig().drive(true);
    rig().drive(false);
    await rig().pass(SETTLED_MS);
    expect(changes).toEqual([]);
    expect(input.read()).toEqual({ ok: true, value: false });
  });

  it('tells once of a line that chatters, keeps its level, and goes on when calm', async () => {
    rig().drive(false);
    const { input, changes, errors } = listen(open());
    for (let edge = 0; edge < 150; edge++) {
      rig().drive(edge % 2 === 0);
      await rig().pass(CHATTER_MS);
    }
    expect(errors.length).toBe(1);
    expect(errors[0]?.message).toContain('chatters');
    expect(changes).toEqual([]);
    rig().drive(true);
    await rig().pass(SETTLED_MS);
    expect(changes.map(({ active }) => active)).toEqual([true]);
    expect(input.read()).toEqual({ ok: true, value: true });
  });
}

function edges({ rig, open }: Bench): void {
  it('gives each change the time of the edge that began it', async () => {
    rig().drive(false);
    const { changes } = listen(open());
    const driven: { readonly fromMs: number; readonly untilMs: number }[] = [];
    for (const high of [true, false, true]) {
      const fromMs = rig().nowMs();
      rig().drive(high);
      driven.push({ fromMs, untilMs: rig().nowMs() });
      await rig().pass(SETTLED_MS);
    }
    expect(changes.length).toBe(3);
    for (const [i, { fromMs, untilMs }] of driven.entries()) {
      const edgeAtMs = changes[i]?.edgeAtMs ?? NaN;
      expect(edgeAtMs >= fromMs - STAMP_SLACK_MS).toBe(true);
      // Where there are no stamps, the edge is known when it is heard of: before it has settled.
      expect(edgeAtMs <= untilMs + SETTLED_MS).toBe(true);
    }
    const times = changes.map(({ edgeAtMs }) => edgeAtMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('counts from the first edge of a bounce', async () => {
    rig().drive(false);
    const { changes } = listen(open());
    rig().drive(true);
    const pressedMs = rig().nowMs();
    // Most of the window: a slow machine may hear the first edge late and must not mix them up.
    await rig().pass(BOUNCE_MS);
    rig().drive(false);
    rig().drive(true);
    const bouncedMs = rig().nowMs();
    await rig().pass(SETTLED_MS);
    expect(changes.length).toBe(1);
    const edgeAtMs = changes[0]?.edgeAtMs ?? NaN;
    expect(edgeAtMs - pressedMs < bouncedMs - edgeAtMs).toBe(true);
  });
}

function addressing({ rig, open }: Bench): void {
  it('is found by the name of its line', () => {
    const { names, chip } = rig();
    if (names === null) return;
    rig().drive(true);
    for (const where of [chip, '*']) {
      const input = opened(open({ chip: where, line: names.input }));
      expect(input.read()).toEqual({ ok: true, value: true });
      input.close();
    }
  });

  for (const bias of ['pullUp', 'pullDown', 'disabled'] as const) {
    it(`has the bias ${bias}, or it is told that it has not`, () => {
      opened(open({ bias }));
      const told = rig().notices.map((notice) => `${notice.kind} ${notice.name}`);
      if (rig().bias() === bias) expect(told).toEqual([]);
      else expect(told).toEqual(['bias reset-button']);
    });
  }

  it('tells which chips there are when the label is unknown', () => {
    const result = open({ chip: 'nope', line: 1 });
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(result.ok ? '' : result.error.message).toContain(rig().chip);
  });
}

function endings({ rig, open }: Bench): void {
  it('is held by one', () => {
    opened(open());
    expect(open()).toMatchObject({ ok: false, error: { kind: 'busy' } });
  });

  it('is silent once closed, and can be opened again', async () => {
    rig().drive(false);
    const { input, changes, errors } = listen(open());
    rig().drive(true);
    input.close();
    input.close();
    await rig().pass(SETTLED_MS);
    expect(changes).toEqual([]);
    expect(errors).toEqual([]);
    expect(input.read()).toMatchObject({ ok: false });
    expect(opened(open()).read()).toEqual({ ok: true, value: true });
  });

  it('leaves no descriptor behind in 100 rounds of opening and closing', async () => {
    opened(open()).close();
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 100; i++) {
      const input = opened(open());
      rig().drive(i % 2 === 0);
      input.close();
    }
    await rig().pass(SETTLED_MS);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
}

function opened(result: HalResult<DigitalInput>): DigitalInput {
  if (!result.ok) throw result.error;
  return result.value;
}

interface Listening {
  readonly input: DigitalInput;
  readonly changes: { readonly active: boolean; readonly edgeAtMs: number }[];
  readonly errors: HalError[];
}

function listen(result: HalResult<DigitalInput>): Listening {
  const input = opened(result);
  const listening: Listening = { input, changes: [], errors: [] };
  input.onChange((active, edgeAtMs) => listening.changes.push({ active, edgeAtMs }));
  input.onError((error) => listening.errors.push(error));
  return listening;
}

import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SAMPLE_MS, STORM_EDGES_PER_SECOND } from '../../src/hal/gpio/storm-guard.ts';
import type { GpioNotice } from '../../src/hal/gpio/notice.ts';
import { openCdevBackend } from '../../src/hal/gpio-cdev.ts';
import type { DigitalInput, GpioBackend, HalResult } from '../../src/hal/ports.ts';
import { CdevModel } from './cdev-model.ts';
import { ManualClock } from './manual-clock.ts';

const CHIP = 'pinctrl-bcm2711';
const LINE = 5;
const AT = { chip: CHIP, line: LINE, activeLow: false };
const WINDOW_MS = 50;

async function bench(debounceMs = WINDOW_MS, fault: 'noEdges' | null = null) {
  const clock = new ManualClock();
  const model = new CdevModel(clock);
  model.addChip(0, CHIP, 58);
  model.setFault(CHIP, LINE, fault);
  const notices: GpioNotice[] = [];
  const { libc, watch, devDirectory, kernelNs } = model;
  const notice = (told: GpioNotice): void => void notices.push(told);
  const opened = await openCdevBackend({ clock, libc, watch, devDirectory, kernelNs, notice });
  const backend: GpioBackend = value(opened);
  const input: DigitalInput = value(backend.openInput('reset', AT, debounceMs));
  const changes: [active: boolean, edgeAtMs: number][] = [];
  const errors: string[] = [];
  input.onChange((active, edgeAtMs) => changes.push([active, edgeAtMs]));
  input.onError(({ message }) => errors.push(message));
  const drive = (high: boolean): void => model.setLevel(CHIP, LINE, high);
  const close = (): void => {
    backend.close();
    model.remove();
  };
  return { clock, model, notices, backend, input, changes, errors, drive, close };
}

type Bench = Awaited<ReturnType<typeof bench>>;

describe('edges of the character device', () => {
  let b: Bench;
  beforeEach(async () => {
    b = await bench();
  });
  afterEach(() => b.close());

  it('are heard without ever waiting for one', () => {
    expect(b.model.isNonBlocking(CHIP, LINE)).toBe(true);
    b.model.deliver(CHIP, LINE);
    expect(b.errors).toEqual([]);
  });

  it('carry the time at which they were, not that at which they were heard of', () => {
    const pressedMs = b.clock.monotonicMs();
    b.model.isListening = false;
    b.drive(true);
    b.clock.advance(30);
    b.model.deliver(CHIP, LINE);
    b.clock.advance(20);
    expect(b.changes).toEqual([[true, pressedMs]]);
  });

  it('make changes of all levels that held, even if this process slept meanwhile', () => {
    const startMs = b.clock.monotonicMs();
    b.model.isListening = false;
    b.drive(true);
    b.clock.advance(60);
    b.drive(false);
    b.clock.advance(49);
    b.drive(true);
    b.clock.advance(500);
    b.model.deliver(CHIP, LINE);
    b.clock.advance(0);
    expect(b.changes).toEqual([[true, startMs]]);
    b.drive(false);
    b.clock.advance(60);
    expect(b.changes).toEqual([[true, startMs]]);
    b.input.read();
    b.clock.advance(0);
    expect(b.changes).toEqual([
      [true, startMs],
      [false, startMs + 609],
    ]);
  });

  it('that wait when a window ends are taken first', () => {
    const pressedMs = b.clock.monotonicMs();
    b.drive(true);
    b.clock.advance(40);
    b.model.isListening = false;
    b.drive(false);
    b.clock.advance(5);
    b.drive(true);
    b.clock.advance(WINDOW_MS - 1);
    expect(b.changes).toEqual([]);
    b.clock.advance(1);
    expect(b.changes).toEqual([[true, pressedMs]]);
  });

  it('that were dropped leave no wrong level and no wrong duration', () => {
    b.model.setLevel(CHIP, LINE, true);
    b.model.setLevel(CHIP, LINE, false, true);
    b.model.setLevel(CHIP, LINE, true, true);
    b.clock.advance(10);
    b.model.setLevel(CHIP, LINE, false);
    b.clock.advance(200);
    expect(b.changes).toEqual([]);
    b.model.setLevel(CHIP, LINE, true, true);
    expect(b.input.read()).toEqual({ ok: true, value: false });
    b.clock.advance(WINDOW_MS);
    expect(b.changes.map(([active]) => active)).toEqual([true]);
  });

  it('that were dropped do not make one long level of two short ones', () => {
    b.model.isListening = false;
    b.drive(true);
    b.clock.advance(30);
    b.model.setLevel(CHIP, LINE, false, true);
    b.model.setLevel(CHIP, LINE, true, true);
    b.clock.advance(30);
    b.drive(false);
    b.model.deliver(CHIP, LINE);
    b.clock.advance(1000);
    expect(b.changes).toEqual([]);
  });

  it('may close the line while they are told', () => {
    b.input.onChange(() => b.input.close());
    b.model.isListening = false;
    for (const high of [true, false, true]) {
      b.drive(high);
      b.clock.advance(60);
    }
    b.model.deliver(CHIP, LINE);
    expect(b.clock.pending).toBe(0);
    expect(b.model.isHeld(CHIP, LINE)).toBe(false);
  });

  it('come back with a chip that was unplugged; told once each time, no descriptor is left', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 1; round <= 20; round++) {
      // Restless at that very moment: what was waiting to settle must not be asked for.
      b.drive(round % 2 === 1);
      b.model.setGone(CHIP, true);
      expect(b.input.read()).toMatchObject({ ok: false, error: { kind: 'absent' } });
      b.clock.advance(5000);
      expect(b.errors.length).toBe(round);
      b.model.setGone(CHIP, false);
      b.clock.advance(1000 + WINDOW_MS);
      expect(b.input.read()).toEqual({ ok: true, value: round % 2 === 1 });
    }
    expect(b.changes.length).toBe(20);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe('a line without an interrupt', () => {
  it('is sampled, debounced as ever, and told so', async () => {
    const b = await bench(WINDOW_MS, 'noEdges');
    expect(b.notices).toMatchObject([{ kind: 'edges', name: 'reset' }]);
    b.drive(true);
    b.clock.advance(SAMPLE_MS + WINDOW_MS);
    b.drive(false);
    b.clock.advance(SAMPLE_MS + WINDOW_MS);
    expect(b.changes.map(([active]) => active)).toEqual([true, false]);
    b.model.setFault(CHIP, LINE, 'readFails');
    b.clock.advance(10_000);
    expect(b.errors.length).toBe(1);
    b.model.setFault(CHIP, LINE, 'noEdges');
    b.clock.advance(2000);
    expect(b.input.read().ok).toBe(true);
    b.close();
    expect(b.clock.pending).toBe(0);
  });
});

describe('a line that storms', () => {
  let b: Bench;
  beforeEach(async () => {
    b = await bench();
  });
  afterEach(() => b.close());

  /** @returns edges that were really handed over */
  const storm = (ms: number): number => {
    let taken = 0;
    for (let at = 0; at < ms; at++) {
      for (let edge = 0; edge < 10; edge++) {
        if (b.model.settings(CHIP, LINE).edges) taken += 1;
        b.drive(edge % 2 === 1);
      }
      b.clock.advance(1);
    }
    return taken;
  };

  it('is sampled after the first 2000 edges of a second, told once, and keeps its level', () => {
    const taken = storm(2000);
    expect(taken).toBeGreaterThan(STORM_EDGES_PER_SECOND);
    // An oscillation that looks calm to the samples costs a burst at each look.
    expect(taken).toBeLessThan(3 * STORM_EDGES_PER_SECOND);
    expect(b.errors.length).toBe(1);
    expect(b.errors[0]).toContain('more than 2000 edges in a second');
    expect(b.changes).toEqual([]);
    expect(b.input.read()).toEqual({ ok: true, value: false });
  });

  it('is looked at ever more rarely while it goes on', () => {
    expect(storm(60_000)).toBeLessThan(8 * (STORM_EDGES_PER_SECOND + 10));
    expect(b.errors.length).toBe(1);
    expect(b.changes).toEqual([]);
  });

  it('is followed again, edge by edge, once it is calm', () => {
    storm(500);
    b.drive(true);
    b.clock.advance(3000);
    expect(b.model.settings(CHIP, LINE).edges).toBe(true);
    expect(b.changes.map(([active]) => active)).toEqual([true]);
    const releasedMs = b.clock.monotonicMs();
    b.drive(false);
    b.clock.advance(WINDOW_MS);
    expect(b.changes.at(-1)).toEqual([false, releasedMs]);
    b.clock.advance(120_000);
    storm(500);
    expect(b.errors.length).toBe(2);
  });

  it('comes back when its chip goes away in the middle of it', () => {
    storm(500);
    b.model.setGone(CHIP, true);
    b.clock.advance(3000);
    b.model.setGone(CHIP, false);
    b.drive(true);
    b.clock.advance(3000);
    expect(b.input.read()).toEqual({ ok: true, value: true });
  });
});

describe('the same levels on both ways of hearing of them', () => {
  it('make the same changes, whatever is lost or late', async () => {
    const step = fc.record({
      high: fc.boolean(),
      holdMs: fc.nat({ max: 120 }),
      lost: fc.boolean(),
      late: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const b = await bench();
        for (const { high, holdMs, lost, late } of steps) {
          b.model.isListening = !late;
          b.model.setLevel(CHIP, LINE, high, lost);
          b.clock.advance(holdMs);
        }
        b.model.deliver(CHIP, LINE);
        b.input.read();
        b.clock.advance(1000);
        const last = steps.at(-1)?.high ?? false;
        expect(b.input.read()).toEqual({ ok: true, value: last });
        const told = b.changes.map(([active]) => active);
        expect(told).toEqual(told.map((_, i) => i % 2 === 0));
        const times = b.changes.map(([, atMs]) => atMs);
        expect(times).toEqual([...times].sort((x, y) => x - y));
        b.close();
        expect(b.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

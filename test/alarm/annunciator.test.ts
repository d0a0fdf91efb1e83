import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Annunciator } from '../../src/alarm/annunciator.ts';
import type { OutputBinding } from '../../src/alarm/annunciator.ts';
import { patternLevel } from '../../src/alarm/pattern.ts';
import type { OutputLevels } from '../../src/domain/view.ts';
import { HalError } from '../../src/hal/ports.ts';
import type { DigitalInput, DigitalOutput } from '../../src/hal/ports.ts';

const OFF: OutputLevels = {
  siren: false,
  strobe: false,
  alarmRelay: false,
  faultRelay: false,
  buzzer: false,
  escalation: false,
};
const SIREN: OutputLevels = { ...OFF, siren: true };

class FakeOutput implements DigitalOutput {
  readonly name = 'gpio 17';
  broken = false;
  readonly writes: boolean[] = [];
  readonly intended: boolean[] = [];
  intend(active: boolean): void {
    this.intended.push(active);
  }
  write(active: boolean) {
    if (this.broken) return { ok: false, error: new HalError('other', 'no such line') } as const;
    this.writes.push(active);
    return { ok: true, value: undefined } as const;
  }
  close(): void {
    this.broken = true;
  }
}

class FakeFeedback implements DigitalInput {
  readonly name = 'gpio 18';
  level = false;
  broken = false;
  read() {
    if (this.broken) return { ok: false, error: new HalError('timeout', 'no answer') } as const;
    return { ok: true, value: this.level } as const;
  }
  onChange(): void {
    this.level = false;
  }
  onError(): void {
    this.broken = false;
  }
  close(): void {
    this.broken = true;
  }
}

function rig(more: Partial<OutputBinding> = {}) {
  const output = new FakeOutput();
  const binding: OutputBinding = {
    id: 'siren',
    role: 'siren',
    output,
    pattern: 'steady',
    feedback: null,
    settleMs: 200,
    ...more,
  };
  return { output, annunciator: new Annunciator([binding]) };
}

describe('the annunciator', () => {
  it('tells what a line in a pattern is to show if it is lost in a pause', () => {
    const { output, annunciator } = rig({ pattern: 'temporalThree' });
    annunciator.drive(OFF, 0);
    annunciator.drive(SIREN, 100);
    for (let nowMs = 200; nowMs < 5_000; nowMs += 100) annunciator.drive(SIREN, nowMs);
    annunciator.drive(OFF, 5_000);
    expect(output.intended).toEqual([false, true, false]);
    const steady = rig();
    steady.annunciator.drive(SIREN, 0);
    expect(steady.output.intended).toEqual([]);
  });

  it.each([
    ['temporalThree', SIREN, true],
    ['temporalThree', OFF, false],
    ['steady', SIREN, null],
  ] as const)('at rest goes on without the pauses of %s', (pattern, levels, wanted) => {
    const { output, annunciator } = rig({ pattern });
    annunciator.drive(levels, 0);
    annunciator.drive(levels, 600);
    const before = output.writes.length;
    expect(annunciator.rest()).toEqual([]);
    expect(output.writes.slice(before)).toEqual(wanted === null ? [] : [wanted]);
  });

  it('at rest drops the fault relay, or says that it could not', () => {
    const { output, annunciator } = rig({ role: 'faultRelay' });
    annunciator.drive({ ...OFF, faultRelay: true }, 0);
    expect(output.writes).toEqual([true]);
    output.broken = true;
    expect(annunciator.rest().map(({ message }) => message)).toEqual(['no such line']);
    output.broken = false;
    expect(annunciator.rest()).toEqual([]);
    expect(output.writes).toEqual([true, false]);
  });

  it('writes on change, and again each second', () => {
    const { output, annunciator } = rig();
    annunciator.drive(OFF, 0);
    annunciator.drive(OFF, 500);
    expect(output.writes).toEqual([false]);
    annunciator.drive(SIREN, 600);
    expect(output.writes).toEqual([false, true]);
    annunciator.drive(SIREN, 1_599);
    annunciator.drive(SIREN, 1_600);
    expect(output.writes).toEqual([false, true, true]);
    expect(annunciator.writes).toBe(3);
  });

  it('tells a failed write once, tries again, and tells when it works', () => {
    const { output, annunciator } = rig();
    output.broken = true;
    const raised = annunciator.drive(SIREN, 0);
    expect(raised).toEqual([
      {
        fault: 'outputFailed',
        subject: 'output:siren',
        raised: true,
        detail: 'siren on gpio 17: no such line',
      },
    ]);
    expect(annunciator.drive(SIREN, 100)).toEqual([]);
    output.broken = false;
    expect(annunciator.drive(SIREN, 150)).toEqual([]);
    expect(annunciator.drive(SIREN, 200)).toMatchObject([{ raised: false }]);
    expect(output.writes).toEqual([true]);
  });

  it('compares command and feedback after the settling time', () => {
    const feedback = new FakeFeedback();
    const { annunciator } = rig({ feedback });
    expect(annunciator.drive(SIREN, 0)).toEqual([]);
    expect(annunciator.drive(SIREN, 199)).toEqual([]);
    expect(annunciator.drive(SIREN, 200)).toMatchObject([
      { fault: 'outputDisagrees', subject: 'output:siren', raised: true },
    ]);
    expect(annunciator.drive(SIREN, 300)).toEqual([]);
    feedback.level = true;
    expect(annunciator.drive(SIREN, 400)).toMatchObject([{ raised: false }]);
    feedback.broken = true;
    expect(annunciator.drive(SIREN, 500)).toMatchObject([
      { raised: true, detail: 'siren on gpio 17: no answer' },
    ]);
  });

  /** A relay behind a feedback contact: follows its coil some time later, or is stuck. */
  function pulsing(stuckAt: boolean | null, lateMs: number) {
    const feedback = new FakeFeedback();
    const { output, annunciator } = rig({ feedback, pattern: 'temporalThree', settleMs: 250 });
    const moves: { readonly atMs: number; readonly level: boolean }[] = [];
    const run = (levels: OutputLevels, fromMs: number, untilMs: number) => {
      const told: string[] = [];
      for (let nowMs = fromMs; nowMs < untilMs; nowMs += 20) {
        const due = moves.filter(({ atMs }) => atMs + lateMs <= nowMs).at(-1);
        feedback.level = stuckAt ?? due?.level ?? false;
        const written = output.writes.length;
        for (const { fault, raised } of annunciator.drive(levels, nowMs)) {
          told.push(`${fault} ${raised ? 'raised' : 'restored'}`);
        }
        const level = output.writes.at(-1) ?? false;
        if (output.writes.length > written) moves.push({ atMs: nowMs, level });
      }
      return told;
    };
    return { run };
  }

  it('compares each pulse of a pattern, and lets a slow relay follow it', () => {
    const { run } = pulsing(null, 240);
    expect(run(SIREN, 0, 20_000)).toEqual([]);
    expect(run(OFF, 20_000, 30_000)).toEqual([]);
  });

  it.each([true, false])('tells once that a relay is stuck at %s while it pulses', (stuckAt) => {
    const { run } = pulsing(stuckAt, 0);
    expect(run(SIREN, 0, 20_000)).toEqual(['outputDisagrees raised']);
  });

  it('does not take silence on command for a siren that works', () => {
    const { run } = pulsing(false, 0);
    expect(run(SIREN, 0, 5_000)).toEqual(['outputDisagrees raised']);
    expect(run(OFF, 5_000, 60_000)).toEqual([]);
  });

  it('drives the pattern, from its pulse on', () => {
    const { output, annunciator } = rig({ pattern: 'temporalThree' });
    for (let nowMs = 130; nowMs < 8_130; nowMs += 500) annunciator.drive(SIREN, nowMs);
    const wanted = [1, 0, 1, 0, 1, 0, 0, 0].map(Boolean);
    const seen = output.writes.filter((level, i) => i === 0 || level !== output.writes[i - 1]);
    expect(seen.slice(0, 6)).toEqual(wanted.slice(0, 6));
    expect(output.writes.filter(Boolean)).toHaveLength(6);
  });
});

describe('patterns', () => {
  it('repeat and are never always off', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(1_000_000), (sinceMs, afterMs) => {
        const nowMs = sinceMs + afterMs;
        expect(patternLevel('steady', sinceMs, nowMs)).toBe(true);
        expect(patternLevel('pulsed', sinceMs, nowMs)).toBe(
          patternLevel('pulsed', sinceMs, nowMs + 1_000),
        );
        expect(patternLevel('temporalThree', sinceMs, nowMs)).toBe(
          patternLevel('temporalThree', sinceMs, nowMs + 4_000),
        );
        expect(patternLevel('temporalThree', sinceMs, sinceMs + 2_499)).toBe(true);
        expect(patternLevel('temporalThree', sinceMs, sinceMs + 2_500)).toBe(false);
      }),
    );
  });
});

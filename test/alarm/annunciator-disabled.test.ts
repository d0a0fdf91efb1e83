import { describe, expect, it } from 'vitest';
import { Annunciator } from '../../src/alarm/annunciator.ts';
import type { OutputBinding } from '../../src/alarm/annunciator.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { CommandRequest } from '../../src/domain/command.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { OutputLevels } from '../../src/domain/view.ts';
import type { DigitalInput, DigitalOutput } from '../../src/hal/ports.ts';
import { DONE, done } from '../../src/hal/ports.ts';
import { zoneId } from '../../src/domain/units.ts';
import { Runtime } from '../../src/runtime.ts';
import { createPanel } from '../../src/alarm/panel.ts';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { ManualClock, settle } from '../hal/manual-clock.ts';
import { HALL, Stamper } from './make.ts';

/** A line that can be looked at. */
class Line implements DigitalOutput {
  readonly name: string;
  level = false;

  constructor(name: string) {
    this.name = name;
  }

  write(active: boolean) {
    this.level = active;
    return DONE;
  }

  close(): void {
    this.level = false;
  }
}

const ALARM: OutputLevels = {
  siren: true,
  strobe: true,
  alarmRelay: true,
  faultRelay: true,
  buzzer: true,
  escalation: true,
};

function rig() {
  const lines = { horn: new Line('horn'), horn2: new Line('horn2'), ok: new Line('ok') };
  const feedback: DigitalInput = {
    name: 'read-horn',
    read: () => done(lines.horn.level),
    onChange: () => undefined,
    onError: () => undefined,
    close: () => undefined,
  };
  const bind = (id: keyof typeof lines, role: OutputBinding['role']): OutputBinding => ({
    ...{ id, role, output: lines[id], pattern: 'steady', settleMs: 50 },
    feedback: id === 'horn' ? feedback : null,
  });
  const bindings = [bind('horn', 'siren'), bind('horn2', 'siren'), bind('ok', 'faultRelay')];
  return { lines, annunciator: new Annunciator(bindings) };
}

describe('a disabled output line', () => {
  it('rests while others of its role sound, and follows again when it is enabled', () => {
    const { lines, annunciator } = rig();
    annunciator.drive(ALARM, 0);
    expect(lines.horn.level).toBe(true);
    annunciator.drive(ALARM, 100, [{ output: 'horn' }]);
    expect([lines.horn.level, lines.horn2.level]).toEqual([false, true]);
    annunciator.drive(ALARM, 200, []);
    expect(lines.horn.level).toBe(true);
  });

  it('is no disagreement with its feedback', () => {
    const { annunciator } = rig();
    for (let nowMs = 0; nowMs < 3_000; nowMs += 100) {
      expect(annunciator.drive(ALARM, nowMs, [{ output: 'horn' }])).toEqual([]);
    }
  });

  it('is never the fault relay, whatever somebody asks for', () => {
    const { lines, annunciator } = rig();
    annunciator.drive(ALARM, 0, [{ output: 'ok' }]);
    expect(lines.ok.level).toBe(true);
  });
});

describe('the runtime', () => {
  function running() {
    const clock = new ManualClock();
    const { lines, annunciator } = rig();
    const outputs = [
      { id: 'horn', role: 'siren' },
      { id: 'horn2', role: 'siren' },
      { id: 'ok', role: 'faultRelay' },
    ] as const;
    const plan = makePlan({ zones: [{ id: HALL, name: 'Hall', sources: [] }], outputs });
    const journal: DomainEvent[] = [];
    const stamper = new Stamper();
    const runtime = new Runtime({
      clock,
      bank: new EvidenceBank(),
      panel: createPanel(plan, clock.monotonicMs()),
      stamp: (events) => stamper.stamp(events),
      remember: () => undefined,
      drive: (levels, nowMs, disabled) => annunciator.drive(levels, nowMs, disabled),
      journal: (events) => void journal.push(...events),
      observe: () => undefined,
    });
    runtime.start();
    return { clock, lines, runtime, journal };
  }

  const request = (command: CommandRequest['command'], requestId: string): CommandRequest => ({
    ...{ command, requestId },
    origin: 'cli:anna',
    level: 'installer',
  });

  it('journals a flood of commands that the panel refuses as a number', async () => {
    const { clock, runtime, journal } = running();
    const refusedOnes = () => journal.filter(({ type }) => type === 'commandRefused');
    for (let i = 0; i < 100; i += 1) {
      const wrong = request({ kind: 'reset', zone: zoneId('nowhere') }, `r${i}`);
      const answer = runtime.submit(wrong);
      clock.advance(100);
      expect(await answer).toMatchObject({ ok: false });
    }
    expect(refusedOnes().length).toBeLessThan(15);
    // The flood hides nothing that comes by another way.
    const other = { ...request({ kind: 'sound' }, 'r100'), origin: 'mqtt:centre' };
    const answer = runtime.submit(other);
    clock.advance(100);
    await answer;
    expect(refusedOnes().at(-1)).toMatchObject({ data: { origin: 'mqtt:centre' } });
    clock.advance(20_000);
    const last = runtime.submit(request({ kind: 'reset', zone: zoneId('nowhere') }, 'last'));
    clock.advance(100);
    await last;
    expect(JSON.stringify(refusedOnes().at(-1))).toMatch(/more refused before it/);
  });

  it('hands disabled lines to the drive of the same step', async () => {
    const { clock, lines, runtime } = running();
    runtime.signal({ input: 'mcp', role: 'manualCallPoint', zone: HALL, active: true });
    expect(lines.horn.level).toBe(true);
    const disable = { kind: 'disableOutput', output: 'horn', forMs: 60_000 } as const;
    const answer = runtime.submit(request(disable, 'r1'));
    clock.advance(100);
    await settle();
    expect((await answer).ok).toBe(true);
    expect([lines.horn.level, lines.horn2.level]).toEqual([false, true]);
    clock.advance(60_100);
    expect(lines.horn.level).toBe(true);
  });

  it('answers two senders that use one id each with its own outcome', async () => {
    const { clock, runtime } = running();
    const silence = request({ kind: 'silence' }, 'same');
    const first = runtime.submit(silence);
    const reset = request({ kind: 'disable', zone: HALL, forMs: -1 }, 'same');
    const second = runtime.submit({ ...reset, origin: 'mqtt:centre' });
    clock.advance(100);
    await settle();
    expect((await first).ok).toBe(true);
    expect(await second).toMatchObject({ ok: false, error: 'badArgument' });
  });

  it('journals what it refuses itself, a flood of it as a number', async () => {
    const { clock, runtime, journal } = running();
    for (let i = 0; i < 40; i += 1) void runtime.submit(request({ kind: 'silence' }, `r${i}`));
    clock.advance(100);
    const refused = () => journal.filter((event) => event.type === 'commandRefused');
    expect(refused()).toHaveLength(10);
    expect(refused()[0]!.data).toMatchObject({ origin: 'cli:anna', error: 'overloaded' });
    clock.advance(30_000);
    const detail = 'no such thing';
    const late = { origin: 'cli:bob', requestId: 'late', command: 'reboot', detail };
    for (let i = 0; i < 2; i += 1) runtime.refused({ ...late, error: 'unknownCommand' });
    clock.advance(100);
    await settle();
    expect(refused().map(({ data }) => ('detail' in data ? data.detail : ''))).toEqual([
      ...Array.from({ length: 10 }, () => expect.stringContaining('are waiting') as string),
      `${detail} (14 more refused before it)`,
      detail,
    ]);
  });
});

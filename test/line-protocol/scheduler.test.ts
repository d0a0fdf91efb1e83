import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CommandKind,
  EEPROM_TIMEOUT_MS,
  type Received,
  STALE_PACKET_MS,
  type SchedulerOptions,
  type SchedulerState,
} from '../../src/domain/line-protocol/schedule.ts';
import { createScheduler, stepScheduler } from '../../src/domain/line-protocol/scheduler.ts';

const continuous: SchedulerOptions = {
  mode: 'continuous',
  pollMs: 3000,
  cadenceMs: 4090,
  wantsEeprom: true,
};
const onDemand: SchedulerOptions = { ...continuous, mode: 'onDemand' };

const nothing: Received = {
  kind: 'received',
  packets: 0,
  frames: 0,
  endsWithSensor: false,
  eeprom: 'none',
  booted: false,
  midPacket: false,
};
const frame: Received = { ...nothing, packets: 1, frames: 1 };
const sensor: Received = { ...nothing, packets: 1, endsWithSensor: true };
const partial: Received = { ...nothing, midPacket: true };
const eeprom: Received = { ...nothing, packets: 1, eeprom: 'good' };

/** A board that says what the test lets it say, and what it was told. */
class Line {
  state: SchedulerState;
  nowMs = 0;
  nextDueMs = 0;
  readonly sent: [number, CommandKind][] = [];
  readonly #chance: number;

  constructor(options: SchedulerOptions, chance = 0.5) {
    this.state = createScheduler(options, 0);
    this.#chance = chance;
  }

  hear(received: Received, atMs: number): void {
    this.waitUntil(atMs);
    this.#step(received);
  }

  waitUntil(atMs: number): void {
    while (this.nextDueMs <= atMs) {
      this.nowMs = Math.max(this.nowMs, this.nextDueMs);
      this.#step({ kind: 'tick' });
    }
    this.nowMs = atMs;
  }

  get told(): CommandKind[] {
    return this.sent.map(([, command]) => command);
  }

  #step(event: Received | { kind: 'tick' }): void {
    const result = stepScheduler(this.state, { ...event, chance: this.#chance }, this.nowMs);
    this.state = result.state;
    this.nextDueMs = result.nextDueMs;
    if (result.send !== null) this.sent.push([this.nowMs, result.send]);
  }
}

/** Cycles of the real board: a frame, 0.49 s later its `#Sensor`, then quiet. */
function runCycles(line: Line, count: number, fromMs: number): number {
  let at = fromMs;
  for (let cycle = 0; cycle < count; cycle++) {
    line.hear(partial, at);
    line.hear(frame, at + 290);
    line.hear(sensor, at + 780);
    at += 4090;
  }
  return at;
}

describe('a continuous board', () => {
  it('is started once, then asked for its calibration in the gap after #Sensor', () => {
    const line = new Line(continuous);
    line.waitUntil(1000);
    expect(line.sent).toEqual([[300, 'period']]);
    runCycles(line, 1, 5000);
    expect(line.sent.slice(1)).toEqual([[5780, 'eeprom']]);
    line.hear(eeprom, 8000);
    runCycles(line, 200, 9000);
    expect(line.told).toEqual(['period', 'eeprom']);
  });

  it('is asked for its calibration again every hour', () => {
    const line = new Line(continuous);
    const at = runCycles(line, 1, 1000);
    line.hear(eeprom, at - 500);
    runCycles(line, 900, at);
    const asked = line.sent.filter(([, command]) => command === 'eeprom').map(([sentAt]) => sentAt);
    expect((asked[1] ?? 0) - at).toBeGreaterThan(3_599_000);
    expect((asked[1] ?? 0) - at).toBeLessThan(3_605_000);
  });

  it('is told to start again only after silence, with a back-off, for ever', () => {
    const line = new Line({ ...continuous, wantsEeprom: false });
    const at = runCycles(line, 3, 1000);
    const before = line.sent.length;
    line.waitUntil(at + 3_600_000);
    const retries = line.sent.slice(before).map(([sentAt]) => sentAt);
    expect(retries[0]).toBeGreaterThan(at);
    expect((retries[0] ?? 0) - at).toBeLessThan(30_000);
    expect(retries.length).toBeGreaterThan(50);
    const pauses = retries.slice(1).map((sentAt, index) => sentAt - (retries[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(90_000);
  });

  it('is started again when it announces itself again: it has booted', () => {
    const line = new Line(continuous);
    const at = runCycles(line, 3, 1000);
    line.hear({ ...nothing, packets: 1, booted: true }, at);
    line.waitUntil(at + 1000);
    expect(line.sent.at(-1)).toEqual([at + 300, 'period']);
  });

  it('gets its commands in a pause when it sends frames only', () => {
    const line = new Line(continuous);
    for (let at = 1000; at < 60_000; at += 4090) line.hear(frame, at);
    expect(line.told).toContain('eeprom');
    for (const [sentAt, command] of line.sent) {
      if (command === 'eeprom') expect((sentAt - 1000) % 4090).toBeGreaterThanOrEqual(700);
    }
  });

  it('gets its commands between two packets when it sends frames without a pause', () => {
    const line = new Line(continuous);
    for (let at = 10; at < 60_000; at += 60) line.hear(frame, at);
    expect(line.told).toContain('period');
    expect(line.told).toContain('eeprom');
  });

  it('gets its commands when it never says anything at all', () => {
    const line = new Line(continuous);
    line.waitUntil(60_000);
    expect(new Set(line.told)).toEqual(new Set(['period', 'eeprom']));
  });

  it('gets them although it broke off in the middle of a packet', () => {
    const line = new Line(continuous);
    line.hear(partial, 100);
    line.waitUntil(60_000);
    expect(line.sent[0]).toEqual([100 + STALE_PACKET_MS, 'period']);
  });
});

describe('a board asked on demand', () => {
  it('is polled at its pace, and asked for its calibration after the first cycle', () => {
    const line = new Line(onDemand);
    line.waitUntil(500);
    expect(line.sent).toEqual([[300, 'request']]);
    line.hear(frame, 1000);
    line.hear(sensor, 1490);
    expect(line.sent[1]).toEqual([1490, 'eeprom']);
    line.hear(eeprom, 3000);
    line.waitUntil(3299);
    expect(line.sent).toHaveLength(2);
    line.waitUntil(4000);
    expect(line.sent[2]?.[1]).toBe('request');
  });

  it('is asked again when its frame was damaged and only the #Sensor came', () => {
    const line = new Line({ ...onDemand, wantsEeprom: false });
    line.hear(sensor, 900);
    line.waitUntil(5000);
    expect(line.sent.map(([at]) => at)).toEqual([300, 3300]);
  });

  it('is asked at most one poll or 45 s apart, whatever it answers', () => {
    const line = new Line(onDemand);
    line.waitUntil(3_600_000);
    const requests = line.sent.filter(([, command]) => command === 'request').map(([at]) => at);
    const pauses = requests.slice(1).map((at, index) => at - (requests[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThan(60_000);
  });
});

const options = fc.record({
  mode: fc.constantFrom('continuous' as const, 'onDemand' as const),
  pollMs: fc.constantFrom(1000, 3000, 60_000, 3_600_000),
  cadenceMs: fc.constantFrom(63, 1000, 4090, 60_000),
  wantsEeprom: fc.boolean(),
});
const received = fc.record({
  kind: fc.constant('received' as const),
  packets: fc.nat(3),
  frames: fc.nat(1),
  endsWithSensor: fc.boolean(),
  eeprom: fc.constantFrom('none' as const, 'none' as const, 'good' as const, 'bad' as const),
  booted: fc.constantFrom(false, false, false, true),
  midPacket: fc.boolean(),
});
const happening = fc.record({
  afterMs: fc.constantFrom(0, 1, 50, 300, 490, 700, 1500, 4090, 6001, 30_000, 400_000),
  event: fc.oneof(received, fc.constant({ kind: 'tick' as const })),
  chance: fc.constantFrom(0, 0.25, 0.999),
});

describe('any board', () => {
  it('is never interrupted, gets one command at a time, and time always moves on', () => {
    fc.assert(
      fc.property(options, fc.array(happening, { maxLength: 60 }), (given, happenings) => {
        let state = createScheduler(given, 0);
        let nowMs = 0;
        let freshPartialUntil = -1;
        for (const { afterMs, event, chance } of happenings) {
          nowMs += afterMs;
          const was = state;
          const result = stepScheduler(state, { ...event, chance }, nowMs);
          state = result.state;
          if (event.kind === 'received') {
            freshPartialUntil = event.midPacket ? nowMs + STALE_PACKET_MS : -1;
          }
          if (result.send !== null) {
            expect(nowMs).toBeGreaterThanOrEqual(freshPartialUntil);
            const sentAt = was.outstanding?.sentAtMs ?? -Infinity;
            const answered = event.kind === 'received';
            expect(was.outstanding === null || answered || nowMs - sentAt >= 2000).toBe(true);
            expect(state.outstanding).toEqual({ command: result.send, sentAtMs: nowMs });
          }
          expect(result.nextDueMs).toBeGreaterThan(nowMs);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is asked for ever, however it has behaved', () => {
    fc.assert(
      fc.property(
        options,
        fc.array(happening, { maxLength: 20 }),
        fc.constantFrom(0, 0.5, 0.999),
        (given, happenings, chance) => {
          const line = new Line(given, chance);
          let at = 0;
          for (const { afterMs, event } of happenings) {
            at += afterMs;
            if (event.kind === 'received') line.hear(event, at);
          }
          const wanted: CommandKind[] = [given.mode === 'continuous' ? 'period' : 'request'];
          if (given.wantsEeprom) wanted.push('eeprom');
          // A calibration just read is good for an hour, and a poll may be an hour.
          for (const hours of [2, 4, 6]) {
            const before = line.sent.length;
            line.waitUntil(at + hours * 3_600_000);
            const told = new Set(line.sent.slice(before).map(([, command]) => command));
            expect([...wanted].filter((command) => !told.has(command))).toEqual([]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is not waited for longer than 6 s for its calibration', () => {
    const line = new Line(continuous);
    runCycles(line, 1, 1000);
    const [sentAt] = line.sent.at(-1) ?? [NaN];
    expect(line.told.at(-1)).toBe('eeprom');
    line.waitUntil(sentAt + EEPROM_TIMEOUT_MS - 1);
    expect(line.state.outstanding?.command).toBe('eeprom');
    line.waitUntil(sentAt + EEPROM_TIMEOUT_MS);
    expect(line.state.outstanding).toBeNull();
  });
});

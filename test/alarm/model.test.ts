/** What must hold after any sequence of inputs, random and exhaustive. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { createPanel, outputsOf, stepPanel, viewOf } from '../../src/alarm/panel.ts';
import type { Panel, StepResult } from '../../src/alarm/panel.ts';
import type { Command } from '../../src/domain/command.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import type { InputSignal, StepInputs } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import type { Explanation } from '../../src/domain/event.ts';
import type { SourceRef } from '../../src/domain/evidence.ts';
import { sensorId } from '../../src/domain/units.ts';
import type { ZoneId } from '../../src/domain/units.ts';
import type { Condition, OutputLevels, PanelView } from '../../src/domain/view.ts';
import { CONDITIONS } from '../../src/domain/view.ts';
import { HALL, heat, level, noData, STORE } from './make.ts';

const A = sensorId('a');
const B = sensorId('b');
const FRESHNESS_MS = 10_000;

function plan(verificationMs: number) {
  return makePlan({
    zones: [
      {
        id: HALL,
        name: 'Hall',
        confirmations: 1,
        verificationMs,
        freshnessMs: FRESHNESS_MS,
        sources: [
          { sensor: A, channel: 'thermal', role: 'thermal' },
          { sensor: A, channel: 'DIO', role: 'flameDigital' },
        ],
      },
      {
        id: STORE,
        name: 'Store',
        confirmations: 1,
        freshnessMs: FRESHNESS_MS,
        sources: [{ sensor: B, channel: 'thermal', role: 'thermal' }],
      },
    ],
  });
}

/** One input of the alphabet. */
interface Letter {
  readonly name: string;
  readonly afterMs: number;
  readonly inputs: (nowMs: number) => Partial<StepInputs>;
}

const windows = (name: string, make: (now: number) => EvidenceWindow): Letter => ({
  name,
  afterMs: 500,
  inputs: (now) => ({ windows: [make(now)] }),
});
const command = (what: Command): Letter => ({
  name: what.kind,
  afterMs: 0,
  inputs: (now) => ({
    commands: [{ command: what, requestId: `${what.kind}${now}`, origin: 't', level: 'installer' }],
  }),
});
const point = (active: boolean): Letter => ({
  name: active ? 'press' : 'release',
  afterMs: 0,
  inputs: () => {
    const signal: InputSignal = { input: 'mcp', role: 'manualCallPoint', zone: STORE, active };
    return { signals: [signal] };
  },
});
const wait = (ms: number): Letter => ({ name: `wait${ms}`, afterMs: ms, inputs: () => ({}) });

const FIRE = windows('fireA', (now) => heat(now, 130, {}, A));
const SMALL: readonly Letter[] = [
  FIRE,
  windows('coolA', (now) => heat(now, 20, {}, A)),
  windows('warmA', (now) => heat(now, 80, {}, A)),
  windows('flameA', (now) => level('DIO', now, 1, A)),
  windows('fireB', (now) => heat(now, 130, {}, B)),
  command({ kind: 'silence' }),
  command({ kind: 'reset', zone: 'all' }),
  wait(12_000),
];
const ALL: readonly Letter[] = [
  ...SMALL,
  windows('coolB', (now) => heat(now, 20, {}, B)),
  windows('darkA', (now) => level('DIO', now, 0, A)),
  windows('brokenA', (now) => noData(now, 'frozen', 'thermal', A)),
  windows('stranger', (now) => heat(now, 130, {}, sensorId('c'))),
  command({ kind: 'acknowledge', zone: 'all' }),
  command({ kind: 'reset', zone: HALL }),
  command({ kind: 'disable', zone: HALL, forMs: 20_000 }),
  command({ kind: 'enable', zone: HALL }),
  command({ kind: 'test', zone: HALL, forMs: 20_000 }),
  point(true),
  point(false),
  wait(1),
  wait(3_000),
  wait(90_000),
];

/** The invariants, checked on one step; counts how often each had something to say. */
const exercised = { latched: 0, newAlarm: 0, stale: 0, disabled: 0, events: 0 };

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken: ${what}`);
}

function check(before: Panel, result: StepResult, inputs: StepInputs, nowMs: number): void {
  const is = viewOf(result.panel, nowMs);
  const resets = new Set<ZoneId>();
  for (const event of result.events) {
    if (event.type === 'alarmReset') resets.add(event.data.zone);
    if (event.type === 'alarm') {
      exercised.newAlarm += 1;
      must(is.outputs.siren, 'silence never hides a new alarm');
      must(!is.zones.some((zone) => zone.silenced), 'a new alarm lifts every silence');
    }
    if (event.type === 'alarm' || event.type === 'preAlarm') {
      votesAreFresh(is, event.data.zone, event.data.explanation);
    }
  }
  for (const zone of before.zones) {
    if (zone.alarm === null) continue;
    exercised.latched += 1;
    const now = is.zones.find((other) => other.id === zone.plan.id);
    must(now?.alarm != null || resets.has(zone.plan.id), 'an alarm ends only by reset');
  }
  const asked = inputs.commands.some(({ command: { kind } }) => kind === 'reset');
  must(resets.size === 0 || asked, 'a reset is asked for');
  for (const zone of is.zones) {
    if (zone.disabledUntilMs === null) continue;
    exercised.disabled += 1;
    must(zone.preAlarm === null, 'a disabled zone decides nothing');
  }
  exercised.events += result.events.length;
  derived(is, outputsOf(result.panel, nowMs));
}

function votesAreFresh(view: PanelView, zone: ZoneId, { votes, stale }: Explanation): void {
  for (const source of view.sources) {
    if (source.zone !== zone || source.quality !== 'stale') continue;
    exercised.stale += 1;
    const same = (other: SourceRef) =>
      other.sensor === source.sensor && other.channel === source.channel;
    must(!votes.some(same), 'nothing older than its limit votes');
    must(stale.some(same), 'what is stale is named');
  }
}

/** Conditions and outputs follow from the facts alone. */
function derived(view: PanelView, outputs: OutputLevels): void {
  const shown: Condition[] = view.zones.map((zone) => {
    if (zone.alarm !== null) return 'alarm';
    if (zone.preAlarm !== null) return 'preAlarm';
    if (zone.supervisory.length > 0) return 'supervisory';
    if (zone.faults.length > 0) return 'fault';
    if (zone.disabledUntilMs !== null) return 'disabled';
    return zone.testUntilMs !== null ? 'test' : 'normal';
  });
  view.zones.forEach((zone, i) => must(zone.condition === shown[i], 'zone condition'));
  if (view.supervisory.length > 0) shown.push('supervisory');
  if (view.faults.length > 0) shown.push('fault');
  const rank = Math.min(CONDITIONS.length - 1, ...shown.map((one) => CONDITIONS.indexOf(one)));
  must(view.condition === CONDITIONS[rank], 'panel condition');
  const inAlarm = view.zones.filter((zone) => zone.alarm !== null);
  must(outputs.strobe === inAlarm.length > 0, 'strobe');
  must(outputs.alarmRelay === inAlarm.length > 0, 'alarm relay');
  must(outputs.siren === inAlarm.some((zone) => !zone.silenced), 'siren');
  const faults = [view, ...view.zones].some((each) => each.faults.length > 0);
  must(outputs.faultRelay === !faults, 'fault relay');
  const unseen = view.zones.some(
    (zone) => !['disabled', 'test', 'normal'].includes(zone.condition) && !zone.acknowledged,
  );
  must(outputs.buzzer || !unseen, 'buzzer');
}

function play(panel: Panel, nowMs: number, letter: Letter) {
  const at = nowMs + letter.afterMs;
  const inputs = { ...NO_INPUTS, ...letter.inputs(at) };
  const result = stepPanel(panel, inputs, at);
  check(panel, result, inputs, at);
  return { panel: result.panel, nowMs: at };
}

describe('after any sequence of inputs', () => {
  it.each([0, 5_000])('the invariants hold, verification %i ms', (verificationMs) => {
    const start = plan(verificationMs);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ALL), { maxLength: 60 }), (letters) => {
        let at = { panel: createPanel(start, 0), nowMs: 0 };
        for (const letter of letters) at = play(at.panel, at.nowMs, letter);
      }),
      { numRuns: 400 },
    );
  });

  it('a fire in a healthy, enabled zone is in alarm in the step of its frame', () => {
    const start = plan(0);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ALL), { maxLength: 40 }), (letters) => {
        let at = { panel: createPanel(start, 0), nowMs: 0 };
        for (const letter of letters) at = play(at.panel, at.nowMs, letter);
        const { disabledUntilMs, testUntilMs } = viewOf(at.panel, at.nowMs).zones[0]!;
        const off = Math.max(disabledUntilMs ?? 0, testUntilMs ?? 0);
        at = play(at.panel, Math.max(at.nowMs, off), FIRE);
        expect(viewOf(at.panel, at.nowMs).zones[0]!.alarm).not.toBeNull();
      }),
      { numRuns: 200 },
    );
  });
});

describe('all sequences of the small alphabet', () => {
  it('of up to five letters keep the invariants', () => {
    let sequences = 0;
    const walk = (panel: Panel, nowMs: number, depth: number): void => {
      if (depth === 0) return;
      for (const letter of SMALL) {
        const next = play(panel, nowMs, letter);
        sequences += 1;
        walk(next.panel, next.nowMs, depth - 1);
      }
    };
    walk(createPanel(plan(0), 0), 0, 5);
    expect(sequences).toBe(8 + 8 ** 2 + 8 ** 3 + 8 ** 4 + 8 ** 5);
  });

  it('exercised every invariant', () => {
    for (const [name, times] of Object.entries(exercised)) {
      expect(times, name).toBeGreaterThan(100);
    }
  });
});

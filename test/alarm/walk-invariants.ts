/** What must hold after every step, whatever came in. Each counts how often it had a say. */
import type { Panel, StepResult } from '../../src/alarm/panel.ts';
import { outputsOf, viewOf } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { StepInputs } from '../../src/domain/step.ts';
import type { PanelView, ZoneView } from '../../src/domain/view.ts';
import { CONDITIONS, DELAYED_ROLES } from '../../src/domain/view.ts';

/** How often each invariant was tried, by its name. */
export type Exercised = Map<string, number>;

/** One step, as the invariants look at it. */
export interface Step {
  readonly before: Panel;
  readonly was: PanelView;
  readonly result: StepResult;
  readonly is: PanelView;
  readonly inputs: StepInputs;
  readonly nowMs: number;
  readonly exercised: Exercised;
}

/** Throws where an invariant is broken; counts it where it held. */
export function must(step: { readonly exercised: Exercised }, what: string, holds: boolean): void {
  if (!holds) throw new Error(`broken: ${what}`);
  step.exercised.set(what, (step.exercised.get(what) ?? 0) + 1);
}

const eventsOf = (step: Step, type: DomainEvent['type']) =>
  step.result.events.filter((event) => event.type === type);

/** Every invariant of one step. */
export function checkStep(step: Step): void {
  latches(step);
  newAlarms(step);
  limitedTimes(step);
  derived(step);
  delays(step);
  votes(step);
  sources(step);
  agreement(step);
}

function latches(step: Step): void {
  const { was, is, inputs } = step;
  const resets = step.result.events.flatMap((event) =>
    event.type === 'alarmReset' ? [event.data.zone] : [],
  );
  for (const zone of was.zones) {
    if (zone.alarm === null) continue;
    const now = is.zones.find(({ id }) => id === zone.id);
    const what = 'a latched alarm ends only by a reset';
    must(step, what, now?.alarm != null || resets.includes(zone.id));
    const isBlind = inputs.windows.some(({ kind }) => kind === 'noData');
    if (isBlind) must(step, 'no data lowers no latched alarm', now?.alarm != null);
  }
  if (resets.length === 0) return;
  const asked =
    inputs.commands.some(({ command }) => command.kind === 'reset') ||
    inputs.signals.some(({ role, active }) => role === 'reset' && active);
  must(step, 'a reset is asked for by a person', asked);
}

function newAlarms(step: Step): void {
  const { is } = step;
  if (eventsOf(step, 'alarm').length === 0) return;
  must(step, 'a new alarm lifts every silence', !is.zones.some(({ silenced }) => silenced));
  const heldOff = is.maintenanceUntilMs !== null || is.delayed.some(({ role }) => role === 'siren');
  must(step, 'a new alarm sounds unless it is held off', is.outputs.siren || heldOff);
  must(step, 'a new alarm calls for a person', is.outputs.buzzer);
}

function limitedTimes(step: Step): void {
  const { is, nowMs } = step;
  const ends = [
    ...is.zones.flatMap((zone) => [zone.disabledUntilMs, zone.testUntilMs]),
    ...is.disabledSensors.map(({ untilMs }) => untilMs),
    ...is.disabledOutputs.map(({ untilMs }) => untilMs),
    ...is.delayed.map(({ soundsAtMs }) => soundsAtMs),
    is.maintenanceUntilMs,
  ];
  for (const untilMs of ends) {
    if (untilMs === null) continue;
    must(step, 'what is for a limited time ends in time', untilMs > nowMs);
  }
  for (const zone of is.zones) {
    if (zone.disabledUntilMs === null && zone.testUntilMs === null) continue;
    const decides = zone.preAlarm !== null || (zone.disabledUntilMs !== null && zone.verifying);
    must(step, 'a disabled or tested zone decides nothing', !decides);
    const shown = ['disabled', 'test'].includes(zone.condition);
    const more = zone.alarm !== null || zone.faults.length > 0 || zone.supervisory.length > 0;
    must(step, 'a disabled or tested zone says so', shown || more);
  }
}

function conditionOfFacts(view: PanelView, zone: ZoneView): PanelView['condition'] {
  if (zone.alarm !== null) return 'alarm';
  if (zone.preAlarm !== null) return 'preAlarm';
  if (zone.supervisory.length > 0) return 'supervisory';
  if (zone.faults.length > 0) return 'fault';
  const isMuted = view.sources.some(
    (source) => source.zone === zone.id && source.disabledUntilMs !== null,
  );
  if (zone.disabledUntilMs !== null || isMuted) return 'disabled';
  return zone.testUntilMs !== null ? 'test' : 'normal';
}

/** Conditions and outputs follow from the facts alone: computed here once more, from the view. */
function derived(step: Step): void {
  const { is } = step;
  const outputs = outputsOf(step.result.panel, step.nowMs);
  const shown = is.zones.map((zone) => conditionOfFacts(is, zone));
  is.zones.forEach((zone, i) => {
    must(step, 'the condition of a zone follows from its facts', zone.condition === shown[i]);
  });
  if (is.supervisory.length > 0) shown.push('supervisory');
  if (is.faults.length > 0) shown.push('fault');
  const limited = is.disabledSensors.length + is.disabledOutputs.length;
  const maintained = is.maintenanceUntilMs !== null;
  if (limited > 0 || maintained) shown.push('disabled');
  const rank = Math.min(CONDITIONS.length - 1, ...shown.map((one) => CONDITIONS.indexOf(one)));
  must(step, 'the condition follows from the facts', is.condition === CONDITIONS[rank]);
  const inAlarm = is.zones.filter(({ alarm }) => alarm !== null);
  const mayWarn = (role: string) => !maintained && !is.delayed.some((each) => each.role === role);
  const sounding = inAlarm.some(({ silenced }) => !silenced);
  must(step, 'the siren follows', outputs.siren === (sounding && mayWarn('siren')));
  must(step, 'the strobe follows', outputs.strobe === (inAlarm.length > 0 && mayWarn('strobe')));
  const relay = inAlarm.length > 0 && mayWarn('alarmRelay');
  must(step, 'the alarm relay follows', outputs.alarmRelay === relay);
  const faulty = [is, ...is.zones].some(({ faults }) => faults.length > 0);
  must(step, 'the fault relay follows', outputs.faultRelay === (!faulty && !maintained));
  if (maintained) {
    const quiet = !outputs.siren && !outputs.strobe && !outputs.alarmRelay;
    must(step, 'maintenance holds off and drops the fault relay', quiet && !outputs.faultRelay);
  }
  const open = is.zones.some(
    (zone) =>
      (zone.alarm !== null ||
        zone.preAlarm !== null ||
        zone.faults.length + zone.supervisory.length > 0) &&
      !zone.acknowledged,
  );
  if (open) must(step, 'the buzzer asks to be acknowledged', outputs.buzzer);
}

function delays(step: Step): void {
  const { is, nowMs, result, inputs } = step;
  const { delaysMs } = result.panel.plan;
  for (const { alarm } of is.zones) {
    if (alarm === null || is.maintenanceUntilMs !== null) continue;
    for (const role of DELAYED_ROLES) {
      if (nowMs - alarm.sinceMs < delaysMs[role]) continue;
      const waits = is.delayed.some((each) => each.role === role);
      must(step, 'nothing waits longer than its delay', !waits);
    }
  }
  const inAlarm = is.zones.filter(({ alarm }) => alarm !== null);
  if (inAlarm.length > 1) must(step, 'a second zone in alarm waits for nothing', noneWaits(is));
  for (const event of result.events) {
    if (event.type === 'soundRequested') {
      const quiet = is.zones.some(({ silenced }) => silenced);
      must(step, 'the override ends delay and silence', noneWaits(is) && !quiet);
    }
    if (event.type === 'maintenanceEnded') {
      const sounds = is.outputs.siren === inAlarm.length > 0 || is.delayed.length > 0;
      must(step, 'what is latched sounds when maintenance ends', sounds);
    }
  }
  const pressed = inputs.signals.some(({ role, active }) => role === 'manualCallPoint' && active);
  if (!pressed || eventsOf(step, 'alarm').length === 0) return;
  must(step, 'a call point waits for nothing', noneWaits(is));
}

function noneWaits({ delayed }: PanelView): boolean {
  return delayed.length === 0;
}

function votes(step: Step): void {
  const { is, result } = step;
  for (const event of result.events) {
    if (event.type !== 'alarm' && event.type !== 'preAlarm' && event.type !== 'verifying') continue;
    const { explanation } = event.data;
    for (const vote of explanation.votes) {
      const same = (ref: { readonly sensor: string; readonly channel: string }) =>
        ref.sensor === vote.sensor && ref.channel === vote.channel;
      const quiet = [...explanation.stale, ...explanation.faulty, ...explanation.disabled];
      must(step, 'what is stale, in fault or disabled has no vote', !quiet.some(same));
      const source = is.sources.find((each) => same(each) && each.zone === event.data.zone);
      const fresh = source?.quality !== 'stale' && source?.ageMs != null && vote.ageMs <= 10_000;
      must(step, 'a vote is believed and fresh', fresh && source.disabledUntilMs === null);
    }
  }
}

/** Of panels whose sensors never fall silent for less than their deadlines. */
function sources(step: Step): void {
  const { result, nowMs } = step;
  for (const zone of result.panel.zones) {
    for (const { sensor, silentAfterMs, sinceMs } of zone.watched) {
      const heard = zone.sources
        .filter(({ plan }) => plan.sensor === sensor)
        .map(({ heardAtMs }) => heardAtMs ?? -Infinity);
      const fromMs = Math.max(sinceMs ?? -Infinity, ...heard);
      const fact = zone.faults.active.find(
        ({ fault, subject }) => fault === 'sensorSilent' && subject === sensor,
      );
      const what = `a sensor is in fault when it is silent, and only then`;
      if (nowMs - fromMs >= silentAfterMs) must(step, what, fact?.restoreAtMs === null);
      else must(step, what, fact === undefined || fact.restoreAtMs !== null);
    }
  }
}

/** The events alone, applied to what was, give what is. */
function agreement(step: Step): void {
  const { was, is, result } = step;
  const state = new Set(factsOf(was));
  for (const event of result.events) applyEvent(state, event);
  const now = factsOf(is);
  const told = [...state].sort().join();
  if (told !== now.sort().join()) {
    throw new Error(`broken: events and view agree: told ${told}, shown ${now.join()}`);
  }
  must(step, 'events and view agree', true);
}

function factsOf(view: PanelView): string[] {
  const facts: string[] = [];
  const registers = (at: Pick<ZoneView, 'faults' | 'supervisory'>) => {
    for (const { fault, subject } of at.faults) facts.push(`fault ${fault} ${subject}`);
    for (const { fault, subject } of at.supervisory) facts.push(`super ${fault} ${subject}`);
  };
  registers(view);
  for (const zone of view.zones) {
    registers(zone);
    if (zone.alarm !== null) facts.push(`alarm ${zone.id}`);
    if (zone.preAlarm !== null) facts.push(`preAlarm ${zone.id}`);
    if (zone.disabledUntilMs !== null) facts.push(`disabled ${zone.id}`);
    if (zone.testUntilMs !== null) facts.push(`test ${zone.id}`);
  }
  for (const { sensor } of view.disabledSensors) facts.push(`sensor ${sensor}`);
  for (const { output } of view.disabledOutputs) facts.push(`output ${output}`);
  if (view.maintenanceUntilMs !== null) facts.push('maintenance');
  return facts;
}

const BEGINS: Readonly<Record<string, string>> = {
  alarm: 'alarm',
  preAlarm: 'preAlarm',
  disabled: 'disabled',
  testStarted: 'test',
  faultRaised: 'fault',
  supervisoryRaised: 'super',
  sensorDisabled: 'sensor',
  outputDisabled: 'output',
  maintenanceStarted: 'maintenance',
};
const ENDS: Readonly<Record<string, string>> = {
  alarmReset: 'alarm',
  preAlarmEnded: 'preAlarm',
  enabled: 'disabled',
  testEnded: 'test',
  faultRestored: 'fault',
  supervisoryRestored: 'super',
  sensorEnabled: 'sensor',
  outputEnabled: 'output',
  maintenanceEnded: 'maintenance',
};

function applyEvent(state: Set<string>, { type, data }: DomainEvent): void {
  const fields = data as unknown as Readonly<Record<string, string>>;
  const word = BEGINS[type] ?? ENDS[type];
  if (word === undefined) return;
  let name = word;
  if (word === 'fault' || word === 'super') name += ` ${fields['fault']} ${fields['subject']}`;
  else if (word !== 'maintenance') {
    name += ` ${fields[word === 'sensor' || word === 'output' ? word : 'zone']}`;
  }
  if (type in BEGINS) state.add(name);
  else state.delete(name);
}

export { viewOf };

/** The alphabet of the walk: every kind of input that one step may have, and the passing of time. */
import type { Panel } from '../../src/alarm/panel.ts';
import type { Command } from '../../src/domain/command.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import type { Hours, InputRole, StepInputs } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import { HALL, heat, level, noData, says, STORE } from './make.ts';

export const A = sensorId('a');
export const B = sensorId('b');
export const SIREN = 'siren-1';

/** One input and how long after the one before it it comes. */
export interface Letter {
  readonly name: string;
  readonly after: (panel: Panel, nowMs: number) => number;
  readonly inputs: (nowMs: number) => Partial<StepInputs>;
}

const fixed = (ms: number) => () => ms;
const seen = (name: string, make: (now: number) => EvidenceWindow, afterMs = 1_000): Letter => ({
  name,
  after: fixed(afterMs),
  inputs: (now) => ({ windows: [make(now)] }),
});
const ask = (name: string, what: Command): Letter => ({
  name,
  after: fixed(0),
  inputs: (now) => ({
    commands: [{ command: what, requestId: `${name}@${now}`, origin: 'walk', level: 'installer' }],
  }),
});
const input = (name: string, role: InputRole, active: boolean, zone = true): Letter => ({
  name,
  after: fixed(0),
  inputs: () => ({ signals: [{ input: role, role, zone: zone ? HALL : null, active }] }),
});
const offHours = (name: string, hours: Hours, celsius: number): Letter => ({
  name,
  after: fixed(1_000),
  inputs: (now) => ({ windows: [heat(now, celsius, {}, A)], hours }),
});
/** To the time at which the panel wants to be stepped by itself, or so much before or after it. */
const due = (byMs: number): Letter => ({
  name: `due${byMs >= 0 ? '+' : ''}${byMs}`,
  after: ({ nextDueMs }, nowMs) =>
    Number.isFinite(nextDueMs) ? Math.max(0, nextDueMs + byMs - nowMs) : 0,
  inputs: () => ({}),
});
const wait = (ms: number): Letter => ({ name: `wait${ms}`, after: fixed(ms), inputs: () => ({}) });

const RISING = { riseCelsiusPerMinute: 120 };
const grown = (now: number): EvidenceWindow => {
  const window = heat(now, 80, RISING, A);
  const regions = window.last.regions.map((each) => ({
    ...each,
    trackedFrames: 9,
    trackedMs: 30_000,
  }));
  const last = { ...window.last, regions, hottest: regions[0] ?? null };
  return { ...window, last, worst: last, coolest: last };
};
const LIMITED_MS = 20_000;

/** What the first sensor says. */
export const EVIDENCE: readonly Letter[] = [
  seen('fire', (now) => heat(now, 130, {}, A)),
  seen('cool', (now) => heat(now, 20, {}, A)),
  seen('warm', (now) => heat(now, 80, {}, A)),
  seen('burn', (now) => heat(now, 80, RISING, A)),
  seen('grown', grown),
  seen('noData', (now) => noData(now, 'implausibleVdd', 'thermal', A)),
  seen('frozen', (now) => noData(now, 'frozen', 'thermal', A, 3)),
];
export const MODEL: readonly Letter[] = [
  seen('saysFire', (now) => says(now, { fire: 0.9 }, 1, 'thermal', A), 0),
  seen('saysKettle', (now) => says(now, { hotObject: 0.97, fire: 0.01 }, 1, 'thermal', A), 0),
];
export const PEOPLE: readonly Letter[] = [
  ask('acknowledge', { kind: 'acknowledge', zone: 'all' }),
  ask('silence', { kind: 'silence' }),
  ask('reset', { kind: 'reset', zone: 'all' }),
  input('press', 'manualCallPoint', true),
  input('release', 'manualCallPoint', false),
  input('pressNowhere', 'manualCallPoint', true, false),
  input('button', 'reset', true, false),
];
export const DUTY: readonly Letter[] = [
  ask('sound', { kind: 'sound' }),
  ask('maintenance', { kind: 'maintenance', forMs: LIMITED_MS }),
  ask('endMaintenance', { kind: 'endMaintenance' }),
  ask('disableSensor', { kind: 'disableSensor', sensor: A, forMs: LIMITED_MS }),
  ask('enableSensor', { kind: 'enableSensor', sensor: A }),
  ask('disableOutput', { kind: 'disableOutput', output: SIREN, forMs: LIMITED_MS }),
  ask('enableOutput', { kind: 'enableOutput', output: SIREN }),
];
export const LIMITED: readonly Letter[] = [
  ask('disable', { kind: 'disable', zone: HALL, forMs: LIMITED_MS }),
  ask('enable', { kind: 'enable', zone: HALL }),
  ask('test', { kind: 'test', zone: HALL, forMs: LIMITED_MS }),
];
export const TECHNICAL: readonly Letter[] = [
  input('tamper', 'tamper', true),
  input('tamperOver', 'tamper', false),
  input('mainsFail', 'mainsFail', true, false),
  input('mainsBack', 'mainsFail', false, false),
];
export const CHANNELS: readonly Letter[] = [
  seen('flame', (now) => level('DIO', now, 1, A)),
  seen('dark', (now) => level('DIO', now, 0, A)),
  seen('smoke', (now) => level('ADC1', now, 90, A)),
  seen('clear', (now) => level('ADC1', now, 10, A)),
  seen('gas', (now) => level('ADC3', now, 90, A)),
];
export const SECOND: readonly Letter[] = [
  seen('fireB', (now) => heat(now, 130, {}, B)),
  seen('coolB', (now) => heat(now, 20, {}, B)),
  ask('resetStore', { kind: 'reset', zone: STORE }),
];
export const HOURS: readonly Letter[] = [
  offHours('off50', 'off', 50),
  offHours('working50', 'working', 50),
  offHours('unknown50', 'unknown', 50),
];
export const TIME: readonly Letter[] = [
  due(-1),
  due(0),
  due(1),
  wait(1_000),
  wait(12_000),
  wait(35_000),
  wait(700_000),
];

/** A short wait that no invariant depends on: nothing comes in. */
export const NOTHING: Letter = wait(0);

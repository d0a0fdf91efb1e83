/** One example of every event that there is, for the documents and for tests of the schemas. */
import type { DomainEvent, Explanation } from '../src/domain/event.ts';
import { sensorId, zoneId } from '../src/domain/units.ts';

type Data<T extends DomainEvent['type']> = Extract<DomainEvent, { readonly type: T }>['data'];

const zone = zoneId('kitchen');
const inZone = { zone, zoneName: 'Kitchen' };
const sensor = sensorId('board-1');
const source = { sensor, channel: 'ADC1' };
const by = { origin: 'mqtt:desk-1', requestId: 'r-17' };
const output = { output: 'siren-1', role: 'siren' } as const;
const fault = {
  fault: 'sensorSilent',
  subject: 'board-1',
  zone,
  detail: 'nothing was heard for 35 s: check power and network of the board',
};
const wall = '2026-11-22T08:15:30.250Z';
const alarm = { id: '0198c0de-7f00-7a12-8f3e-2b1c5d6e7f80', seq: 17, zone };
const stage = {
  stage: 'decision',
  outcome: 'passed',
  ms: 4120,
  detail: 'alarm 4.1 s after the crossing; the budget is 10 s',
} as const;
const configuration = {
  ...by,
  ...{ configHash: '5d1f0c9a7b3e2468', from: '77aa0c9a7b3e2401', reason: 'asked for by desk-1' },
};
const explanation: Explanation = {
  summary: 'smoke 62.0 percentAboveIdle, limit 20.0',
  votes: [
    {
      ...source,
      role: 'smoke',
      rule: 'smoke',
      level: 'alarm',
      value: 62,
      limit: 20,
      unit: 'percentAboveIdle',
      ageMs: 40,
      note: '62.0 percent of full scale above the learnt idle',
    },
  ],
  stale: [],
  faulty: [{ sensor, channel: 'thermal' }],
  disabled: [],
  uncalibrated: [],
  confidence: 0.6,
};

/** What each event may look like; a type that is missing here does not compile. */
export const EVENT_EXAMPLES: { readonly [T in DomainEvent['type']]: Data<T> } = {
  alarm: { ...inZone, explanation },
  preAlarm: {
    ...inZone,
    explanation: {
      ...explanation,
      warmingUp: [source],
      model: [
        {
          ...{ sensor, channel: 'thermal', track: 3 },
          ...{ kind: 'fire', share: 0.8, fireShare: 0.8, ageMs: 120 },
        },
      ],
      maintenance: true,
    },
  },
  preAlarmEnded: { ...inZone, afterMs: 12_000 },
  alarmReset: { ...inZone, latchedForMs: 181_000 },
  proof: { ...inZone, proof: 'p-1', synthetic: true, stages: [stage] },
  faultRaised: fault,
  faultRestored: { ...fault, afterMs: 61_000 },
  supervisoryRaised: { ...fault, fault: 'unknownBoard', zone: null },
  supervisoryRestored: { ...fault, fault: 'unknownBoard', zone: null },
  acknowledged: { ...by, zones: [zone] },
  silenced: { ...by, zones: [zone] },
  resetRequested: { ...by, zones: [zone] },
  disabled: { ...by, ...inZone, forMs: 3_600_000 },
  enabled: { ...inZone, origin: 'timeout' },
  testStarted: { ...by, ...inZone, forMs: 600_000 },
  testEnded: { ...inZone, origin: 'mqtt:desk-1' },
  sensorDisabled: { ...by, sensor, forMs: 3_600_000 },
  sensorEnabled: { sensor, origin: 'timeout' },
  outputDisabled: { ...by, ...output, forMs: 3_600_000 },
  outputEnabled: { ...output, origin: 'timeout' },
  maintenanceStarted: { ...by, forMs: 900_000 },
  maintenanceEnded: { origin: 'timeout', zones: [] },
  soundRequested: { ...by, zones: [zone] },
  backgroundApproved: { ...by, sensor },
  proofRequested: { ...by, zone: 'all' },
  proofConfirmed: { ...by, proof: 'p-1' },
  snapshotRequested: by,
  centrallyConfirmed: { origin: 'ack:centre', alarms: [alarm] },
  commandRefused: { ...by, command: 'reset', error: 'unknownZone', detail: 'there is no zone x' },
  started: {
    version: '1.0.0',
    configHash: '5d1f0c9a7b3e2468',
    restoredAlarms: [],
    recoveredEvents: 0,
  },
  stopped: { reason: 'SIGTERM' },
  clock: {
    reason: 'known',
    bootId: '9f3c1a7e5b2d4860',
    monotonicMs: 1234.5,
    wall: '2026-11-22T08:15:30.250Z',
    steppedByMs: 1_795_000_000_000,
    qualityBefore: 'unsynchronised',
    qualityAfter: 'synchronised',
    source: 'timeService',
  },
  verifying: { ...inZone, explanation },
  verifyingEnded: { ...inZone, confirmed: true },
  sensorAppeared: { sensor, zone, address: '192.0.2.7', announced: 'board-1' },
  arraySwapped: { sensor, was: '0123456789ab', is: 'ba9876543210' },
  outputsDelayed: { zones: [zone], delays: [{ role: 'siren', forMs: 30_000 }] },
  outputDelayEnded: { reason: 'timeout', roles: ['siren'], waiting: [], afterMs: 30_000 },
  proofFinished: {
    ...inZone,
    ...{ proof: 'p-1', outcome: 'passed', origin: 'schedule', stages: [stage], detail: '' },
  },
  escalated: { alarms: [alarm], afterMs: 60_000, brokers: ['backup'] },
  custody: {
    ...inZone,
    alarm,
    stages: [
      { stage: 'detected', afterMs: 0, wall: '2026-11-22T08:15:30.250Z' },
      { stage: 'broker', afterMs: 40, wall: '2026-11-22T08:15:30.290Z', by: 'central' },
      { stage: 'central', afterMs: null, wall: '2026-11-22T08:15:31.000Z', by: 'centre' },
    ],
    complete: true,
  },
  configurationApplied: { ...configuration, changes: ['zones.kitchen.name: "Kitchen" is new'] },
  configurationKept: { ...configuration, reason: 'connected and healthy for 120 s' },
  configurationReverted: { ...configuration, reason: 'no broker was reached', changes: [] },
  neighbourAlarm: { neighbour: 'site-2', alarm: alarm.id, zone: 'hall', zoneName: 'Hall' },
  update: {
    ...by,
    ...{ update: 'u-3f81c2-9d04-rolledBack', phase: 'rolledBack', slot: 'a' },
    ...{ version: '1.3.0', fromVersion: '1.2.0', at: wall },
    reason: 'broker central is not connected',
  },
  ringOverflow: { lostEvents: 3 },
};

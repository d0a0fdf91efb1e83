/** Examples of every payload of the contract, made by the code that makes the real ones. */
import { COMMAND_KINDS } from '../src/domain/command.ts';
import { SERVICE_KINDS } from '../src/domain/command-service.ts';
import { type DomainEvent, EVENT_SCHEMA, type JournalEvent, LANES } from '../src/domain/event.ts';
import type { Lane } from '../src/domain/event.ts';
import { deviceId, sensorId, zoneId } from '../src/domain/units.ts';
import {
  birthPayload,
  eventMessage,
  gapMessage,
  offlinePayload,
  responseMessage,
  stateMessage,
  type StateSnapshot,
  statusMessage,
  telemetryMessage,
  topicsOf,
} from '../src/uplink/payload.ts';
import type { AckPayload } from '../src/uplink/ack.ts';
import type { TextMessage } from '../src/uplink/link.ts';
import type { CommandPayloads } from '../src/uplink/payload-command.ts';
import { EVENT_EXAMPLES } from './contract-events.ts';

const topics = topicsOf('embereye/v1/site-1');
const identity = { deviceId: 'site-1', bootId: '9f2c51d07c3b1a44' };
const wall = '2026-11-22T08:15:30.250Z';

/** The lane of each type: the examples hold only the data. */
const LANE_OF: { readonly [T in DomainEvent['type']]: Extract<DomainEvent, { type: T }>['lane'] } =
  {
    ...ofLane('alarm', ['alarm', 'preAlarm', 'preAlarmEnded', 'alarmReset', 'proof']),
    ...ofLane('fault', [
      'faultRaised',
      'faultRestored',
      'supervisoryRaised',
      'supervisoryRestored',
    ]),
    ...ofLane('operator', [
      ...(['acknowledged', 'silenced', 'resetRequested', 'disabled', 'enabled'] as const),
      ...(['testStarted', 'testEnded', 'sensorDisabled', 'sensorEnabled'] as const),
      ...(['outputDisabled', 'outputEnabled', 'maintenanceStarted', 'maintenanceEnded'] as const),
      ...(['soundRequested', 'backgroundApproved', 'proofRequested', 'proofConfirmed'] as const),
      ...(['snapshotRequested', 'centrallyConfirmed', 'commandRefused'] as const),
    ]),
    ...ofLane('system', [
      ...(['started', 'stopped', 'clock', 'verifying', 'verifyingEnded'] as const),
      ...(['sensorAppeared', 'arraySwapped', 'outputsDelayed', 'outputDelayEnded'] as const),
      ...(['proofFinished', 'escalated', 'custody', 'neighbourAlarm'] as const),
      ...([
        'ringOverflow',
        'configurationApplied',
        'configurationKept',
        'configurationReverted',
        'update',
      ] as const),
    ]),
  };

function ofLane<L extends Lane, T extends DomainEvent['type']>(lane: L, types: readonly T[]) {
  return Object.fromEntries(types.map((type) => [type, lane])) as Record<T, L>;
}

/** Every type of event once, stamped as it would be. */
export function exampleEvents(): readonly JournalEvent[] {
  const next = new Map<Lane, number>();
  return (Object.keys(EVENT_EXAMPLES) as DomainEvent['type'][]).map((type, i) => {
    const lane = LANE_OF[type];
    const seq = (next.get(lane) ?? 0) + 1;
    next.set(lane, seq);
    // The two tables fit by their types; together they are one event, which no type can follow.
    const event = { lane, type, data: EVENT_EXAMPLES[type] } as DomainEvent;
    return {
      ...event,
      schema: EVENT_SCHEMA,
      id: `0198c0de-7f00-7a12-8f3e-2b1c5d6e7f${String(10 + i)}`,
      deviceId: deviceId(identity.deviceId),
      seq,
      bootId: identity.bootId,
      monotonicMs: 81_234.5,
      wall,
      clockQuality: 'synchronised',
    };
  });
}

const SNAPSHOT: StateSnapshot = {
  clockQuality: 'synchronised',
  journal: { alarm: { seq: 17, hash: 'a'.repeat(64) } },
  condition: 'alarm',
  zones: [
    {
      ...{ id: zoneId('kitchen'), name: 'Kitchen', condition: 'alarm' },
      alarm: { sinceMs: 81_230, explanation: EVENT_EXAMPLES.alarm.explanation },
      preAlarm: null,
      ...{ verifying: false, acknowledged: false, silenced: false },
      ...{ disabledUntilMs: null, testUntilMs: null, faults: [], supervisory: [] },
    },
  ],
  sources: [
    {
      ...{ sensor: sensorId('board-1'), channel: 'ADC1', zone: zoneId('kitchen'), role: 'smoke' },
      ...{ value: 69.1, unit: 'percent', idle: 7.1, estimate: null, warmUpLeftMs: null },
      ...{ learningPercent: null, dosePercent: null, ageMs: 40, quality: 'good' },
      disabledUntilMs: null,
    },
  ],
  outputs: {
    ...{ siren: true, strobe: true, alarmRelay: true, faultRelay: true, buzzer: true },
    escalation: false,
  },
  ...{ faults: [], supervisory: [], disabledSensors: [], disabledOutputs: [], delayed: [] },
  maintenanceUntilMs: null,
};

const row = {
  ...{ sensor: 'board-1', channel: 'ADC1', wall, monotonicMs: 81_234.5, value: 7.1 },
  ...{ min: 6.9, max: 7.4, count: 18, unit: 'percent', row: 4711 },
};

const zone = { zone: 'kitchen' };
const sensor = { sensor: 'board-1' };
const output = { output: 'siren-1' };
const forSeconds = 600;
const release = {
  url: 'https://releases.example/embereye-1.3.0-linux-arm64.tar.gz',
  version: '1.3.0',
};
const head = { requestId: 'r-17', actor: 'desk-1', issuedAt: wall, expiresInSeconds: 30 };
const signed = {
  keyId: 'desk-1',
  signature: 'tXn0q1m0pQm2l3b4c5d6e7f8g9h0iJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst==',
  command: '{"requestId":"r-18","issuedAt":"2026-11-22T08:15:30.250Z"}',
};

const COMMANDS: { readonly [K in keyof CommandPayloads]: readonly CommandPayloads[K][] } = {
  acknowledge: [{ ...head, ...zone }, {}, signed],
  silence: [head, signed],
  reset: [{ ...head, ...zone }, { requestId: 'r-19', zone: 'all' }, signed],
  sound: [head],
  prove: [{ ...head, ...zone }],
  confirmProof: [{ ...head, proof: 'p-1' }],
  disable: [{ ...head, ...zone, forSeconds }],
  enable: [{ ...head, ...zone }],
  test: [{ ...head, ...zone, forSeconds }],
  disableSensor: [{ ...head, ...sensor, forSeconds }],
  enableSensor: [{ ...head, ...sensor }],
  disableOutput: [{ ...head, ...output, forSeconds }],
  enableOutput: [{ ...head, ...output }],
  maintenance: [{ ...head, forSeconds }],
  endMaintenance: [head],
  approveBackground: [{ ...head, ...sensor }],
  snapshot: [head, {}],
  configure: [
    { ...head, text: 'device: {id: site-1}\n', baseHash: '5d1f0c9a7b3e2468', dryRun: true },
    { ...head, confirm: '5d1f0c9a7b3e2468' },
    { ...head, rollback: '5d1f0c9a7b3e2468' },
    signed,
  ],
  update: [
    { ...head, ...release },
    { ...head, ...release, percentage: 10, window: { from: '02:00', to: '04:00', utc: true } },
    signed,
  ],
};

const ACK: AckPayload = { ids: ['0198c0de-7f00-7a12-8f3e-2b1c5d6e7f80'], by: 'centre' };

/** Examples of each channel by its name in the table of the contract; none is without. */
export function contractExamples(): ReadonlyMap<string, readonly unknown[]> {
  const online = birthPayload(
    identity,
    3,
    { version: '1.0.0', configHash: '5d1f0c9a7b3e2468', capabilities: ['acknowledge', 'reset'] },
    wall,
  );
  const offline = offlinePayload(identity, 3, 'connection lost');
  const gap = { id: 5, lane: 'telemetry', firstSeq: 4000, lastSeq: 4100 } as const;
  const answer = (outcome: Parameters<typeof responseMessage>[3]) =>
    read(responseMessage(topics.response, identity, 'reset', outcome, null));
  const events = exampleEvents();
  return new Map<string, readonly unknown[]>([
    ['status', [online, offline].map((status) => read(statusMessage(topics, status)))],
    ['state', [read(stateMessage(topics, identity, { wall, monotonicMs: 81_234.5 }, SNAPSHOT))]],
    ...LANES.map((lane): [string, readonly unknown[]] => [
      `event-${lane}`,
      events
        .filter((event) => event.lane === lane)
        .map((event, i) => read(eventMessage(topics, event, i === 1))),
    ]),
    ['telemetry', [false, true].map((old) => read(telemetryMessage(topics, identity, row, old)))],
    ['gap', [read(gapMessage(topics, identity, { ...gap, reason: 'thinned', readings: 1818 }))]],
    [
      'response',
      [
        answer({ requestId: 'r-17', ok: true, detail: 'reset' }),
        answer({ requestId: 'r-17', ok: false, error: 'unknownZone', detail: 'no zone kitchn' }),
      ],
    ],
    ['ack', [ACK]],
    ...[...COMMAND_KINDS, ...SERVICE_KINDS].map((kind): [string, readonly unknown[]] => [
      `command-${kind}`,
      COMMANDS[kind],
    ]),
  ]);
}

function read(message: TextMessage | null): unknown {
  return message === null ? null : JSON.parse(message.payload);
}

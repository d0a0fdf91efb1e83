/** The drain as the appliance does it: store with its writer thread, uplink, link; and alarms. */
import { systemClock, systemRandom } from '../../src/clock.ts';
import { deviceId } from '../../src/domain/units.ts';
import { silentLog } from '../../src/log.ts';
import type { OpenStore } from '../../src/store/journal-client.ts';
import { EventStamper, newBootId } from '../../src/store/stamp.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../../src/uplink/mqtt-link.ts';
import type { StateSnapshot } from '../../src/uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink } from '../../src/uplink/uplink.ts';
import { monotonicMs } from '../line-file.ts';
import { DEVICE, event, openBenchStore, ROOT } from './backlog.ts';
import { type AlarmTimes, cpuMs, type Setting, Silence } from './talk.ts';
import type { SliceOrder, SliceReport } from './talk.ts';

/** Unanswered messages: the same as the bare client has. */
export const WINDOW = 64;
const ALARM_EVERY_MS = 40;
const LOOK_EVERY_MS = 2;

const SNAPSHOT: StateSnapshot = {
  clockQuality: 'synchronised',
  journal: {},
  condition: 'normal',
  zones: [],
  sources: [],
  outputs: {
    siren: false,
    strobe: false,
    alarmRelay: false,
    faultRelay: true,
    buzzer: false,
    escalation: false,
  },
  faults: [],
  supervisory: [],
  disabledSensors: [],
  disabledOutputs: [],
  delayed: [],
  maintenanceUntilMs: null,
};

export async function appliancePart(
  setting: Setting,
): Promise<(order: unknown) => Promise<SliceReport>> {
  const store = await openBenchStore(setting.directory);
  const bootId = newBootId(systemRandom());
  const stamper = new EventStamper({
    deviceId: deviceId(DEVICE),
    bootId,
    clock: systemClock(),
    random: systemRandom(),
    clockQuality: () => 'synchronised',
    ...store.recovered,
  });
  return (order) => drainSlice(setting, store, stamper, bootId, order as SliceOrder);
}

class Alarms {
  readonly #appended = new Map<number, number>();
  readonly #committed = new Map<number, number>();
  readonly #acknowledged = new Map<number, number>();
  #timer: NodeJS.Timeout | null = null;
  /** Number of the last alarm that the broker has, old ones included. */
  lastAcknowledged = 0;

  start(store: OpenStore, stamper: EventStamper): void {
    this.#timer = setInterval(() => {
      const [made] = stamper.stamp([event('alarm', this.#appended.size)]);
      if (made === undefined) return;
      this.#appended.set(made.seq, monotonicMs());
      store.journal.append([made]);
    }, ALARM_EVERY_MS);
  }

  /** @param upToSeq the highest number that is durable now. */
  committed(upToSeq: number): void {
    for (const seq of this.#appended.keys()) {
      if (seq <= upToSeq && !this.#committed.has(seq)) this.#committed.set(seq, monotonicMs());
    }
  }

  acknowledged(seq: number): void {
    this.lastAcknowledged = Math.max(this.lastAcknowledged, seq);
    if (this.#appended.has(seq) && !this.#acknowledged.has(seq))
      this.#acknowledged.set(seq, monotonicMs());
  }

  get allAcknowledged(): boolean {
    return this.#acknowledged.size === this.#appended.size;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  get times(): readonly AlarmTimes[] {
    return [...this.#appended].flatMap(([seq, appendedMs]) => {
      const committedMs = this.#committed.get(seq);
      const acknowledgedMs = this.#acknowledged.get(seq);
      if (committedMs === undefined || acknowledgedMs === undefined) return [];
      return [{ seq, appendedMs, committedMs, acknowledgedMs }];
    });
  }
}

/** Drains until so many events are acknowledged; the next slice goes on where this one ended. */
async function drainSlice(
  setting: Setting,
  store: OpenStore,
  stamper: EventStamper,
  bootId: string,
  order: SliceOrder,
): Promise<SliceReport> {
  const alarms = new Alarms();
  const silence = new Silence();
  const uplink = makeUplink(setting, store, bootId, order.broker, (lane, seq) => {
    silence.heard(performance.now());
    if (lane === 'alarm') alarms.acknowledged(seq);
  });
  store.journal.onCommit((receipt) => {
    alarms.committed(receipt.committed.alarm ?? 0);
    uplink.committed(receipt);
  });
  uplink.start();
  await until(() => uplink.counters.acknowledged > 0);
  const start = { atMs: monotonicMs(), cpu: cpuMs(), done: uplink.counters.acknowledged };
  // Alarms keep their order: a live one comes behind the old ones, and before everything else.
  await until(() => alarms.lastAcknowledged >= order.oldAlarms);
  alarms.start(store, stamper);
  await until(() => uplink.counters.acknowledged >= order.events);
  const events = uplink.counters.acknowledged - start.done;
  const elapsedMs = monotonicMs() - start.atMs;
  const silenceMs = silence.longestMs;
  const report = { events, elapsedMs, silenceMs, cpuMs: cpuMs() - start.cpu };
  alarms.stop();
  await until(() => alarms.allAcknowledged);
  await uplink.stop('slice over', 4);
  return { ...report, alarms: alarms.times, reconnects: uplink.counters.reconnects };
}

function makeUplink(
  setting: Setting,
  store: OpenStore,
  bootId: string,
  broker: string,
  onAck: (lane: string, seq: number) => void,
): Uplink {
  const clock = systemClock();
  const link = createMqttLink(
    { ...DEFAULT_MQTT_OPTIONS, host: '127.0.0.1', port: setting.port, clientId: 'drain' },
    { clock, random: systemRandom(), log: silentLog },
  );
  return new Uplink(
    {
      ...DEFAULT_UPLINK_OPTIONS,
      broker,
      root: ROOT,
      identity: { deviceId: DEVICE, bootId },
      birth: { version: 'bench', configHash: '', capabilities: [] },
      window: WINDOW,
      backlogPerSecond: Infinity,
    },
    {
      clock,
      wallTime: () => new Date(clock.wallMs()).toISOString(),
      log: silentLog,
      journal: store.journal,
      link,
      state: () => SNAPSHOT,
      submit: ({ requestId }) => Promise.resolve({ requestId, ok: true, detail: '' }),
      onRefused: () => undefined,
      onFault: () => undefined,
      onAckLatency: (lane, _latencyMs, seq) => onAck(lane, seq),
    },
  );
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

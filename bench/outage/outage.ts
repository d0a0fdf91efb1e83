/**
 * An outage in virtual time: 100 boards talk, rooms go into alarm in storms, and no broker is
 * there. The store is the real one over a real SQLite file; only its thread is missing. At the end
 * the broker returns, and everything that it gets is counted against everything that was made.
 */
import type { DomainEvent, Lane } from '../../src/domain/event.ts';
import { LANES } from '../../src/domain/event.ts';
import type { EvidenceWindow } from '../../src/domain/evidence.ts';
import { deviceId, sensorId, zoneId } from '../../src/domain/units.ts';
import { TelemetryThinner } from '../../src/telemetry.ts';
import { inProcessWriter } from '../../src/store/in-process-writer.ts';
import { openStore, type OpenStore } from '../../src/store/journal-client.ts';
import type { RetentionLimits } from '../../src/store/retention-limits.ts';
import { EventStamper } from '../../src/store/stamp.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { Centre } from './centre.ts';
import { OutageClock } from './clock.ts';

const START_WALL_MS = 1_790_000_000_000;
const STEP_MS = 1000;
/** A board's packet each second has this many channels; its array gives a frame every 4 s. */
const LEVELS = ['ADC1', 'ADC2', 'ADC3', 'ADC4', 'ADC5', 'DIO'] as const;
const FRAME_EVERY_S = 4;
const LONGEST_PERIOD_MS = 60_000;

export interface OutagePlan {
  readonly directory: string;
  readonly hours: number;
  readonly boards: number;
  readonly retention: RetentionLimits;
  /** Rows per second that a site may make before its period becomes longer. */
  readonly rowsPerSecond: number;
  /** Seconds between two storms, and the alarms of one. */
  readonly stormEverySeconds: number;
  readonly stormAlarms: number;
  readonly onHour?: (hour: OutageHour) => void;
}

export interface OutageHour {
  readonly hour: number;
  readonly usedBytes: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly readings: number;
  readonly thinnedRows: number;
  readonly droppedRows: number;
  readonly prunedEvents: number;
  readonly hoursLeft: number | null;
}

export interface OutageResult {
  readonly made: Readonly<Record<Lane, number>> & { readonly readings: number };
  readonly centre: Centre;
  readonly alarmsInOrder: boolean;
  readonly mostFileBytes: number;
  readonly mostWalBytes: number;
  readonly troubles: readonly string[];
}

export async function runOutage(plan: OutagePlan): Promise<OutageResult> {
  const world = await open(plan);
  const site = new Site(plan, world);
  const most = { file: 0, wal: 0 };
  const seconds = plan.hours * 3600;
  for (let second = 1; second <= seconds; second += 1) {
    site.second(second);
    await world.clock.advance(STEP_MS);
    const { upkeep } = world.store.stats();
    most.file = Math.max(most.file, upkeep.use?.fileBytes ?? 0);
    most.wal = Math.max(most.wal, upkeep.use?.walBytes ?? 0);
    if (second % 3600 === 0) plan.onHour?.(hourOf(second / 3600, world.store, site.readings));
  }
  site.flush();
  await world.clock.advance(120_000);
  const centre = new Centre(world.store.journal, world.wait);
  await centre.drain();
  // What was still being tidied up meanwhile.
  await world.clock.advance(1000);
  await centre.drain();
  await world.wait(world.store.journal.close());
  const inOrder = centre.alarmIds.every((id, i) => id === site.alarmIds[i]);
  return {
    made: { ...site.events, readings: site.readings },
    centre,
    alarmsInOrder: inOrder && centre.alarmIds.length === site.alarmIds.length,
    mostFileBytes: most.file,
    mostWalBytes: most.wal,
    troubles: world.troubles,
  };
}

function hourOf(hour: number, store: OpenStore, readings: number): OutageHour {
  const { use, thinnedRows, droppedRows, prunedEvents, outageHoursLeft } = store.stats().upkeep;
  return {
    ...{ hour, readings, thinnedRows, droppedRows, prunedEvents, hoursLeft: outageHoursLeft },
    usedBytes: use?.usedBytes ?? 0,
    fileBytes: use?.fileBytes ?? 0,
    walBytes: use?.walBytes ?? 0,
  };
}

async function open({ directory, retention }: OutagePlan) {
  const clock = new OutageClock(START_WALL_MS);
  const writer = inProcessWriter({ clock });
  const troubles: string[] = [];
  const opening = openStore({
    directory,
    startWriter: writer.start,
    clock,
    log: () => undefined,
    onTrouble: ({ kind, raised }) => {
      if (raised) troubles.push(kind);
    },
    brokers: ['centre'],
    limits: { retention },
  });
  const wait = async <T>(work: Promise<T>): Promise<T> => {
    const state = { isDone: false };
    const settled = work.finally(() => {
      state.isDone = true;
    });
    while (!state.isDone) await clock.advance(1);
    return settled;
  };
  return { clock, troubles, wait, store: await wait(opening) };
}

type World = Awaited<ReturnType<typeof open>>;

/** Boards, rooms and people, as far as the journal sees them. */
class Site {
  readonly events: Record<Lane, number> = { alarm: 0, fault: 0, operator: 0, system: 0 };
  readonly alarmIds: string[] = [];
  readings = 0;
  readonly #plan: OutagePlan;
  readonly #world: World;
  readonly #stamper: EventStamper;
  readonly #thinner: TelemetryThinner;
  readonly #windows: EvidenceWindow[][];

  constructor(plan: OutagePlan, world: World) {
    this.#plan = plan;
    this.#world = world;
    const { rowsPerSecond } = plan;
    this.#thinner = new TelemetryThinner({ periodMs: STEP_MS, rowsPerSecond }, 0);
    this.#stamper = new EventStamper({
      deviceId: deviceId('outage'),
      bootId: 'outage',
      clock: world.clock,
      random: seededRandom('outage'),
      clockQuality: () => 'synchronised',
      ...world.store.recovered,
    });
    this.#windows = Array.from({ length: plan.boards }, (_, board) => windowsOf(board));
  }

  second(second: number): void {
    for (const [board, windows] of this.#windows.entries()) {
      const withFrame = (second + board) % FRAME_EVERY_S === 0;
      this.#thinner.add(windows);
      this.readings += windows.length;
      if (!withFrame) continue;
      this.#thinner.addReading(`board-${board}`, 'thermal', 20 + (second % 7), 'celsius');
      this.readings += 1;
    }
    this.#store();
    this.#happen(second);
  }

  /** What the last period holds. */
  flush(): void {
    this.#store(LONGEST_PERIOD_MS);
  }

  #store(laterMs = 0): void {
    const { clock, store } = this.#world;
    const rows = this.#thinner.due(clock.monotonicMs() + laterMs, () =>
      isoFromWallMs(clock.wallMs()),
    );
    if (rows.length > 0) store.journal.appendTelemetry(rows);
  }

  #happen(second: number): void {
    const { stormEverySeconds, stormAlarms } = this.#plan;
    if (second % stormEverySeconds === 0) {
      this.#append(Array.from({ length: stormAlarms }, (_, i) => alarm(i)));
      this.#append([operator(second)]);
    }
    if (second % 60 === 0) this.#append([fault(second)]);
    if (second % 300 === 0) this.#append([system(second)]);
  }

  #append(list: readonly DomainEvent[]): void {
    const events = this.#stamper.stamp(list);
    for (const { lane, id } of events) {
      this.events[lane] += 1;
      if (lane === 'alarm') this.alarmIds.push(id);
    }
    this.#world.store.journal.append(events);
  }
}

function windowsOf(board: number): EvidenceWindow[] {
  return LEVELS.map((channel, i) => ({
    kind: 'level' as const,
    sensor: sensorId(`board-${board}`),
    channel,
    ...{ first: i, last: i + board / 100, min: i, max: i + 1, count: 1 },
    ...{ firstAtMs: 0, lastAtMs: 0 },
  }));
}

const zone = (i: number) => ({ zone: zoneId(`zone-${i}`), zoneName: `Room ${i}` });

function alarm(i: number): DomainEvent {
  return { lane: 'alarm', type: 'alarmReset', data: { ...zone(i), latchedForMs: 60_000 } };
}
function operator(at: number): DomainEvent {
  const data = { ...zone(at % 100), origin: 'console' };
  return { lane: 'operator', type: 'enabled', data };
}
function fault(at: number): DomainEvent {
  const data = { fault: 'silent', subject: `board-${at % 100}`, zone: null, detail: 'no packet' };
  return { lane: 'fault', type: 'faultRaised', data };
}
function system(at: number): DomainEvent {
  return { lane: 'system', type: 'stopped', data: { reason: `a restart at ${at}` } };
}

/** Everything that is wrong with a result; empty: the outage was survived. */
export function problemsOf(result: OutageResult, boundBytes: number, slackBytes: number): string[] {
  const { made, centre, mostFileBytes, mostWalBytes } = result;
  const problems: string[] = [];
  const check = (ok: boolean, problem: string): void => {
    if (!ok) problems.push(problem);
  };
  check(result.alarmsInOrder, `alarms: ${made.alarm} made, ${centre.events.alarm} arrived`);
  for (const lane of LANES) {
    const missing = centre.missing(lane, made[lane]);
    check(missing === 0, `${lane}: ${missing} events neither arrived nor stand in a gap`);
  }
  const accounted = centre.readings + centre.readingsGone;
  check(accounted === made.readings, `readings: ${made.readings} made, ${accounted} accounted for`);
  check(centre.rowsMissing() === 0, `rows: ${centre.rowsMissing()} numbers are in no gap`);
  const most = mostFileBytes + mostWalBytes;
  check(most <= boundBytes + slackBytes, `bytes: ${most}, bound ${boundBytes} + ${slackBytes}`);
  return problems;
}

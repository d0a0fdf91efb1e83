/**
 * Mistakes that somebody could make in the appliance, each behind one of the harness's seams. The
 * simulation proves itself by finding every one of them.
 */
import type { JournalEvent } from '../../src/domain/event.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { StartWriter } from '../../src/store/writer-link.ts';
import type { EpisodeName } from './faults.ts';
import type { InvariantId } from './invariants.ts';
import { RefreshingBank, TrustingBank } from './planted-banks.ts';
import {
  acknowledgesAtOnce,
  answersAreSwallowed,
  everyOtherIsLate,
  sendsManyCopies,
} from './planted-links.ts';
import { journalWith, type Seams, type WriteLine } from './seams.ts';

export interface PlantedBug {
  readonly name: string;
  readonly seams: Partial<Seams>;
  /** Where it shows. */
  readonly episodes: readonly EpisodeName[];
  readonly caughtBy: InvariantId;
}

const KILLS: readonly EpisodeName[] = ['killed', 'killedTwice'];
const FIRES: readonly EpisodeName[] = ['twoFires'];
const SIREN_LATE_MS = 15_000;
const COMMIT_LATE_MS = 4_000;

function silenceForGood(): WriteLine {
  let isStrobeOn = false;
  let isSilenced = false;
  return (id, active) => {
    if (id === 'strobe') {
      isStrobeOn = active;
      if (!active) isSilenced = false;
    }
    if (id !== 'siren') return 'write';
    if (!active && isStrobeOn) isSilenced = true;
    return active && isSilenced ? 'swallow' : 'write';
  };
}

function lateSiren(clock: Clock): WriteLine {
  let sinceMs: number | null = null;
  return (id, active) => {
    if (id !== 'siren') return 'write';
    if (!active) sinceMs = null;
    else sinceMs ??= clock.monotonicMs();
    return sinceMs !== null && clock.monotonicMs() - sinceMs < SIREN_LATE_MS ? 'swallow' : 'write';
  };
}

const NO_TIME = { commitMs: 0, alarmFile: { failure: null, isFull: false, upTo: 0 } };

/** Says "committed" before it has begun. */
function receiptFirst(start: StartWriter, clock: Clock): StartWriter {
  return (events) => {
    const writer = start(events);
    return {
      terminate: () => writer.terminate(),
      post: (message) => {
        if (message.kind !== 'write') {
          writer.post(message);
          return;
        }
        const { number } = message;
        const receipt = { number, clashes: [], telemetryRow: 0, chainHeads: {} };
        clock.after(1, () => events.onMessage({ kind: 'committed', ...receipt, ...NO_TIME }));
        clock.after(COMMIT_LATE_MS, () => writer.post(message));
      },
    };
  };
}

function everyThirdLost(events: readonly JournalEvent[]): readonly JournalEvent[] {
  return events.filter(({ lane, seq }) => lane !== 'alarm' || seq % 3 !== 0);
}

const started = {
  resetsItself: ({ runtime, clock }: Parameters<Seams['started']>[0]): void => {
    let number = 0;
    const reset = (): void => {
      number += 1;
      const command = { kind: 'reset', zone: 'all' } as const;
      const request = {
        requestId: `self-${number}`,
        origin: 'itself',
        level: 'operator',
      } as const;
      void runtime.submit({ command, ...request });
      clock.after(20_000, reset);
    };
    clock.after(20_000, reset);
  },
  repeatsOldReadings: ({ clock, bank }: Parameters<Seams['started']>[0]): void => {
    const repeat = (): void => {
      if (bank instanceof RefreshingBank) bank.repeat(clock.monotonicMs());
      clock.after(5_000, repeat);
    };
    repeat();
  },
  seesAFire: ({ clock, bank }: Parameters<Seams['started']>[0]): void => {
    const see = (): void => {
      if (bank instanceof RefreshingBank) bank.heat(clock.monotonicMs(), 150);
      clock.after(500, see);
    };
    clock.after(200_000, see);
  },
};

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'the ring keeps nothing',
    seams: {
      ring: (ring) => ({
        append: () => true,
        committed: (r) => ring.committed(r),
      }),
    },
    episodes: KILLS,
    caughtBy: 'nothingLost',
  },
  {
    name: 'a start does not read the ring',
    seams: { findsRing: false },
    episodes: KILLS,
    caughtBy: 'nothingLost',
  },
  {
    name: 'a start does not read the snapshot',
    seams: { snapshot: () => null },
    episodes: KILLS,
    caughtBy: 'restartOutputs',
  },
  {
    name: 'the writer acknowledges before it commits',
    seams: { writer: receiptFirst },
    episodes: ['slowDiskCut', 'slowDiskCut'],
    caughtBy: 'nothingLost',
  },
  {
    name: 'the cursor moves before the broker has acknowledged',
    seams: { link: acknowledgesAtOnce },
    episodes: ['hungUp'],
    caughtBy: 'everythingDelivered',
  },
  {
    name: 'messages of a lane overtake one another',
    seams: { link: everyOtherIsLate },
    episodes: ['brokerDown'],
    caughtBy: 'deliveredInOrder',
  },
  {
    name: 'every third alarm event misses the journal',
    seams: {
      journal: (journal) =>
        journalWith(journal, {
          append: (events) => journal.append(everyThirdLost(events)),
        }),
    },
    episodes: FIRES,
    caughtBy: 'deliveredInOrder',
  },
  {
    name: 'numbers begin anew at each start',
    seams: { lastSeq: () => ({ alarm: 0, fault: 0, operator: 0, system: 0 }) },
    episodes: KILLS,
    caughtBy: 'oneNumberOneEvent',
  },
  {
    name: 'one id for all events',
    seams: {
      stamper: (stamper) => ({
        stamp: (events) =>
          stamper.stamp(events).map((event) => ({
            ...event,
            id: '019b76da-a800-7000-8000-000000000000',
          })),
        get lastSeq() {
          return stamper.lastSeq;
        },
      }),
    },
    episodes: FIRES,
    caughtBy: 'oneNumberOneEvent',
  },
  {
    name: 'silence also holds back new alarms',
    seams: { line: silenceForGood },
    episodes: FIRES,
    caughtBy: 'silenceYields',
  },
  {
    name: 'the fault relay sticks',
    seams: {
      line: () => (id, active) => (id === 'faultrelay' && !active ? 'swallow' : 'write'),
    },
    episodes: ['mute'],
    caughtBy: 'deadSensorFaults',
  },
  {
    name: 'the fault relay is not energised again',
    seams: {
      line: () => {
        let hasFallen = false;
        return (id, active) => {
          if (id !== 'faultrelay') return 'write';
          hasFallen ||= !active;
          return active && hasFallen ? 'swallow' : 'write';
        };
      },
    },
    episodes: ['mute'],
    caughtBy: 'returnsToNormal',
  },
  {
    name: 'the siren comes late',
    seams: { line: lateSiren },
    episodes: FIRES,
    caughtBy: 'fireSounds',
  },
  {
    name: 'frozen frames count as measurements',
    seams: { bank: () => new TrustingBank() },
    episodes: ['frozen'],
    caughtBy: 'deadSensorFaults',
  },
  {
    name: 'old readings stay fresh',
    seams: {
      bank: () => new RefreshingBank(),
      started: started.repeatsOldReadings,
    },
    episodes: ['mute'],
    caughtBy: 'deadSensorFaults',
  },
  {
    name: 'a byte is lost at each edge of a chunk',
    seams: { bytes: (bytes) => bytes.subarray(1) },
    episodes: ['mute'],
    caughtBy: 'boardsRecover',
  },
  {
    name: 'heat that nobody has measured',
    seams: { bank: () => new RefreshingBank(), started: started.seesAFire },
    episodes: ['mute'],
    caughtBy: 'noAlarmWithoutCause',
  },
  {
    name: 'the appliance resets itself',
    seams: { started: started.resetsItself },
    episodes: FIRES,
    caughtBy: 'latchHolds',
  },
  {
    name: 'commands are not answered',
    seams: { link: answersAreSwallowed },
    episodes: FIRES,
    caughtBy: 'commandsAnswered',
  },
  {
    name: 'messages go out without a window',
    seams: { link: sendsManyCopies },
    episodes: FIRES,
    caughtBy: 'withinCapacity',
  },
  {
    name: 'steps come too seldom',
    seams: {
      coreClock: (clock) => ({
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        after: (delayMs, run) => clock.after(delayMs === 100 ? 400 : delayMs, run),
        soon: (run) => clock.soon(run),
      }),
    },
    episodes: ['mute'],
    caughtBy: 'stepsKeepPace',
  },
];

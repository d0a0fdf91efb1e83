/** Steps of the wall clock, from minutes to centuries, forwards and back (libfaketime). */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause } from '../../kill/children.ts';
import type { Kind } from '../kind.ts';
import type { Folders } from '../stage.ts';
import type { Round } from '../round.ts';
import { killed } from './kill.ts';

const YEAR_S = 365 * 86_400;
/** Sizes of steps; the last two lead before 1970 and far ahead. */
const STEPS_S = [90, 3600, 86_400, 40 * 86_400, 3 * YEAR_S, 60 * YEAR_S, 150 * YEAR_S] as const;
const KILLED = 0.12;
/** An outage that makes what waited historical: first in round 10, it takes a minute. */
const LONG_EVERY = 100;
const LONG_FIRST = 10;
const HISTORICAL_AFTER_MS = 60_000;

export const clock: Kind = {
  name: 'clock',
  what: 'steps of the wall clock (libfaketime)',
  missing: () => (libraryPath() === null ? 'libfaketime is not installed: npm run setup' : null),
  betweenShare: 0,
  mayDestroy: false,
  prepare(folders) {
    const wall = new WallClock(folders);
    const manner = { environment: wall.environment };
    return { setting: { manner }, round: (round) => clockRound(round, wall) };
  },
};

/** The wall clock of one process: an offset in a file that it reads at every look. */
class WallClock {
  readonly #file: string;

  constructor(folders: Folders) {
    this.#file = join(folders.memory, 'faketime');
    this.set(0);
  }

  get file(): string {
    return this.#file;
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: libraryPath() ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      // Deadlines and ages go by CLOCK_MONOTONIC, which no step moves on a real machine either.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    };
  }

  set(offsetS: number): void {
    writeFileSync(this.#file, offsetText(offsetS));
  }
}

const offsetText = (offsetS: number): string => `${offsetS < 0 ? '' : '+'}${offsetS}`;

function libraryPath(): string | null {
  const name = 'libfaketimeMT.so.1';
  const places = existsSync('/usr/lib') ? readdirSync('/usr/lib') : [];
  const folders = ['faketime', ...places.map((place) => `${place}/faketime`)];
  const paths = folders.map((folder) => join('/usr/lib', folder, name));
  return paths.find((path) => existsSync(path)) ?? null;
}

async function clockRound(round: Round, wall: WallClock): Promise<void> {
  const { stage } = round;
  const leases = await disabledZones(round);
  await round.quiet(1);
  const step = offset(round);
  const at = round.chance(0.6)
    ? { from: 'rise' as const, delayMs: 5 * round.random.next() ** 2 }
    : { from: 'sent' as const, delayMs: round.between(0, 2) };
  const write = { file: wall.file, text: offsetText(step) };
  const crossing = await round.cross({ ...at, write });
  const { blewMs } = crossing.crossed;
  if (blewMs !== null) round.moment(crossing, blewMs);
  round.note(step < 0 ? 'steps back' : 'steps forward');
  if (round.chance(0.5)) {
    await round.cross();
    wall.set(offset(round));
    await round.cross();
    round.note('two steps in a round');
  }
  const long = round.number % LONG_EVERY === LONG_FIRST;
  const isKilled = !long && round.chance(KILLED);
  if (isKilled) {
    const latched = await killed(round, { from: 'rise', delayMs: round.between(0, 4) });
    wall.set(offset(round));
    await round.restart(latched);
    round.note('killed, and the clock stepped before the start');
  }
  if (long) await outage(round);
  // A lease of a former run counts on by the wall clock where it can be trusted, and here it lies.
  if (!isKilled) await leasesHold(round, leases);
  await stage.command('enable', { zone: leases.long });
  if (!isKilled) await onTime(round, long);
}

/** From the true time: anything may follow anything. */
function offset(round: Round): number {
  const size = STEPS_S[round.random.uint32() % STEPS_S.length] ?? 90;
  return Math.round((round.chance(0.5) ? -1 : 1) * size * round.between(0.5, 1));
}

interface Leases {
  readonly long: string;
  readonly short: string;
}

/** One lease that must outlast the round, and one that must end within it. */
async function disabledZones(round: Round): Promise<Leases> {
  const leases = { long: round.nextZone(), short: round.nextZone() };
  await round.stage.command('disable', { zone: leases.long, forSeconds: 3000 });
  await round.stage.command('disable', { zone: leases.short, forSeconds: 0.3 });
  return leases;
}

async function leasesHold(round: Round, { long, short }: Leases): Promise<void> {
  await pause(350);
  const { zones } = await round.stage.state();
  const until = (zone: string) => zones.find(({ id }) => id === zone)?.disabledUntilMs ?? null;
  if (until(long) === null) round.fail(`the lease of ${long} has ended with the step of the clock`);
  if (until(short) !== null) round.fail(`the lease of ${short} has not ended in its time`);
  round.note('leases looked at');
}

/** Long enough away from the broker that what waited is old news. */
async function outage(round: Round): Promise<void> {
  const { stage } = round;
  stage.tap.hold(true);
  const { zone, aboveSeq } = await round.cross();
  await pause(HISTORICAL_AFTER_MS + 3000);
  stage.tap.hold(false);
  round.note('outages of over 60 s');
  round.later(() => {
    const alarm = stage.ledger.alarmOf(zone, aboveSeq);
    if (alarm !== null && !stage.ledger.wasHistorical(alarm.id)) {
      round.fail(`the alarm of ${zone} is not marked historical after an outage of over 60 s`);
    }
  });
}

/** What is told at once is no history, whatever the wall clock says. */
async function onTime(round: Round, long: boolean): Promise<void> {
  if (long) return;
  round.later(() => {
    const { ledger } = round.stage;
    for (const { zone, aboveSeq } of round.crossings) {
      const alarm = ledger.alarmOf(zone, aboveSeq);
      if (alarm === null || !ledger.wasHistorical(alarm.id)) continue;
      round.fail(`the alarm of ${zone} was told at once and is marked historical`);
    }
  });
}

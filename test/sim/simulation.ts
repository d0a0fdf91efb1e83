/** One run from a seed: episodes for as long as wanted, then peace, then the final account. */
import { createHash } from 'node:crypto';
import type { JournalEvent } from '../../src/domain/event.ts';
import { integerBetween } from '../../src/simulator/random.ts';
import { expectFrames } from './deadlines.ts';
import { EPISODE_MS, EPISODES, type EpisodeName } from './faults.ts';
import type { InvariantId, Violation } from './invariants.ts';
import { NO_MUTATION, type Seams } from './seams.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number | string;
  readonly hours: number;
  readonly seams?: Seams;
  /** In this order and then again; by default all of them, shuffled anew each time round. */
  readonly episodes?: readonly EpisodeName[];
  readonly onEpisode?: (name: EpisodeName, room: string, atMs: number) => void;
}

export interface SimulationResult {
  readonly seed: string;
  readonly virtualHours: number;
  readonly exercised: Readonly<Record<InvariantId, number>>;
  readonly violations: readonly Violation[];
  readonly deaths: Readonly<Record<string, number>>;
  readonly events: number;
  readonly delivered: number;
  readonly duplicates: number;
  /** Over journal, line movements and deliveries: the same seed gives the same one. */
  readonly hash: string;
}

/** Two files, two renames and two syncs on an SD card. */
const SNAPSHOT_MS = { least: 4, most: 60 };
const WARM_UP_MS = 90_000;
/** A chattering fault is held for up to ten minutes after its cause is gone. */
const PEACE_MS = 15 * 60_000;

/** Runs a whole world; never throws for what the appliance does wrong. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World({
    seed: String(options.seed),
    seams: options.seams ?? NO_MUTATION,
    disk: { snapshotMs: SNAPSHOT_MS },
  });
  try {
    world.boot();
    await world.clock.advance(WARM_UP_MS);
    await playEpisodes(world, options);
    await makePeace(world);
    const journal = await finalAccount(world);
    return resultOf(world, journal);
  } finally {
    world.close();
  }
}

async function playEpisodes(world: World, options: SimulationOptions): Promise<void> {
  const random = world.random.fork('episodes');
  const names = options.episodes ?? (Object.keys(EPISODES) as EpisodeName[]);
  const untilMs = WARM_UP_MS + options.hours * 3_600_000;
  let deck: EpisodeName[] = [];
  for (let number = 0; world.clock.monotonicMs() + EPISODE_MS <= untilMs; number++) {
    if (deck.length === 0) deck = options.episodes ? [...names] : shuffled(names, random);
    const name = deck.shift()!;
    const at = integerBetween(random, 0, world.rooms.length - 1);
    const room = world.rooms[at]!;
    const other = world.rooms[(at + 1) % world.rooms.length]!;
    options.onEpisode?.(name, room.id, world.clock.monotonicMs());
    EPISODES[name]({
      world,
      random: random.fork(`${name}-${number}`),
      room,
      other,
    });
    await world.clock.advance(EPISODE_MS);
    expectFrames(world);
  }
}

function shuffled<T>(values: readonly T[], random: { next(): number }): T[] {
  return values
    .map((value) => ({ value, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

async function makePeace(world: World): Promise<void> {
  const untilMs = world.clock.monotonicMs() + PEACE_MS;
  do await world.clock.advance(30_000);
  while (world.condition !== 'normal' && world.clock.monotonicMs() < untilMs);
  // What was decided last is on its way to the disk and to the broker.
  await world.clock.advance(30_000);
  const isAtRest = world.isAtRest;
  world.score.expect('returnsToNormal', world.condition === 'normal' && isAtRest, () => {
    const view = world.process?.core?.runtime.view();
    const faults = [...(view?.faults ?? []), ...(view?.zones.flatMap((zone) => zone.faults) ?? [])];
    const named = faults.map(({ fault, subject }) => `${fault} of ${subject}`).join(', ');
    return `${world.condition}; lines at rest: ${isAtRest}; ${named}`;
  });
}

async function finalAccount(world: World): Promise<readonly JournalEvent[]> {
  const { score, centre, ledger } = world;
  const journal = await world.journal();
  centre.read();
  const ids = new Set(journal.map(({ id }) => id));
  for (const { id, lane, seq, type } of journal) {
    const isThere = centre.events.has(id);
    score.expect('everythingDelivered', isThere, () => `${lane}/${seq} ${type} never arrived`);
  }
  const unexplained = centre.unexplained();
  score.expect('deliveredInOrder', unexplained.length === 0, () => `missing ${unexplained.join()}`);
  for (const { event, durable, told, wasAtRisk } of ledger.promised.values()) {
    const isThere = ids.has(event.id);
    if (!wasAtRisk && isThere) continue;
    const state = `${durable ? 'durable' : 'remembered'}${told ? ', told' : ''}`;
    const text = (): string => `${event.lane}/${event.seq} ${event.type} (${state}) is gone`;
    score.expect('nothingLost', isThere, text);
  }
  return journal;
}

function resultOf(world: World, journal: readonly JournalEvent[]): SimulationResult {
  const { score, watch, broker, centre, clock, directory } = world;
  const hash = createHash('sha256');
  const add = (value: unknown): void => {
    hash.update(JSON.stringify(value).replaceAll(directory, ''));
  };
  for (const event of journal) add(event);
  for (const transition of watch.transitions) add(transition);
  for (const { topic, payload } of broker.accepted) add([topic, payload]);
  return {
    seed: world.seed,
    virtualHours: clock.monotonicMs() / 3_600_000,
    exercised: score.exercised,
    violations: score.violations,
    deaths: Object.fromEntries(world.deaths),
    events: journal.length,
    delivered: centre.events.size,
    duplicates: centre.duplicates,
    hash: hash.digest('hex'),
  };
}

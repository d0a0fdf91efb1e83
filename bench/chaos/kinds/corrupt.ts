/** SIGKILL, then damage to what lies on the disk, then a start. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEvent } from '../../../src/domain/event.ts';
import { until } from '../../kill/children.ts';
import { type Damage, DAMAGES, damage, survives } from '../damage.ts';
import type { Kind } from '../kind.ts';
import type { Round } from '../round.ts';
import type { LeftBehind } from '../stage.ts';
import { killed } from './kill.ts';

const DATABASE = 'journal.db';
const LOG = 'journal.db-wal';
const SNAPSHOT = 'panel.snapshot';
const RING = 'ring';
/** How often each is hit; at least one is. */
const HIT = { [DATABASE]: 0.75, [LOG]: 0.3, [SNAPSHOT]: 0.15, [RING]: 0.12 } as const;
/** Of any other file that the appliance keeps beside them, such as its second copy of the alarms. */
const HIT_OTHER = 0.2;
const ALARM_AGAIN_MS = 5000;

export const corrupt: Kind = {
  name: 'corrupt',
  what: 'damaged database, log, ring, snapshot or alarm file',
  missing: () => null,
  betweenShare: 0,
  mayDestroy: true,
  prepare: () => ({ setting: {}, round: corruptRound }),
};

async function corruptRound(round: Round): Promise<void> {
  const { stage } = round;
  // What was not delivered is at stake; what was must not be told in other words.
  const isHeld = round.chance(0.5);
  if (isHeld) {
    stage.tap.hold(true);
    round.note('with undelivered events');
  }
  await round.quiet(3);
  const onRecord = await killed(round, { from: 'rise', delayMs: round.between(0, 60) });
  const left = stage.leftBehind();
  const hit = spoil(round, left);
  stage.tap.hold(false);
  const aired = round.chance(0.5);
  if (aired) await stage.probe.air();
  await round.restart(onRecord && mustLatch(round, left, hit));
  if (aired) return;
  try {
    await until('the fire alarms again', () => stage.sirenOn, ALARM_AGAIN_MS);
  } catch {
    round.fail('a fire that still burns did not alarm again after the start');
  }
}

/** Files by the name under which they are hit. */
function filesOf(round: Round): ReadonlyMap<string, string> {
  const { stateFolder, ringFile } = round.stage.unit;
  const names = readdirSync(stateFolder).filter((name) => {
    const isOurs = !name.includes('.bad-') && !name.endsWith('-shm') && !name.endsWith('.yaml');
    return isOurs && statSync(join(stateFolder, name)).isFile();
  });
  const files = new Map(names.map((name) => [name, join(stateFolder, name)]));
  if (existsSync(ringFile)) files.set(RING, ringFile);
  return files;
}

/**
 * Damages at least one file, and takes note of the events whose every copy is gone with it.
 * @returns the names of the damaged files.
 */
function spoil(round: Round, left: LeftBehind): ReadonlySet<string> {
  const files = filesOf(round);
  const before = new Map([...files].map(([name, path]) => [name, readFileSync(path)]));
  const hit = new Set<string>();
  while (hit.size === 0) {
    for (const [name, path] of files) {
      const share = name in HIT ? HIT[name as keyof typeof HIT] : HIT_OTHER;
      if (!round.chance(share)) continue;
      const how: Damage = DAMAGES[round.random.uint32() % DAMAGES.length] ?? 'cut';
      if (!damage(path, how, round.random)) continue;
      hit.add(name);
      round.note(`${name}: ${how}`);
    }
  }
  const copies = new Copies(
    before,
    new Map([...files].map(([n, path]) => [n, readFileSync(path)])),
  );
  for (const event of [...left.inRing, ...left.inJournal]) {
    if (copies.hasOne(event, hit)) continue;
    round.stage.ledger.destroyed.add(event.id);
  }
  return hit;
}

/** Whether an event still stands somewhere. */
class Copies {
  readonly #before: ReadonlyMap<string, Buffer>;
  readonly #after: ReadonlyMap<string, Buffer>;

  constructor(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>) {
    this.#before = before;
    this.#after = after;
  }

  /**
   * An alarm counts as there as long as one copy in ring, alarm file or an untouched page stands. Of
   * the other lanes nobody promises that a damaged database gives back what it still has.
   */
  hasOne(event: JournalEvent, hit: ReadonlySet<string>): boolean {
    const text = JSON.stringify(event);
    const isWhole = !hit.has(DATABASE) && !hit.has(LOG);
    return [...this.#before.keys()].some((name) => {
      if (name === LOG || (name === DATABASE && !isWhole && event.lane !== 'alarm')) {
        return isWhole && this.#stands(name, text, false);
      }
      return this.#stands(name, text, name === DATABASE);
    });
  }

  #stands(name: string, text: string, page: boolean): boolean {
    const [before, after] = [this.#before.get(name), this.#after.get(name)];
    return before !== undefined && after !== undefined && survives(before, after, text, page);
  }
}

/** With one witness hit the others must be enough; a ring that was the only one had no other. */
function mustLatch(round: Round, left: LeftBehind, hit: ReadonlySet<string>): boolean {
  const witnesses = [hit.has(DATABASE) || hit.has(LOG), hit.has(SNAPSHOT), hit.has(RING)].filter(
    (isHit) => isHit,
  );
  const newest = left.inRing.findLast(({ type }) => type === 'alarm');
  const onlyInRing =
    newest !== undefined && !left.inJournal.some(({ id }) => id === newest.id) && hit.has(RING);
  const must = witnesses.length <= 1 && !onlyInRing;
  if (!must) round.note('no latch asked for: every witness of it may be hit');
  return must;
}

/** What the committer is put together from, so that it holds nothing but its decisions. */
import type { ChainHeads, CommitReceipt } from '../domain/ports.ts';
import { AlarmFileDesk } from './alarm-file-desk.ts';
import { CommitWatch } from './commit-watch.ts';
import type { FromWriter, Heads, OpenedStore, Query } from './messages.ts';
import { lostRanges } from './numbering.ts';
import type { CommitterOptions } from './options.ts';
import type { PendingWrites } from './pending.ts';
import type { Reader } from './reader.ts';
import { TABLES } from './schema.ts';
import { setAsideText } from './salvage-text.ts';
import type { TroubleBoard } from './troubles.ts';
import { changedHeads } from './upkeep.ts';
import { type SessionEvents, WriterSession } from './writer-session.ts';

/** @param telemetryFloor asked at every attempt: numbers go on above it. */
export function sessionFor(
  { directory, clock, limits, startWriter, troubles, held, onReceipt }: CommitterOptions,
  telemetryFloor: () => number,
  events: SessionEvents,
  pending: PendingWrites,
): WriterSession {
  const { firstRetryMs, maxRetryMs } = limits;
  const openRequest = (setAside: string | null) => ({
    directory,
    stamp: String(Math.max(0, Math.floor(clock.wallMs()))).padStart(13, '0'),
    setAside,
    telemetryFloor: telemetryFloor(),
    held,
  });
  const alarmFile = new AlarmFileDesk({ troubles, pending, onReceipt });
  const pauses = { clock, startWriter, firstRetryMs, maxRetryMs };
  return new WriterSession({ ...pauses, openRequest, alarmFile }, events);
}

/** Tells of commits that take too long. @param onSlow readers may get more from memory now */
export function watchFor(
  { clock, limits, troubles }: CommitterOptions,
  onSlow: () => void,
  onGiveUp: () => void,
): CommitWatch {
  const { slowCommitMs, giveUpMs } = limits;
  return new CommitWatch({
    ...{ clock, slowCommitMs, giveUpMs, onGiveUp },
    onSlow: () => {
      troubles.raise(
        'storeSlow',
        `a commit has taken more than ${slowCommitMs} ms; check the disk`,
      );
      onSlow();
    },
  });
}

/** `quick_check`, table by table. @returns what is damaged, or null. */
export async function damageOf(reader: Reader): Promise<string | null> {
  for (const table of TABLES) {
    const damage = await reader.ask({ what: 'check', table });
    if (damage === null || damage.length === 0) continue;
    return `quick_check of table ${table}: ${damage.slice(0, 3).join('; ')}`;
  }
  return null;
}

/** A database was put aside: that is told, and what it held is accounted for. */
export function noteSetAside(
  { setAside, telemetryRow, heads }: OpenedStore,
  held: { readonly heads: Heads; readonly telemetryRow: number; readonly isFirst: boolean },
  { troubles, pending }: { readonly troubles: TroubleBoard; readonly pending: PendingWrites },
): void {
  if (setAside === null) {
    // A start that could not wait took everything for lost that a database may still hold.
    pending.cutGaps('storeUnreadable', heads);
    return;
  }
  troubles.raise('storeCorrupt', setAsideText(setAside));
  // The first opening's loss is accounted for with the numbering (`numberingAfter`).
  if (held.isFirst) return;
  const { accountedTo } = setAside.salvaged;
  const kept = { heads: accountedTo, telemetryRow };
  const lost = lostRanges(held.heads, held.telemetryRow, 'storeSetAside', kept);
  for (const gap of lost) pending.addGap(gap);
}

/** Two events with one number: told, and never settled by throwing one away. */
export function noteClashes(
  troubles: TroubleBoard,
  { clashes }: Extract<FromWriter, { kind: 'committed' }>,
): void {
  for (const { lane, seq, id } of clashes) {
    troubles.raise('storeClash', `${lane} ${seq} is taken; event ${id} is kept in table clash`);
  }
}

/** Says of the chains only what has changed. */
export class HeadNews {
  #heads: ChainHeads = {};
  #awaited = true;

  /**
   * Whether a question waits for a database that has not been opened yet, though the start has gone
   * on without it: whoever asks for a position would otherwise skip what it holds.
   */
  isAwaitedBy(what: Query['what']): boolean {
    return what === 'cursors' && this.#awaited;
  }

  /** It has taken too long: everything goes on from memory. */
  stopWaiting(reader: Reader): void {
    this.#awaited = false;
    reader.changed();
  }

  /** As far as is known now. */
  get heads(): ChainHeads {
    return this.#heads;
  }

  opened(heads: ChainHeads): void {
    this.#awaited = false;
    this.#heads = heads;
  }

  /** The receipt with the heads that moved since the last one. */
  with(receipt: CommitReceipt, heads: ChainHeads): CommitReceipt {
    const changed = changedHeads(this.#heads, heads);
    this.#heads = heads;
    return Object.keys(changed).length === 0 ? receipt : { ...receipt, heads: changed };
  }
}

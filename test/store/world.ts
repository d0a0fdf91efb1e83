/** A store in virtual time: the real database, every failure by order. */
import type { CommitReceipt } from '../../src/domain/ports.ts';
import {
  type InProcessWriter,
  inProcessWriter,
  type InProcessWriterOptions,
} from '../../src/store/in-process-writer.ts';
import { type OpenStore, openStore } from '../../src/store/journal-client.ts';
import type { ToWriter, WriterTrouble } from '../../src/store/messages.ts';
import type { StoreLimits } from '../../src/store/options.ts';
import type { StoreTrouble } from '../../src/store/troubles.ts';
import { ManualClock, temporaryFolder } from './support.ts';

export interface World {
  readonly clock: ManualClock;
  readonly directory: string;
  readonly writer: InProcessWriter;
  readonly store: OpenStore;
  readonly troubles: StoreTrouble[];
  readonly receipts: CommitReceipt[];
  readonly written: ToWriter[];
  fail: WriterTrouble | null;
  /** Tells one commit from another; `fail` comes first. */
  failWrite: NonNullable<InProcessWriterOptions['failWrite']>;
  failRead: WriterTrouble | null;
  delayMs: number;
}

export async function world(
  directory = temporaryFolder(),
  limits: Partial<StoreLimits> = {},
  delayMs = 0,
): Promise<World> {
  const clock = new ManualClock();
  const troubles: StoreTrouble[] = [];
  const receipts: CommitReceipt[] = [];
  const written: ToWriter[] = [];
  const state: Pick<World, 'fail' | 'failWrite' | 'failRead' | 'delayMs'> = {
    fail: null,
    failWrite: () => null,
    failRead: null,
    delayMs,
  };
  const writer = inProcessWriter({
    clock,
    failWrite: (message) => state.fail ?? state.failWrite(message),
    failRead: () => state.failRead,
    delayMs: (message) => {
      if (message.kind === 'write') written.push(message);
      // Upkeep is quick: what is slow here is what somebody waits for.
      return message.kind === 'tend' ? 0 : state.delayMs;
    },
  });
  const opening = openStore({
    directory,
    startWriter: writer.start,
    clock,
    log: () => undefined,
    onTrouble: (trouble) => troubles.push(trouble),
    limits,
  });
  await clock.advance(5000);
  const store = await opening;
  store.journal.onCommit((receipt) => receipts.push(receipt));
  await clock.advance(0);
  return Object.assign(state, { clock, directory, writer, store, troubles, receipts, written });
}

export const seqs = (rows: readonly { readonly seq: number }[]): number[] =>
  rows.map(({ seq }) => seq);

export async function read(
  w: World,
  lane: 'alarm' | 'fault' | 'system',
  after = 0,
): Promise<number[]> {
  const rows = w.store.journal.readAfter(lane, after, 1000);
  await w.clock.advance(1);
  return seqs(await rows);
}

/** Whatever is still in memory is gone: only what was durable counts. */
export async function readFresh(w: World): Promise<World> {
  w.writer.crash('the test looks at the disk');
  return world(w.directory);
}

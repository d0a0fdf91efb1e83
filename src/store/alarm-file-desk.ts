/**
 * The main thread's side of the alarm file: tells its troubles, and hands alarms to it alone while
 * no database is open. An alarm that only the file has is durable but not committed: nothing that
 * waits for a commit is let go, and its group is committed when the database is back.
 */
import type { CommitReceipt } from '../domain/ports.ts';
import { eventOf, rowOf } from './codec.ts';
import type { AlarmFileNews, EventRow, KeptAlarms } from './messages.ts';
import type { PendingWrites } from './pending.ts';
import type { TroubleBoard } from './troubles.ts';

/** Alarms that are handed over at once. */
const KEEP_ROWS = 200;
const REMEDY =
  'alarms are kept in the database alone: check room, rights and mount of state.directory';

export interface AlarmFileDeskOptions {
  readonly troubles: TroubleBoard;
  readonly pending: Pick<PendingWrites, 'eventsAfter'>;
  readonly onReceipt: (receipt: CommitReceipt) => void;
}

export class AlarmFileDesk {
  readonly #options: AlarmFileDeskOptions;
  /** Highest alarm that the file is known to have. */
  #keptUpTo = 0;
  #asked = false;

  constructor(options: AlarmFileDeskOptions) {
    this.#options = options;
  }

  /** The writer has opened its files, with or without a database. */
  opened({ failure, damage, torn, restored }: AlarmFileNews): void {
    const { troubles } = this.#options;
    this.#asked = false;
    this.#tell(failure);
    if (damage !== '') troubles.raise('alarmFileDamaged', `${damage}; replace the card`);
    if (torn !== '') {
      // Nobody was told that this alarm is durable: it is news, and no fault that stands.
      troubles.raise('alarmFileTorn', `a write was cut short and has been cut off: ${torn}`);
      troubles.restore('alarmFileTorn');
    }
    if (restored > 0) {
      troubles.raise('alarmsRestored', `${restored} alarms came back from the alarm file`);
      troubles.restore('alarmsRestored');
    }
  }

  /** A group is committed: whether the file has its alarms as well matters only if it fails. */
  committed({ failure, isFull, upTo }: KeptAlarms): void {
    this.#tell(isFull ? null : failure);
    this.#keptUpTo = Math.max(this.#keptUpTo, upTo);
  }

  /** A group that the database did not take, or alarms handed over without one. */
  keptAlone({ failure, upTo }: KeptAlarms): void {
    this.#asked = false;
    this.#tell(failure);
    if (upTo <= this.#keptUpTo) return;
    this.#keptUpTo = upTo;
    this.#options.onReceipt({ committed: {}, events: 0, commitMs: 0, alarmsInFile: upTo });
  }

  /** Alarms that wait go to the file, one handful at a time. */
  keepWaiting(keep: (rows: readonly EventRow[]) => void): void {
    if (this.#asked) return;
    const { pending } = this.#options;
    const rows = pending.eventsAfter('alarm', this.#keptUpTo, KEEP_ROWS).flatMap((json) => {
      const event = eventOf(json);
      return event === null ? [] : [{ ...rowOf(event), json }];
    });
    if (rows.length === 0) return;
    this.#asked = true;
    keep(rows);
  }

  #tell(failure: string | null): void {
    const { troubles } = this.#options;
    if (failure === null) troubles.restore('alarmFileFailed');
    else troubles.raise('alarmFileFailed', `${failure}; ${REMEDY}`);
  }
}

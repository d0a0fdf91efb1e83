/**
 * The writer: one database, one message at a time, every outcome a reply. It never throws and
 * never decides: a failure is told, and the main thread says what to do about it. Runs in the
 * writer thread; a simulation runs it in its own thread.
 */
import { AlarmFileKeeper } from './alarm-file-keeper.ts';
import { textOf, troubleOf } from './database.ts';
import type { FromWriter, Group, OpenRequest, Query, TendRequest, ToWriter } from './messages.ts';
import { contentsOf, type Open, openOrSetAside } from './writer-open.ts';

export class Writer {
  readonly #reply: (message: FromWriter) => void;
  readonly #nowMs: () => number;
  readonly #alarmFile = new AlarmFileKeeper();
  #open: Open | null = null;

  /** @param nowMs a stopwatch for commit times; nothing is decided by it. */
  constructor(reply: (message: FromWriter) => void, nowMs: () => number) {
    this.#reply = reply;
    this.#nowMs = nowMs;
  }

  handle(message: ToWriter): void {
    switch (message.kind) {
      case 'open':
        this.#handleOpen(message);
        break;
      case 'write':
        this.#handleWrite(message.number, message.group, message.fromReserve === true);
        break;
      case 'read':
        this.#handleRead(message.id, message.query);
        break;
      case 'tend':
        this.#handleTend(message);
        break;
      case 'keep':
        this.#reply({ kind: 'kept', ...this.#alarmFile.keep(message.rows) });
        break;
      case 'close':
        this.#closeDatabase();
        this.#alarmFile.close();
        this.#reply({ kind: 'closed' });
        break;
    }
  }

  #handleOpen(request: OpenRequest): void {
    this.#closeDatabase();
    const found = this.#alarmFile.open(request.directory);
    try {
      const { records: alarms } = this.#alarmFile;
      const { open, setAside } = openOrSetAside({ request, alarms, nowMs: this.#nowMs });
      this.#open = open;
      open.queries.raiseTelemetryRow(request.telemetryFloor);
      const alarmFile = this.#alarmFile.reconcile(open, setAside);
      this.#reply({ kind: 'opened', store: { ...contentsOf(open, setAside), alarmFile } });
    } catch (error) {
      this.#closeDatabase();
      if (troubleOf(error) === 'corrupt' && request.setAside === null) {
        // It opened, and the first look into it found damage.
        this.#handleOpen({ ...request, setAside: textOf(error) });
        return;
      }
      const failure = { trouble: troubleOf(error), detail: textOf(error) };
      this.#reply({ kind: 'openFailed', ...failure, alarmFile: found });
    }
  }

  #handleWrite(number: number, group: Group, fromReserve: boolean): void {
    const alarmFile = this.#alarmFile.keep(group.events);
    const startMs = this.#nowMs();
    try {
      if (this.#open === null) throw new Error('no database is open');
      const { clashes, telemetryRow } = this.#commit(this.#open, group, fromReserve);
      const commitMs = this.#nowMs() - startMs;
      const chainHeads = this.#open.queries.chain.heads;
      this.#alarmFile.stored(group.events);
      const receipt = { number, clashes, telemetryRow, chainHeads, commitMs, alarmFile };
      this.#reply({ kind: 'committed', ...receipt });
    } catch (error) {
      const trouble = troubleOf(error);
      this.#reply({ kind: 'writeFailed', number, trouble, detail: textOf(error), alarmFile });
    }
  }

  /** With the reserve let go for it, if it may be and only then fits. */
  #commit({ queries, tender }: Open, group: Group, fromReserve: boolean) {
    try {
      return queries.commit(group);
    } catch (error) {
      if (!fromReserve || troubleOf(error) !== 'full' || !tender.release()) throw error;
      return queries.commit(group);
    }
  }

  #handleTend(request: TendRequest): void {
    try {
      if (this.#open === null) throw new Error('no database is open');
      this.#reply({ kind: 'tended', ...this.#open.tender.tend(request) });
    } catch (error) {
      this.#reply({ kind: 'tendFailed', trouble: troubleOf(error), detail: textOf(error) });
    }
  }

  #handleRead(id: number, query: Query): void {
    try {
      if (this.#open === null) throw new Error('no database is open');
      this.#reply({ kind: 'answer', id, rows: this.#open.queries.answer(query) });
    } catch (error) {
      this.#reply({ kind: 'readFailed', id, trouble: troubleOf(error), detail: textOf(error) });
    }
  }

  /** Folds the log back if the disk allows it; the next open does so otherwise. */
  #closeDatabase(): void {
    const open = this.#open;
    this.#open = null;
    this.#alarmFile.forgetDatabase();
    open?.db.close();
  }
}

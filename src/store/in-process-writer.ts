/**
 * A writer without a thread, for simulations in virtual time: the real SQLite file and the real
 * policies of the store, with every delay and failure under control. Never part of the appliance,
 * whose main thread must not load SQLite.
 */
import type { Clock } from '../domain/ports.ts';
import type { FromWriter, ToWriter, WriterTrouble } from './messages.ts';
import { Writer } from './writer.ts';
import type { StartWriter } from './writer-link.ts';

export interface InProcessWriter {
  readonly start: StartWriter;
  /** Ends the running writer as a crash would: what it had not begun is not done. */
  crash(detail: string): void;
}

export interface InProcessWriterOptions {
  readonly clock: Clock;
  /** How long a message takes until it is carried out, in ms; 0 is at the next opportunity. */
  readonly delayMs?: (message: ToWriter) => number;
  /** A failure to report instead of carrying a commit out. */
  readonly failWrite?: (message: Extract<ToWriter, { kind: 'write' }>) => WriterTrouble | null;
  /** A failure to report instead of answering a read. */
  readonly failRead?: () => WriterTrouble | null;
}

export function inProcessWriter(options: InProcessWriterOptions): InProcessWriter {
  const { clock } = options;
  let end: ((detail: string) => void) | null = null;
  const start: StartWriter = (events) => {
    let alive = true;
    let freeAtMs = 0;
    const reply = (message: FromWriter): void => {
      if (alive) events.onMessage(message);
    };
    const writer = new Writer(reply, () => clock.monotonicMs());
    const finish = (detail: string): void => {
      if (!alive) return;
      alive = false;
      writer.handle({ kind: 'close' });
      events.onExit(detail);
    };
    end = finish;
    const carryOut = (message: ToWriter): void => {
      if (!alive) return;
      const failure = orderedFailure(message, options);
      if (failure !== null) {
        reply(failure);
        return;
      }
      writer.handle(message);
      if (message.kind === 'close') finish('closed');
    };
    return {
      post(message) {
        // One message at a time, in order, as a thread would take them.
        const startMs = Math.max(freeAtMs, clock.monotonicMs());
        freeAtMs = startMs + (options.delayMs?.(message) ?? 0);
        clock.after(freeAtMs - clock.monotonicMs(), () => carryOut(message));
      },
      terminate: () => finish('terminated'),
    };
  };
  return { start, crash: (detail) => end?.(detail) };
}

function orderedFailure(message: ToWriter, options: InProcessWriterOptions): FromWriter | null {
  const write = message.kind === 'write' ? (options.failWrite?.(message) ?? null) : null;
  const read = message.kind === 'read' ? (options.failRead?.() ?? null) : null;
  const detail = `${write ?? read ?? 'nothing'} by order of the simulation`;
  if (message.kind === 'write' && write !== null) {
    const alarmFile = { failure: null, isFull: false, upTo: 0 };
    return { kind: 'writeFailed', number: message.number, trouble: write, detail, alarmFile };
  }
  if (message.kind === 'read' && read !== null) {
    return { kind: 'readFailed', id: message.id, trouble: read, detail };
  }
  return null;
}

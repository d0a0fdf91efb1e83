/** JSON lines on standard output, for journald or the container's log driver. */
import { pino } from 'pino';
import type { Clock, Log, LogLevel } from './domain/ports.ts';

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 20;
/** Distinct messages whose rates are watched; more than this many share one budget. */
const WATCHED_MESSAGES = 500;

/**
 * Rate-limits each message by its text: a sensor that fails a thousand times a second must not
 * wear the disk out. What was held back is counted on the next line that gets through.
 */
export function createLog(clock: Clock, level: LogLevel): Log {
  const sink = pino({ level, base: null, timestamp: pinoTime });
  const windows = new Map<string, { sinceMs: number; lines: number; held: number }>();
  return (lineLevel, message, fields = {}) => {
    const nowMs = clock.monotonicMs();
    const key = windows.size < WATCHED_MESSAGES || windows.has(message) ? message : '';
    let window = windows.get(key);
    if (window === undefined || nowMs - window.sinceMs > WINDOW_MS) {
      const held = window?.held ?? 0;
      window = { sinceMs: nowMs, lines: 0, held: 0 };
      windows.set(key, window);
      if (held > 0) sink.warn({ held, about: message }, 'log lines held back');
    }
    window.lines += 1;
    if (window.lines > LINES_PER_WINDOW) {
      window.held += 1;
      return;
    }
    sink[lineLevel]({ ...fields }, message);
  };
  function pinoTime(): string {
    return `,"time":"${new Date(clock.wallMs()).toISOString()}"`;
  }
}

/** For commands whose standard output is data. */
export const silentLog: Log = () => undefined;

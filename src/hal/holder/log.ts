/** The holder's log: JSON lines, a bounded number of them, without a package to load. */
import type { Clock, Log } from '../../domain/ports.ts';

const BURST_LINES = 60;
/** After a burst, one more line in so long: at most about 2 MB a day where all goes wrong. */
const MS_PER_LINE = 10_000;

/** Lines that do not fit in are counted on the next one that does. */
export function boundedLog(clock: Clock, write: (line: string) => void): Log {
  let lines = BURST_LINES;
  let atMs = clock.monotonicMs();
  let held = 0;
  return (level, message, fields = {}) => {
    const nowMs = clock.monotonicMs();
    lines = Math.min(BURST_LINES, lines + (nowMs - atMs) / MS_PER_LINE);
    atMs = nowMs;
    if (lines < 1) {
      held += 1;
      return;
    }
    lines -= 1;
    const time = new Date(clock.wallMs()).toISOString();
    const counted = held > 0 ? { heldBack: held } : {};
    held = 0;
    write(`${JSON.stringify({ level, time, ...fields, ...counted, msg: message })}\n`);
  };
}

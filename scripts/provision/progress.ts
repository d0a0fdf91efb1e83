/** How far a long copy is: a bar on a terminal, a line now and then elsewhere. */
import type { ProvisionWorld } from './world.ts';

export interface Progress {
  advance(bytes: number): void;
  /** Ends it and returns the mean speed in millions of bytes a second; null: nothing passed. */
  done(): number | null;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
/** Without a terminal: a line at each tenth. */
const PLAIN_LINES = 10;

type ProgressWorld = Pick<ProvisionWorld, 'err' | 'status' | 'monotonicMs'>;

/** @param title such as `writing` */
export function startProgress(world: ProgressWorld, title: string, totalBytes: number): Progress {
  const startMs = world.monotonicMs();
  let bytes = 0;
  let shownMs = -Infinity;
  let plainLines = 0;
  const draw = (): void => {
    const nowMs = world.monotonicMs();
    const text = line(title, bytes, totalBytes, nowMs - startMs);
    if (world.status !== undefined) {
      if (nowMs - shownMs < REDRAW_MS && bytes < totalBytes) return;
      shownMs = nowMs;
      world.status(text);
      return;
    }
    const tenths = Math.floor((bytes * PLAIN_LINES) / totalBytes);
    if (tenths > plainLines) world.err(text);
    plainLines = Math.max(plainLines, tenths);
  };
  return {
    advance(count) {
      bytes += count;
      draw();
    },
    done() {
      world.status?.(null);
      const ms = world.monotonicMs() - startMs;
      return bytes === 0 || ms <= 0 ? null : bytes / 1000 / ms;
    },
  };
}

/** `writing [#####.....]  43 %   21.3 MB/s  1:12 left` */
export function line(title: string, bytes: number, totalBytes: number, ms: number): string {
  const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
  const full = Math.floor(share * BAR_WIDTH);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}]`;
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  if (ms <= 0 || bytes === 0) return `${title} ${bar} ${percent}`;
  const speed = `${(bytes / 1000 / ms).toFixed(1)} MB/s`;
  const left = Math.round(((totalBytes - bytes) * ms) / bytes / 1000);
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')} left`;
  return `${title} ${bar} ${percent}  ${speed}  ${time}`;
}

/** Waiting that ends. */
import type { Clock } from '../../domain/ports.ts';

/** Resolves when it is done, or after the time. */
export function within(clock: Clock, deadlineMs: number, done: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(deadlineMs, resolve);
    void done.then(() => {
      cancel();
      resolve();
    });
  });
}

/** Work that must end in time, however it ends. */
import type { Clock } from '../../domain/ports.ts';
import { messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';

/** Never rejects. Errors: `timeout`, and `other` for work that rejects. */
export function within<T>(
  clock: Clock,
  deadlineMs: number,
  work: () => Promise<T>,
): Promise<HalResult<T>> {
  return new Promise((resolve) => {
    const end = (result: HalResult<T>): void => {
      cancel();
      resolve(result);
    };
    const late = failed('timeout', `no answer within ${deadlineMs / 1000} s`);
    const cancel = clock.after(deadlineMs, () => end(late));
    work().then(
      (value) => end(done(value)),
      (error: unknown) => end(failed('other', `ended with: ${messageOf(error)}`, error)),
    );
  });
}

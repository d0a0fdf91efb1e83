/** An order that waits for its moment, as it is kept through a restart. */
import type { Rollout } from '../domain/command-service.ts';
import { readRollout } from '../domain/command-service.ts';

export interface Order extends Rollout {
  readonly requestId: string;
  readonly origin: string;
}

/** Null where it is not what this program stores. */
export function readOrder(text: string): Order | null {
  try {
    const raw: unknown = JSON.parse(text);
    if (typeof raw !== 'object' || raw === null) return null;
    const { requestId, origin, percentage, window, ...rest } = raw as Record<string, unknown>;
    if (typeof requestId !== 'string' || typeof origin !== 'string') return null;
    const rollout = readRollout({
      ...rest,
      ...(percentage === null ? {} : { percentage }),
      ...(window === null ? {} : { window }),
    });
    return 'error' in rollout ? null : { ...rollout, requestId, origin };
  } catch {
    // Of another release: the central server asks again, as after every answer that it misses.
    return null;
  }
}

/** What the operating system's errors mean here. */
import type { HalErrorKind } from './ports.ts';

/** Sorts an error by its code; what has none is `other`. */
export function errorKindOf(error: unknown): HalErrorKind {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'EACCES' || code === 'EPERM') return 'permission';
  if (code === 'EBUSY') return 'busy';
  if (code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO') return 'absent';
  if (code === 'ETIMEDOUT') return 'timeout';
  return 'other';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

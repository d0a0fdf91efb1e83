import { closeSync } from 'node:fs';
import { messageOf } from '../os-errors.ts';

/** @returns what went wrong, or null; the descriptor is gone either way. */
export function closeDescriptor(descriptor: number): string | null {
  try {
    closeSync(descriptor);
    return null;
  } catch (error) {
    return `descriptor ${descriptor} was not open: ${messageOf(error)}`;
  }
}

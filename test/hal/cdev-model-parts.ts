/** What the model of the character device is made of. */
import { readdirSync, readlinkSync } from 'node:fs';
import type { LineSettings } from '../../src/hal/gpio/uapi.ts';
import type { SystemResult } from '../../src/hal/native/libc.ts';

/** `directionIgnored`, `biasIgnored`: accepted and not done. `noEdges`: the line has no interrupt. */
export type CdevFault =
  | 'forbidden'
  | 'noEdges'
  | 'biasIgnored'
  | 'directionIgnored'
  | 'shortedLow'
  | 'readFails'
  | 'writeFails';

export interface ModelLine {
  readonly offset: number;
  readonly name: string;
  /** The pipe; null until the line is requested for the first time. */
  path: string | null;
  consumer: string;
  /** Holder in another process. */
  heldBy: string | null;
  settings: LineSettings;
  /** What drives the line from outside or, of an output, what it was set to. */
  high: boolean;
  sequence: number;
  fault: CdevFault | null;
  readonly history: boolean[];
}

export interface ModelChip {
  readonly name: string;
  readonly label: string;
  readonly lines: readonly ModelLine[];
}

export const AS_INPUT: LineSettings = {
  direction: 'in',
  bias: 'asIs',
  edges: false,
  high: null,
  debounceUs: null,
};
export interface Watcher {
  readonly ready: () => void;
  readonly trouble: (error: Error) => void;
}

export const OK: SystemResult = { ok: true, value: 0 };

export function newLine(offset: number, name: string): ModelLine {
  return {
    ...{ offset, name, path: null, consumer: '', heldBy: null },
    ...{ settings: AS_INPUT, high: false, sequence: 0, fault: null, history: [] },
  };
}

export function refused(code: string): SystemResult {
  return { ok: false, code };
}

/** What this process's descriptors lead to. */
export function openPaths(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The descriptor of this very listing is gone by now.
      return [];
    }
  });
}

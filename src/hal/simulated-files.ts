/** Kernel files without a kernel: a map from path to text. */
import type { KernelFiles } from './bus-ports.ts';
import type { HalErrorKind, HalResult } from './ports.ts';
import { DONE, done, failed } from './ports.ts';

export class SimulatedFiles implements KernelFiles {
  readonly kind = 'simulated';
  /** What the files hold; a function is asked at each reading, as a driver's file is. */
  readonly files = new Map<string, string | (() => string)>();
  /** Paths that answer with an error. */
  readonly faults = new Map<string, HalErrorKind>();

  read(path: string): Promise<HalResult<string>> {
    return Promise.resolve(this.#read(path));
  }

  write(path: string, text: string): Promise<HalResult> {
    return Promise.resolve(this.#write(path, text));
  }

  list(path: string): Promise<HalResult<readonly string[]>> {
    return Promise.resolve(this.#list(path));
  }

  #read(path: string): HalResult<string> {
    const fault = this.faults.get(path);
    if (fault !== undefined) return failed(fault, `${path}: ${fault} (simulated)`);
    const held = this.files.get(path);
    if (held === undefined) return failed('absent', `${path} is not there (simulated)`);
    return done(typeof held === 'string' ? held : held());
  }

  #write(path: string, text: string): HalResult {
    const fault = this.faults.get(path);
    if (fault !== undefined) return failed(fault, `${path}: ${fault} (simulated)`);
    if (!this.files.has(path)) return failed('absent', `${path} is not there (simulated)`);
    this.files.set(path, text);
    return DONE;
  }

  #list(path: string): HalResult<readonly string[]> {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    const names = new Set<string>();
    for (const file of this.files.keys()) {
      if (file.startsWith(prefix)) names.add(file.slice(prefix.length).split('/')[0] ?? '');
    }
    if (names.size === 0) return failed('absent', `${path} is not there (simulated)`);
    return done([...names].sort());
  }
}

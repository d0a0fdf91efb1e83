/**
 * A process gives up, for good, what it does not need: new files to write, the network, other
 * processes, devices; then opening anything at all. For children that work on what others send.
 * Bound are all threads of the process.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import type { Libc } from '../hal/native/libc.ts';
import type { SystemResult } from '../hal/native/libc.ts';
import type { Stage } from './confine-filter.ts';
import { filterOf } from './confine-filter.ts';

// asm-generic/resource.h
const RLIMIT_FSIZE = 1;
const RLIMIT_CORE = 4;

/**
 * Null: confined. Text: why not; what could be given up is given up. The stage `computing` follows
 * `loading`, never the other way round.
 */
export function confine(
  stage: Stage,
  libc: Libc,
  { pid, arch }: { readonly pid: number; readonly arch: string },
): string | null {
  if (arch !== 'x64' && arch !== 'arm64') return `no filter for ${arch}`;
  const failure = (what: string, result: SystemResult): string | null =>
    result.ok && result.value === 0 ? null : `${what}: ${result.ok ? 'a thread' : result.code}`;
  const troubles =
    stage === 'loading'
      ? [
          failure('RLIMIT_FSIZE', libc.limitResource(RLIMIT_FSIZE, 0)),
          failure('RLIMIT_CORE', libc.limitResource(RLIMIT_CORE, 0)),
          failure('no_new_privs', libc.setNoNewPrivileges()),
        ]
      : [];
  // Node would end at its next turn: libuv asks its ring there, and takes a refusal for a bug.
  if (hasRing()) troubles.push(RING);
  else troubles.push(failure('seccomp', libc.filterSystemCalls(filterOf(stage, arch, pid))));
  const told = troubles.filter((one) => one !== null);
  return told.length === 0 ? null : told.join(', ');
}

const RING =
  'no filter: this Node keeps an io_uring, which needs what the filter takes away; forbid ' +
  'io_uring_setup to it (the unit does), or: sysctl kernel.io_uring_disabled=2';

/** Node 22 and newer open one at the start, where they may; without it they use epoll alone. */
export function hasRing(): boolean {
  const folder = '/proc/self/fd';
  return readdirSync(folder).some((name) => {
    try {
      return readlinkSync(`${folder}/${name}`) === 'anon_inode:[io_uring]';
    } catch {
      return false; // the descriptor of this very listing is gone already
    }
  });
}

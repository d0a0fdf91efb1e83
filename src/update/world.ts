/** What updates touch outside of this process; tests bring a folder and a small supervisor. */
import { join } from 'node:path';
import type { Clock, Random } from '../domain/ports.ts';
import type { Looked } from './look.ts';

export interface Ran {
  /** Null: it was ended, or did not start. */
  readonly code: number | null;
  /** The end of what it said, for people. */
  readonly said: string;
}

export interface UpdateWorld {
  readonly clock: Clock;
  readonly random: Random;
  /** Of this process, for the locks. */
  readonly pid: number;
  /** What stands before all paths; empty on a unit. */
  readonly root: string;
  /** Of this machine, as in `process.arch`. */
  readonly arch: string;
  /** The present wall time as ISO 8601 in UTC. */
  readonly wallTime: () => string;
  /** For people who watch: one line. */
  readonly say: (line: string) => void;
  /** How the running appliance is. Never rejects. */
  readonly look: () => Promise<Looked>;
  /** Ends the running appliance and has it started by the launcher. @throws Refused */
  readonly restart: () => Promise<void>;
  /** Runs a program of a new release as the appliance's own user. Never rejects. */
  readonly tryOut: (program: string, args: readonly string[]) => Promise<Ran>;
  readonly freeBytes: (folder: string) => Promise<number>;
  /** Tells a boot loader with two systems that this one is good; null: there is none. */
  readonly markGood: (() => Promise<Ran>) | null;
  /** Told after each step that a cut of the power may follow. */
  readonly onStep: (name: string) => void;
}

/** From the appliance's configuration. */
export interface UpdateTerms {
  readonly enabled: boolean;
  readonly probationMs: number;
  readonly steadyMs: number;
  /** How long an update waits for a moment at which nobody is in danger. */
  readonly waitMs: number;
}

export interface UpdatePaths {
  /** The release of the package. */
  readonly factory: string;
  readonly releases: string;
  /** What the launcher notes, as the appliance's own user. */
  readonly launchNotes: string;
  readonly ownerKeys: string;
  readonly download: string;
  readonly config: string;
}

export function pathsOf(root: string): UpdatePaths {
  const releases = join(root, '/var/lib/embereye-releases');
  return {
    factory: join(root, '/opt/embereye'),
    releases,
    launchNotes: join(root, '/var/lib/embereye/launch'),
    ownerKeys: join(root, '/etc/embereye/release-keys'),
    download: join(releases, 'download'),
    config: join(root, '/etc/embereye/appliance.yaml'),
  };
}

/** A machine in a folder: package, slots, configuration, and a unit that only tells how it is. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sightOf } from '../../src/update/look.ts';
import type { Looked } from '../../src/update/look.ts';
import { run } from '../../src/update/real-world.ts';
import type { UpdateState } from '../../src/update/state.ts';
import { readState } from '../../src/update/state-file.ts';
import type { UpdateOrder } from '../../src/update/updater.ts';
import type { UpdateTerms, UpdateWorld } from '../../src/update/world.ts';
import { pathsOf } from '../../src/update/world.ts';
import { freeBytes } from '../../src/update/unpack.ts';
import { ManualClock, seededRandom } from '../hal/manual-clock.ts';
import { ARCH, SigningKey, writeTree } from './releases.ts';

export const TERMS: UpdateTerms = {
  ...{ enabled: true, probationMs: 60_000, steadyMs: 10_000, waitMs: 30_000 },
};

/** A whole state as a unit tells it; nothing is wrong with it. */
export function quietState(version: string, more: object = {}, unit: object = {}): unknown {
  const lists = { zones: [], sources: [], faults: [], supervisory: [], delayed: [] };
  return {
    ...{ monotonicMs: 1, condition: 'normal', outputs: {}, maintenanceUntilMs: null },
    ...{ ...lists, disabledSensors: [], disabledOutputs: [] },
    ...more,
    unit: { version, bootId: 'boot-1', healthy: true, brokers: [], ...unit },
  };
}

export function seen(version: string, more: object = {}, unit: object = {}): Looked {
  const sight = sightOf(quietState(version, more, unit));
  if (sight === null) throw new Error('the state of the test is none');
  return { kind: 'seen', sight };
}

/** In memory where programs may be started there: a flush then costs nothing. */
function scratch(): string {
  const parent = [MEMORY, tmpdir()].find((folder) => {
    const probe = join(folder, `embereye-exec-${process.pid}`);
    try {
      writeFileSync(probe, '#!/bin/sh\n', { mode: 0o755 });
      return spawnSync(probe).status === 0;
    } catch {
      return false; // there is no such folder
    } finally {
      rmSync(probe, { force: true });
    }
  });
  return mkdtempSync(join(parent ?? tmpdir(), 'embereye-update-'));
}

const MEMORY = '/dev/shm';

export class Site {
  readonly root = scratch();
  readonly out = join(this.root, 'outside');
  readonly key = new SigningKey();
  readonly paths = pathsOf(this.root);
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  readonly steps: string[] = [];
  restarts = 0;
  looked: () => Looked = () => seen('1.0.0');
  onStep: (name: string) => void = () => undefined;
  free: number | null = null;

  constructor(version = '1.0.0') {
    for (const folder of [this.out, this.paths.factory, join(this.root, 'etc/embereye')]) {
      mkdirSync(folder, { recursive: true });
    }
    writeTree(this.paths.factory, { version, key: this.key });
    writeFileSync(this.paths.config, '{}\n');
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  get state(): UpdateState | null {
    return readState(this.paths.releases);
  }

  get phases(): readonly string[] {
    return (this.state?.history ?? []).map(({ phase, version }) => `${phase} ${version}`);
  }

  note(name: string, text: string): void {
    mkdirSync(this.paths.launchNotes, { recursive: true });
    writeFileSync(join(this.paths.launchNotes, name), text);
  }

  noted(name: string): string {
    return readFileSync(join(this.paths.launchNotes, name), 'utf8');
  }

  order(from: string, more: Partial<UpdateOrder> = {}): UpdateOrder {
    const who = { origin: 'cli:root', requestId: 'r-1', isTold: false };
    return { from, allowDowngrade: false, ...who, ...more };
  }

  world(more: Partial<UpdateWorld> = {}): UpdateWorld {
    return {
      ...{ clock: this.clock, random: seededRandom(this.steps.length + 7), root: this.root },
      ...{ arch: ARCH, pid: process.pid, markGood: null },
      wallTime: () => '2026-11-23T04:00:00.000Z',
      say: (line) => void this.said.push(line),
      look: () => Promise.resolve(this.looked()),
      restart: () => {
        this.restarts += 1;
        return Promise.resolve();
      },
      tryOut: (program, args) => run(program, args, 20_000),
      freeBytes: (folder) => (this.free === null ? freeBytes(folder) : Promise.resolve(this.free)),
      onStep: (name) => {
        this.steps.push(name);
        this.onStep(name);
      },
      ...more,
    };
  }
}

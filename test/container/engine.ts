/**
 * As much of an engine as the checks need: containers that crun starts as docker-compose.yml says, with
 * volumes that are filled and kept as an engine does it. Needs root.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../arm64/host.ts';
import { Child, type Ended, eventually } from '../e2e/processes.ts';
import type { Compose, ImageConfig, Service } from './compose.ts';
import { containerOf, processOf } from './compose.ts';
import { identityIn } from './image.ts';

/**
 * crun refuses a machine whose control groups are of both versions. It needs none of them here, so it
 * sees, in a mount namespace of its own, version 2 alone.
 */
const CRUN = 'mount -t cgroup2 none /sys/fs/cgroup && exec crun --cgroup-manager=disabled "$@"';
const crunArguments = (root: string, args: readonly string[]): readonly string[] => [
  ...['--mount', 'sh', '-c', CRUN, 'crun', '--root', root],
  ...args,
];

export interface OneProcess {
  /** As this machine counts it. */
  readonly pid: number;
  readonly command: string;
  /** Fields of /proc/PID/status. */
  readonly status: ReadonlyMap<string, string>;
}

export interface Answer {
  readonly code: number;
  readonly out: string;
}

type Exec = (args: readonly string[], user?: string) => Answer;

/** One container that runs, or has ended. */
export class Container {
  readonly child: Child;
  readonly #pidFile: string;
  readonly #exec: Exec;

  constructor(child: Child, pidFile: string, exec: Exec) {
    this.child = child;
    this.#pidFile = pidFile;
    this.#exec = exec;
  }

  /** Of its first process, as this machine counts. */
  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }

  get running(): boolean {
    return this.child.running;
  }

  /** All that it has said. */
  get said(): string {
    return `${this.child.out}${this.child.err}`;
  }

  /** Runs a program in it, as `docker exec` does. @param user by default that of the service */
  run(args: readonly string[], user?: string): Answer {
    return this.#exec(args, user);
  }

  processes(): readonly OneProcess[] {
    const own = readlinkSync(`/proc/${this.pid}/ns/pid`);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          if (readlinkSync(`/proc/${name}/ns/pid`) !== own) return [];
          return [processAt(Number(name))];
        } catch {
          return []; // it has ended meanwhile
        }
      });
  }

  /** Its first process gets the signal; it then has a while. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<Ended> {
    if (this.running) process.kill(this.pid, signal);
    const late = setTimeout(() => process.kill(this.pid, 'SIGKILL'), 30_000);
    const ended = await this.child.ended;
    clearTimeout(late);
    return ended;
  }
}

function processAt(pid: number): OneProcess {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  // An emulator stands before what it runs, as its own path and that of the program.
  const command = words.slice(words[0]?.includes('qemu-') === true ? 2 : 0).join(' ');
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  const status = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  return { pid, command, status };
}

export interface EngineParts {
  /** Thrown away by whoever made it. */
  readonly folder: string;
  /** Root file system of the image. */
  readonly root: string;
  readonly image: ImageConfig;
  readonly compose: Compose;
}

export class Engine {
  readonly #parts: EngineParts;
  readonly #volumes: Record<string, string> = {};
  readonly #mounted: string[] = [];
  readonly #containers: Container[] = [];
  #started = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Where a named volume lies on this machine. */
  volume(name: string): string {
    const folder = this.#volumes[name];
    if (folder === undefined) throw new Error(`no volume is named ${name}`);
    return folder;
  }

  /** Makes the volumes: those in memory are mounted, the others get what the image has there. */
  async makeVolumes(): Promise<void> {
    const { folder, root, compose } = this.#parts;
    for (const [name, settings] of Object.entries(compose.volumes)) {
      const place = join(folder, 'volumes', name);
      this.#volumes[name] = place;
      const options = settings?.driver_opts;
      if (options === undefined) {
        const from = join(root, placeOf(compose, name));
        mkdirSync(join(folder, 'volumes'), { recursive: true });
        await runTool('cp', ['-a', from, place]);
      } else {
        mkdirSync(place, { recursive: true });
        const { type = '', device = '', o = '' } = options;
        await runTool('mount', ['-t', type, '-o', o, device, place]);
        this.#mounted.push(place);
      }
    }
  }

  /** Starts a service of docker-compose.yml, or a bare image as `docker run IMAGE ARGS` does. */
  async start(
    name: string,
    service: Service,
    environment: Readonly<Record<string, string>> = {},
    args?: readonly string[],
  ): Promise<Container> {
    const { folder, root, image } = this.#parts;
    this.#started += 1;
    const id = `${name}-${this.#started}`;
    const bundle = join(folder, 'bundles', id);
    mkdirSync(bundle, { recursive: true });
    const identityOf = (user: string) => identityIn(root, user);
    const placing = { root, image, identityOf, environment, volumes: this.#volumes };
    const settings = containerOf(service, placing, args);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(settings, null, 1));
    const state = join(folder, 'crun');
    const pidFile = join(bundle, 'pid');
    const how = ['run', '--bundle', bundle, '--pid-file', pidFile, id];
    const child = new Child('unshare', crunArguments(state, how));
    const exec = (words: readonly string[], user?: string): Answer => {
      const inside = processOf(user === undefined ? service : { ...service, user }, placing, words);
      const file = join(bundle, 'exec.json');
      writeFileSync(file, JSON.stringify(inside));
      const asked = ['exec', '--process', file, id];
      const done = spawnSync('unshare', crunArguments(state, asked), { encoding: 'utf8' });
      return { code: done.status ?? -1, out: `${done.stdout}${done.stderr}` };
    };
    const container = new Container(child, pidFile, exec);
    this.#containers.push(container);
    await eventually(
      () => `${name} starts: ${container.said}`,
      () => !child.running || (existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== ''),
    );
    return container;
  }

  /** Ends what still runs and gives back what was mounted. */
  async close(): Promise<void> {
    for (const container of this.#containers) await container.end('SIGKILL');
    for (const place of this.#mounted.splice(0)) spawnSync('umount', [place]);
  }
}

/** Where a volume appears in the containers. */
function placeOf(compose: Compose, volume: string): string {
  const all = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
  const found = all.map((text) => text.split(':')).find(([name]) => name === volume);
  if (found?.[1] === undefined) throw new Error(`nothing uses the volume ${volume}`);
  return found[1];
}

/** Writes a file into a volume, for the group of the container's user. */
export function writeInto(volume: string, name: string, text: string, gid: number): void {
  const file = join(volume, name);
  writeFileSync(file, text);
  chownSync(file, 0, gid);
  chmodSync(file, 0o640);
}

/**
 * Builds the image of this project for real: buildah, from a base that debootstrap makes and that gets
 * the name which the Dockerfile asks for, because a registry cannot be reached from everywhere.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, CannotRunHere, ROOT, runTool } from '../arm64/host.ts';
import { Child } from '../e2e/processes.ts';
import type { Identity, ImageConfig } from './compose.ts';

/** Names of one architecture in the words of Debian, of containers and of our releases. */
export interface Architecture {
  readonly debian: 'amd64' | 'arm64';
  readonly release: 'x64' | 'arm64';
}
export const ARCHITECTURES: readonly Architecture[] = [
  { debian: 'amd64', release: 'x64' },
  { debian: 'arm64', release: 'arm64' },
];

const BASE = 'docker.io/library/debian:trixie-slim';
const SUITE = 'trixie';
const MIRROR = 'http://deb.debian.org/debian';

/** The newest package of a folder; null where there is none. */
export function newestPackage(folder: string, { debian }: Architecture): string | null {
  if (!existsSync(folder)) return null;
  const files = readdirSync(folder)
    .filter((name) => name.startsWith('embereye_') && name.endsWith(`_${debian}.deb`))
    .map((name) => join(folder, name));
  const age = (file: string): number => statSync(file).mtimeMs;
  return files.sort((a, b) => age(b) - age(a))[0] ?? null;
}

/** Makes the package where there is none yet. @throws CannotRunHere where it cannot be made */
export async function packageFor(folder: string, architecture: Architecture): Promise<string> {
  const there = newestPackage(folder, architecture);
  if (there !== null) return there;
  const args = ['scripts/run.mjs', 'release', '--arch', architecture.release, '--out', folder];
  console.log(`no .deb for ${architecture.debian} in ${folder}: node ${args.join(' ')}`);
  const { code } = await new Child(process.execPath, args).ended;
  const made = newestPackage(folder, architecture);
  if (code === 0 && made !== null) return made;
  throw new CannotRunHere(`npm run release -- --arch ${architecture.release} makes no .deb`);
}

/** A store of images and containers that is thrown away. */
export class Images {
  readonly #folder: string;
  readonly #args: readonly string[];

  constructor(folder: string) {
    this.#folder = folder;
    const place = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run')];
    this.#args = [...place, '--storage-driver', 'vfs'];
  }

  buildah(args: readonly string[]): Promise<string> {
    const [verb = '', ...rest] = args;
    return runTool('buildah', [...this.#args, verb, ...rest]);
  }

  /** Debian's smallest system, as the official image that the Dockerfile names. */
  async importBase({ debian }: Architecture): Promise<void> {
    const kept = await cachedFolder(join('container', `base-${debian}`), SUITE, async (folder) => {
      const root = join(folder, 'root');
      console.log(`debootstrap ${SUITE} for ${debian}`);
      await runTool('debootstrap', ['--variant=minbase', `--arch=${debian}`, SUITE, root, MIRROR]);
      await runTool('tar', ['-C', root, '--numeric-owner', '-cf', join(folder, 'root.tar'), '.']);
      rmSync(root, { recursive: true });
    });
    const container = (await this.buildah(['from', 'scratch'])).trim();
    await this.buildah(['add', '-q', container, join(kept, 'root.tar'), '/']);
    await this.buildah(['config', '--os', 'linux', '--arch', debian, container]);
    await this.buildah(['commit', '-q', '--rm', container, BASE]);
  }

  /**
   * Builds the Dockerfile as it stands, in a context that holds this package alone.
   * @returns the image's name
   */
  async build(packageFile: string, { debian }: Architecture): Promise<string> {
    const context = join(this.#folder, `context-${debian}`);
    mkdirSync(join(context, 'out', 'release'), { recursive: true });
    for (const path of ['Dockerfile', '.dockerignore', 'container']) {
      cpSync(join(ROOT, path), join(context, path), { recursive: true });
    }
    cpSync(packageFile, join(context, 'out', 'release', packageFile.split('/').at(-1) ?? ''));
    const name = `embereye:${debian}`;
    const how = ['--isolation', 'chroot', '--pull=never', '--format', 'docker'];
    await this.buildah(['build', ...how, '--platform', `linux/${debian}`, '-t', name, context]);
    return name;
  }

  /** @returns the folder of a fresh container's root file system; the store goes with its folder. */
  async unpack(image: string): Promise<string> {
    const container = (await this.buildah(['from', '--pull=never', image])).trim();
    return (await this.buildah(['mount', container])).trim();
  }

  async configOf(image: string): Promise<ImageConfig> {
    const text = await this.buildah(['inspect', '--type', 'image', image]);
    const { Docker } = JSON.parse(text) as { Docker: { config: ImageConfig } };
    return Docker.config;
  }
}

/** A user of the image. @throws Error where it has none of that name */
export function identityIn(root: string, user: string): Identity {
  const lines = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n');
  const fields = lines.map((line) => line.split(':')).find(([name]) => name === user);
  if (fields === undefined) throw new Error(`the image has no user ${user}`);
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

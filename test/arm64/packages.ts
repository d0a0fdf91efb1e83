/** npm packages for arm64: fetched by npm, believed only when their digest is the known one. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, ROOT, runTool } from './host.ts';

export interface KnownPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-...` of the tarball, as the registry and package-lock.json give it. */
  readonly integrity: string;
}

export interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
}

/** `packages` of package-lock.json: folders relative to the project, "node_modules/...". */
export function lockedPackages(): Readonly<Record<string, LockedPackage>> {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return lock.packages;
}

/** A package of package-lock.json. @throws Error when it is not there with a digest */
export function locked(name: string): KnownPackage {
  const entry = lockedPackages()[`node_modules/${name}`];
  if (entry?.integrity === undefined) throw new Error(`${name} is not in package-lock.json`);
  return { name, version: entry.version, integrity: entry.integrity };
}

/**
 * The unpacked folder of a package, from the cache or the registry.
 * @throws Error when it cannot be fetched or is not what its digest says
 */
export async function unpackedPackage({ name, version, integrity }: KnownPackage): Promise<string> {
  const folder = await cachedFolder(
    join('packages', `${name.replaceAll('/', '+')}-${version}`),
    integrity,
    async (target) => {
      console.log(`fetching ${name}@${version}`);
      const packed = await runTool(
        'npm',
        ['pack', `${name}@${version}`, '--json', '--loglevel=error', '--pack-destination', target],
        // Elsewhere than in the project, whose .npmrc is about installing.
        { cwd: target },
      );
      const file = join(target, tarballName(packed, name));
      const digest = createHash('sha512').update(readFileSync(file)).digest('base64');
      if (`sha512-${digest}` !== integrity) {
        throw new Error(
          `${name}@${version}: the tarball has digest sha512-${digest}, not the known one`,
        );
      }
      await runTool('tar', ['-xzf', file, '-C', target, '--no-same-owner']);
      await runTool('rm', [file]);
    },
  );
  return join(folder, 'package');
}

/** `npm pack --json` answers with a list, newer ones with an object by name. */
function tarballName(answer: string, name: string): string {
  const parsed = JSON.parse(answer) as unknown;
  const list = Array.isArray(parsed) ? parsed : Object.values(parsed as object);
  const [first] = list as { filename?: string }[];
  if (first?.filename === undefined) throw new Error(`npm pack ${name} names no file: ${answer}`);
  return first.filename;
}

/** Where a release comes from: a file that somebody brought, or a server. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchFile, fetchText, releaseUrl, signatureUrl } from './download.ts';
import { Refused, wordsOf } from './refused.ts';
import type { UpdateWorld } from './world.ts';
import { pathsOf } from './world.ts';

export interface Source {
  /** For people. */
  readonly name: string;
  /** The text of the signature beside the release. @throws Refused */
  signature(): Promise<string>;
  /** A local file; fetched where it must be. @throws Refused */
  file(): Promise<string>;
  /** Whatever was fetched goes. */
  done(): void;
}

/** @param from path of a `.tar.gz`, or its URL; `<from>.minisig` lies beside it. */
export function sourceOf(from: string, world: UpdateWorld): Source {
  return /^[a-z]+:\/\//i.test(from) ? server(from, world) : local(from);
}

function local(path: string): Source {
  return {
    name: path,
    signature: () => {
      try {
        return Promise.resolve(readFileSync(`${path}.minisig`, 'utf8'));
      } catch (error) {
        const why = `${path}.minisig cannot be read: ${wordsOf(error)}`;
        const advice = 'copy the signature beside the release; unsigned ones are not installed';
        return Promise.reject(new Refused(`${why}; ${advice}`));
      }
    },
    file: () => Promise.resolve(path),
    done: () => undefined,
  };
}

function server(from: string, world: UpdateWorld): Source {
  const url = releaseUrl(from);
  const { download } = pathsOf(world.root);
  const target = join(download, 'release.tar.gz');
  return {
    name: url.href,
    signature: () => fetchText(signatureUrl(url), world),
    file: async () => {
      mkdirSync(download, { recursive: true, mode: 0o700 });
      await fetchFile(url, target, world);
      return target;
    },
    done: () => rmSync(download, { recursive: true, force: true }),
  };
}

/** Which release may be installed over which; pure. */
import type { Arch, Release } from './release-files.ts';
import { ARCHES } from './release-files.ts';
import { Refused } from './refused.ts';
import { compareVersions, isVersion } from './semver.ts';

/** What a trusted comment says of its release. */
export interface Announced {
  readonly version: string;
  readonly arch: Arch;
}

/** Of this machine and of what runs on it. */
export interface Running {
  readonly version: string;
  readonly arch: string;
  readonly databaseVersion: number;
}

const COMMENT = /^embereye (\S{1,64}) linux-([a-z0-9]{1,16})$/;

/** @throws Refused where the signature is of something else than a release. */
export function announcedIn(trustedComment: string): Announced {
  const [, version = '', named] = COMMENT.exec(trustedComment) ?? [];
  const arch = ARCHES.find((one) => one === named);
  if (!isVersion(version) || arch === undefined) {
    throw new Refused(
      `the signature is of "${trustedComment.slice(0, 100)}", which is no release of embereye: ` +
        'take the .minisig that lies beside the tarball',
    );
  }
  return { version, arch };
}

/** What can be told before the release is there. @throws Refused */
export function requireFitting(
  { version, arch }: Announced,
  running: Running,
  options: { readonly allowDowngrade: boolean; readonly wanted?: string | undefined },
): void {
  if (arch !== running.arch) {
    throw new Refused(
      `the release is for linux-${arch} and this machine is linux-${running.arch}: ` +
        `take embereye-${version}-linux-${running.arch}.tar.gz`,
    );
  }
  if (options.wanted !== undefined && options.wanted !== version) {
    throw new Refused(
      `version ${options.wanted} was asked for and the release is ${version}: name the other file`,
    );
  }
  const order = compareVersions(version, running.version);
  if (order === 0) throw new Refused(`${version} runs already: nothing is to be done`);
  if (order < 0 && !options.allowDowngrade) {
    throw new Refused(
      `${version} is older than ${running.version}, which runs: whoever is at this machine may ` +
        'install it with --allow-downgrade',
    );
  }
}

/** What only its tree tells. @throws Refused */
export function requireConsistent(release: Release, announced: Announced, running: Running): void {
  if (release.version !== announced.version || release.arch !== announced.arch) {
    throw new Refused(
      `release.json says ${release.version} linux-${release.arch} and the signature ` +
        `${announced.version} linux-${announced.arch}: build the release again`,
    );
  }
  if (release.databaseVersion === running.databaseVersion) return;
  // Whatever it would write, the release before it must read: else there is no way back.
  throw new Refused(
    `${release.version} works with databases of version ${release.databaseVersion} and ` +
      `${running.version}, which runs, with ${running.databaseVersion}: there would be no way ` +
      'back. Install it as a package (docs/updates.md)',
  );
}

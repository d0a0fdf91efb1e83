/** Where the files of a release lie in the Debian package. */
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The release itself, relative to the root. */
export const HOME = 'opt/embereye';
export const DOC = 'usr/share/doc/embereye';

/**
 * Folders of `system/` and where the system looks for what is in them. `image` is for the image
 * alone and goes nowhere.
 */
export const PLACES: Readonly<Record<string, string | null>> = {
  systemd: 'usr/lib/systemd/system',
  'systemd.conf.d': 'usr/lib/systemd/system.conf.d',
  'journald.conf.d': 'usr/lib/systemd/journald.conf.d',
  'timesyncd.conf.d': 'usr/lib/systemd/timesyncd.conf.d',
  udev: 'usr/lib/udev/rules.d',
  'sysusers.d': 'usr/lib/sysusers.d',
  'tmpfiles.d': 'usr/lib/tmpfiles.d',
  'modules-load.d': 'usr/lib/modules-load.d',
  'sysctl.d': 'usr/lib/sysctl.d',
  bin: `${HOME}/bin`,
  firewall: 'usr/lib/embereye/firewall',
  image: null,
};

/** Folders whose files are programs. */
export const PROGRAM_FOLDERS = [`${HOME}/bin`, `${HOME}/system/bin`];

/**
 * Lays `tree` out below `root`, an empty folder. Modes and times are settled afterwards.
 * @throws Error when `tree/system` holds what no place is known for
 */
export function layOut(tree: string, root: string): void {
  mkdirSync(join(root, dirname(HOME)), { recursive: true });
  // Links stay as they are: they are relative and lead to somewhere within the release.
  cpSync(tree, join(root, HOME), { recursive: true, verbatimSymlinks: true });
  const system = join(tree, 'system');
  for (const name of existsSync(system) ? readdirSync(system).sort() : []) {
    const place = PLACES[name];
    if (place === undefined) {
      throw new Error(`system/${name}: its place is not known: scripts/release/deb-layout.ts`);
    }
    if (place === null) continue;
    if (!statSync(join(system, name)).isDirectory()) throw new Error(`system/${name} is no folder`);
    mkdirSync(join(root, place), { recursive: true });
    cpSync(join(system, name), join(root, place), { recursive: true, verbatimSymlinks: true });
  }
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  // Debian's policy: links between top-level folders are absolute.
  symlinkSync(`/${HOME}/bin/embereye`, join(root, 'usr/bin/embereye'));
}

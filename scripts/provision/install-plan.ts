/** What an installation has to do on a unit, and why it must not; pure. */
import { createHash } from 'node:crypto';
import type { UnitFacts } from './install-facts.ts';

/** The package file, by its name; its content is checked on the unit. */
export interface PackageFile {
  readonly path: string;
  readonly version: string;
  readonly architecture: string;
  readonly sizeMib: number;
}

/** A file for the unit. */
export interface FileToPlace {
  readonly path: string;
  readonly mode: string;
  readonly group: 'root' | 'embereye';
  readonly content: Uint8Array;
}

export interface InstallOrder {
  readonly package: PackageFile;
  readonly config: FileToPlace;
  readonly deviceId: string;
  readonly identity: {
    readonly deviceId: string;
    readonly enrolledAt: string;
    readonly files: readonly FileToPlace[];
  } | null;
  readonly reinstall: boolean;
}

export interface InstallPlan {
  readonly installPackage: boolean;
  readonly config: FileToPlace | null;
  readonly identity: readonly FileToPlace[];
  readonly startService: boolean;
  readonly notes: readonly string[];
}

/** Installed, the package takes about four times its own size; beside it stands the download. */
const GROWTH = 4;
const SPARE_MIB = 200;
const CLOCK_LIMIT_MS = 86_400_000;
const CLOCK_NOTE_MS = 300_000;
/** Where the package was tried. */
const TRIED = ['bookworm', 'trixie'];

/** A package name as the release writes it: `embereye_1.2.3_arm64.deb`; null for another one. */
export function packageName(
  name: string,
): { readonly version: string; readonly architecture: string } | null {
  const [, version, architecture] = /^embereye_([^_/]+)_(arm64|amd64)\.deb$/.exec(name) ?? [];
  return version === undefined || architecture === undefined ? null : { version, architecture };
}

/** Why nothing may be installed there, each with its remedy; empty: it may. */
export function refusals(order: InstallOrder, facts: UnitFacts, nowMs: number): readonly string[] {
  const { package: file, identity, deviceId } = order;
  const problems: string[] = [];
  if (facts.architecture === '' || !facts.hasSystemd) {
    problems.push(
      `${facts.osName || 'this system'} has no dpkg or no systemd: take Debian or Raspberry Pi OS`,
    );
  } else if (facts.architecture !== file.architecture) {
    problems.push(wrongArchitecture(file, facts));
  }
  const need = Math.ceil(file.sizeMib * GROWTH) + SPARE_MIB;
  const wanted: readonly (readonly [where: string, free: number, need: number])[] = [
    ['/', facts.rootFreeMib, need],
    ['/var/tmp', facts.temporaryFreeMib, Math.ceil(file.sizeMib) + 10],
  ];
  for (const [where, free, least] of wanted) {
    if (free >= least) continue;
    problems.push(
      `${where} has ${free} MiB free, and ${least} are needed: sudo apt-get clean, or a larger one`,
    );
  }
  if (Math.abs(facts.nowMs - nowMs) > CLOCK_LIMIT_MS) {
    problems.push(
      `the unit takes it to be ${dayOf(facts.nowMs)}, and this machine ${dayOf(nowMs)}: no ` +
        'certificate would count; on the unit: sudo timedatectl set-ntp true, or set-time',
    );
  }
  if (identity !== null && identity.deviceId !== deviceId) {
    problems.push(
      `the identity is for "${identity.deviceId}" and the configuration for "${deviceId}": take ` +
        'the identity folder and the configuration of the same unit',
    );
  }
  if (facts.device !== null && facts.device.deviceId !== deviceId) {
    problems.push(
      `the unit is "${facts.device.deviceId}" already, and the configuration is for ` +
        `"${deviceId}": is it the right host? To make it another one: provision retire ... --wipe`,
    );
  }
  return problems;
}

function wrongArchitecture(file: PackageFile, facts: UnitFacts): string {
  const thirtyTwo = ['aarch64', 'x86_64'].includes(facts.machine)
    ? ' (its kernel has 64 bits, its programs have not)'
    : '';
  const remedy = ['arm64', 'amd64'].includes(facts.architecture)
    ? `take embereye_${file.version}_${facts.architecture}.deb`
    : 'write a 64-bit Raspberry Pi OS or Debian to its card; a Pi 1 or a first Zero cannot run it';
  return (
    `the package is for ${file.architecture} and the unit has ${facts.architecture}${thirtyTwo}: ` +
    remedy
  );
}

/** What differs from what is wanted. */
export function planInstall(order: InstallOrder, facts: UnitFacts, nowMs: number): InstallPlan {
  const differs = ({ path, content }: FileToPlace): boolean =>
    facts.sums.get(path) !== createHash('sha256').update(content).digest('hex');
  const notes: string[] = [];
  if (!TRIED.includes(facts.osRelease)) {
    notes.push(`${facts.osName || facts.osId}: not tried; the package is for ${TRIED.join(', ')}`);
  }
  if (Math.abs(facts.nowMs - nowMs) > CLOCK_NOTE_MS) {
    notes.push(`the clocks differ by ${Math.round((facts.nowMs - nowMs) / 60_000)} minutes`);
  } else if (!facts.synchronised) {
    notes.push('the clock of the unit is not synchronised: give it a time server');
  }
  const newer = isNewerOnUnit(order, facts);
  if (newer) notes.push('the identity on the unit is newer than the folder: it is left alone');
  const identity = newer ? [] : (order.identity?.files ?? []).filter(differs);
  const installPackage =
    order.reinstall || facts.halfInstalled || facts.installed !== order.package.version;
  const config = differs(order.config) ? order.config : null;
  return {
    ...{ installPackage, config, identity, notes },
    startService:
      !facts.active || !facts.enabled || installPackage || config !== null || identity.length > 0,
  };
}

/** A unit that was renewed over the network must not get its old certificate back. */
function isNewerOnUnit({ identity }: InstallOrder, { device }: UnitFacts): boolean {
  if (identity === null || device === null) return false;
  return device.deviceId === identity.deviceId && device.enrolledAt > identity.enrolledAt;
}

export function changesNothing({ installPackage, config, identity, startService }: InstallPlan) {
  return !installPackage && config === null && identity.length === 0 && !startService;
}

/** One line a step. */
export function planLines(order: InstallOrder, plan: InstallPlan, facts: UnitFacts) {
  const { version } = order.package;
  const from = facts.installed === null ? '' : ` over ${facts.installed}`;
  return [
    ...(plan.installPackage
      ? [`package: install ${version}${from}`]
      : [`package: ${version} is there`]),
    plan.config === null
      ? 'configuration: as it should be'
      : `configuration: write ${plan.config.path}`,
    ...(order.identity === null
      ? []
      : [
          plan.identity.length === 0
            ? 'identity: as it should be'
            : `identity: write ${namesOf(plan.identity)}`,
        ]),
    plan.startService ? 'service: enable and start embereye.service' : 'service: runs',
  ];
}

function namesOf(files: readonly FileToPlace[]): string {
  return files.map(({ path }) => path.split('/').at(-1)).join(', ');
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

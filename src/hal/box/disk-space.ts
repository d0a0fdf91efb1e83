/** Room for the journal: space, inodes, and whether the disk may be written at all. */
import type { KernelFiles } from '../bus-ports.ts';
import { mountOf, parseMounts } from './mounts.ts';
import type { BoxReader, BoxReport, Verdict } from './report.ts';
import { below, merged, NOTHING, shown, unreadable } from './report.ts';
import type { FileSystemSpace, StatFileSystem } from './statfs.ts';

export interface DiskLimits {
  /** Of space and of inodes. */
  readonly freePercent: number;
  readonly freeMegabytes: number;
}

const SPACE = 'free space of the disk';
const MOUNT = 'mount state of the disk';
const MEGABYTE = 1e6;
/** The disk counts as full at this part of `freeMegabytes`. */
export const FULL_PART = 0.25;
/** Free again this much above the limit. */
const HYSTERESIS_PART = 0.1;
const REMEDY = 'remove what does not belong there, lower state.maxMegabytes, or fit a larger card';

/**
 * Readings `diskFreePercent`, `diskFreeMegabytes`, `diskInodesFreePercent`; faults `diskFilling`
 * (below either limit), `diskFull`, `diskReadOnly`.
 * @param directory where the state lies
 */
export function diskSpaceReader(
  files: KernelFiles,
  statFileSystem: StatFileSystem,
  directory: string,
  limits: DiskLimits,
): BoxReader {
  return {
    name: 'disk space',
    async read() {
      const space = await statFileSystem(directory);
      const room = space.ok
        ? spaceReport(space.value, directory, limits)
        : unreadable(SPACE, space.error);
      return merged([room, await mountReport(files, directory)]);
    },
  };
}

function spaceReport(space: FileSystemSpace, directory: string, limits: DiskLimits): BoxReport {
  const { totalBytes, freeBytes, totalInodes, freeInodes } = space;
  const freeMegabytes = freeBytes / MEGABYTE;
  const freePercent = percentOf(freeBytes, totalBytes);
  const inodesPercent = percentOf(freeInodes, totalInodes);
  const fullMegabytes = limits.freeMegabytes * FULL_PART;
  const noInodes = totalInodes > 0 && freeInodes === 0;
  const filling = worst([
    below(freePercent, limits.freePercent, limits.freePercent * HYSTERESIS_PART),
    below(freeMegabytes, limits.freeMegabytes, limits.freeMegabytes * HYSTERESIS_PART),
    below(inodesPercent, limits.freePercent, limits.freePercent * HYSTERESIS_PART),
  ]);
  const full: Verdict = noInodes
    ? 'bad'
    : below(freeMegabytes, fullMegabytes, fullMegabytes * HYSTERESIS_PART);
  const inodes = totalInodes > 0 ? `, ${shown(inodesPercent)} % of inodes` : '';
  const percent = `${shown(freePercent)} %${inodes}`;
  const measured = `${directory}: ${shown(freeMegabytes)} MB free (${percent})`;
  const limit = `limits ${shown(limits.freeMegabytes)} MB, ${shown(limits.freePercent)} %`;
  const told = (verdict: Verdict, text: string) =>
    verdict === 'bad' ? `${measured}; ${text}: ${REMEDY}` : measured;
  const fullText = `full below ${shown(fullMegabytes)} MB`;
  return {
    present: [SPACE],
    readings: [
      { name: 'diskFreePercent', value: freePercent, unit: 'percent' },
      { name: 'diskFreeMegabytes', value: freeMegabytes, unit: 'megabytes' },
      ...(totalInodes > 0
        ? [{ name: 'diskInodesFreePercent', value: inodesPercent, unit: 'percent' } as const]
        : []),
    ],
    conditions: [
      { fault: 'diskFilling', verdict: filling, detail: told(filling, limit) },
      { fault: 'diskFull', verdict: full, detail: told(full, fullText) },
    ],
    unread: [],
  };
}

/** 100 where nothing is counted: nothing that could run out. */
function percentOf(part: number, whole: number): number {
  return whole > 0 ? (100 * part) / whole : 100;
}

function worst(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('bad')) return 'bad';
  return verdicts.includes('between') ? 'between' : 'good';
}

async function mountReport(files: KernelFiles, directory: string): Promise<BoxReport> {
  const text = await files.read('/proc/mounts');
  if (!text.ok) return unreadable(MOUNT, text.error);
  const mount = mountOf(parseMounts(text.value), directory);
  if (mount === null) return NOTHING;
  const where = `${directory} (${mount.device} at ${mount.point})`;
  const remedy =
    `the kernel does so after disk errors: look at dmesg, then sudo mount -o remount,rw ` +
    `${mount.point}; replace a card that does it again`;
  return {
    present: [MOUNT],
    readings: [{ name: 'diskReadOnly', value: mount.readOnly ? 1 : 0, unit: 'state' }],
    conditions: [
      {
        fault: 'diskReadOnly',
        verdict: mount.readOnly ? 'bad' : 'good',
        detail: mount.readOnly ? `${where} is read-only: ${remedy}` : `${where} can be written`,
      },
    ],
    unread: [],
  };
}

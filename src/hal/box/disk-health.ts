/**
 * How worn and how sound the disks are, as far as sysfs tells without special tools: wear of eMMC
 * (JEDEC JESD84-B51, extended CSD bytes 267..269), errors that ext4 has counted, NVMe and SCSI
 * disks that have dropped out. SD cards tell nothing of their wear.
 */
import type { KernelFiles } from '../bus-ports.ts';
import type { BoxCondition, BoxReader, BoxReading, BoxReport } from './report.ts';
import { merged, numberIn, NOTHING, unreadable } from './report.ts';

const BLOCK = '/sys/block';
const EXT4 = '/sys/fs/ext4';
/** Steps of a tenth of the guaranteed life: 0x01 is up to 10 %, 0x0A 90..100 %, 0x0B beyond. */
const WORN_AT_STEP = 0x0a;
/** Of PRE_EOL_INFO: 1 normal, 2 80 % of the spare blocks used, 3 urgent. */
const SPARES_LOW = 2;

/** Readings `diskLifeUsedPercent`, `diskErrorCount`; faults `diskWorn`, `diskErrors`. */
export function diskHealthReader(files: KernelFiles): BoxReader {
  return {
    name: 'disk health',
    async read() {
      const blocks = await files.list(BLOCK);
      if (!blocks.ok) return merged([unreadable('list of disks', blocks.error), await ext4(files)]);
      const wear = await wearOf(
        files,
        blocks.value.filter((name) => /^mmcblk\d+$/.test(name)),
      );
      const gone = await droppedOut(files, blocks.value);
      return merged([wear, gone, await ext4(files)]);
    },
  };
}

interface Wear {
  readonly disk: string;
  readonly card: string;
  readonly lifeStep: number;
  readonly sparesState: number;
}

async function wearOf(files: KernelFiles, disks: readonly string[]): Promise<BoxReport> {
  const worn: Wear[] = [];
  for (const disk of disks) {
    const wear = await readWear(files, disk);
    if (wear !== null) worn.push(wear);
  }
  const [worst] = worn.sort((a, b) => b.lifeStep - a.lifeStep || b.sparesState - a.sparesState);
  if (worst === undefined) return NOTHING;
  const lifePercent = Math.min(worst.lifeStep, 11) * 10;
  const spares = ['', '', ', 80 % of its spare blocks used', ', nearly no spare blocks left'];
  const beyond = worst.lifeStep > 10 ? 'more than 100' : `up to ${lifePercent}`;
  const measured =
    `${worst.disk} (${worst.card}) has used ${beyond} % of its life` +
    (spares[worst.sparesState] ?? '');
  const bad = worst.lifeStep >= WORN_AT_STEP || worst.sparesState >= SPARES_LOW;
  return {
    present: worn.map(({ disk }) => `wear of ${disk}`),
    readings: [{ name: 'diskLifeUsedPercent', value: lifePercent, unit: 'percent' }],
    conditions: [
      {
        fault: 'diskWorn',
        verdict: bad ? 'bad' : 'good',
        detail: bad ? `${measured}: copy it and replace it soon` : measured,
      },
    ],
    unread: [],
  };
}

/** Null for an SD card and for an eMMC that does not tell (0x00: not defined). */
async function readWear(files: KernelFiles, disk: string): Promise<Wear | null> {
  const at = (file: string) => files.read(`${BLOCK}/${disk}/device/${file}`);
  const life = await at('life_time');
  const spares = await at('pre_eol_info');
  const steps = life.ok ? bytesOf(life.value) : [];
  const [sparesState = 0] = spares.ok ? bytesOf(spares.value) : [];
  const lifeStep = Math.max(0, ...steps);
  if (lifeStep === 0 && sparesState === 0) return null;
  const name = await at('name');
  const maker = await at('oemid');
  const words = [name, maker].flatMap((read) => (read.ok ? [read.value.slice(0, 20)] : []));
  return { disk, card: words.join(', oem ') || 'no name', lifeStep, sparesState };
}

/** Hexadecimal bytes parted by blanks, as `0x01 0x02`; anything else is left out. */
function bytesOf(text: string): readonly number[] {
  return text
    .split(/\s+/)
    .filter((word) => /^0x[0-9a-f]{1,2}$/i.test(word))
    .map((word) => Number.parseInt(word, 16));
}

const OUT = ['dead', 'deleting', 'offline', 'transport-offline', 'blocked'];

/** Disks whose controller answers no more. */
async function droppedOut(files: KernelFiles, names: readonly string[]): Promise<BoxReport> {
  const disks = names.filter((name) => /^(nvme\d+n\d+|sd[a-z]+)$/.test(name));
  const conditions: BoxCondition[] = [];
  for (const disk of disks) {
    const state = await files.read(`${BLOCK}/${disk}/device/state`);
    if (!state.ok) continue;
    const out = OUT.includes(state.value);
    const remedy = 'look at its plug, its supply and dmesg; copy what can still be read';
    const detail = out
      ? `${disk} is ${state.value}: ${remedy}`
      : `${disk} is ${state.value.slice(0, 20)}`;
    conditions.push({ fault: 'diskErrors', verdict: out ? 'bad' : 'good', detail });
  }
  return { ...NOTHING, conditions };
}

/** Errors that ext4 keeps in its superblock until a file system check clears them. */
async function ext4(files: KernelFiles): Promise<BoxReport> {
  const listed = await files.list(EXT4);
  if (!listed.ok) return unreadable('error counters of ext4', listed.error);
  let total = 0;
  const present: string[] = [];
  const conditions: BoxCondition[] = [];
  for (const disk of listed.value) {
    const count = numberIn(await files.read(`${EXT4}/${disk}/errors_count`));
    if (count === null || count < 0) continue;
    present.push(`error counter of ${disk}`);
    total += count;
    const where = count === 0 ? '' : await firstError(files, disk);
    const remedy = 'restart once with fsck.mode=force in /boot/firmware/cmdline.txt';
    conditions.push({
      fault: 'diskErrors',
      verdict: count === 0 ? 'good' : 'bad',
      detail:
        count === 0
          ? `${disk}: no errors`
          : `${disk}: ${count} file system errors${where}: ${remedy}; replace a card that goes on`,
    });
  }
  const readings: BoxReading[] =
    present.length === 0 ? [] : [{ name: 'diskErrorCount', value: total, unit: 'count' }];
  return { present, readings, conditions, unread: [] };
}

/** `, the first in ext4_find_entry, 2026-11-02T08:15:00Z`: as far as the kernel tells. */
async function firstError(files: KernelFiles, disk: string): Promise<string> {
  const at = (file: string) => files.read(`${EXT4}/${disk}/${file}`);
  const func = await at('first_error_func');
  const seconds = numberIn(await at('first_error_time'));
  const inside = func.ok && /^\w{1,60}$/.test(func.value) ? `, the first in ${func.value}` : '';
  const known = seconds !== null && seconds > 0 && seconds < 8e9;
  return inside + (known ? `, ${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` : '');
}

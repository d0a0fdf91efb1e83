/**
 * What the firmware of a Raspberry Pi says about its supply and its speed. Bits of `get_throttled`
 * (Raspberry Pi documentation, "vcgencmd get_throttled"): 0 undervoltage now, 1 frequency capped,
 * 2 throttled, 3 soft temperature limit; 16..19 the same since boot.
 */
import type { KernelFiles } from '../bus-ports.ts';
import type { BoxCondition, BoxReader, BoxReport } from './report.ts';
import { merged, NOTHING, numberIn, unreadable } from './report.ts';

const PLATFORM = '/sys/devices/platform';
const HWMON = '/sys/class/hwmon';
const FLAGS = 'firmware flags of supply and speed';
const ALARM = 'supply alarm (rpi_volt)';
const SINCE_BOOT_SHIFT = 16;
const UNDERVOLTAGE = 1;

const SUPPLY_REMEDY =
  'use the supply made for this model and a short thick cable, and take loads off its USB ports';
const SPEED_REMEDY = 'better cooling, or a stronger supply where undervoltage is reported too';
const SPEED_BITS = [
  { bit: 2, means: 'the frequency is capped' },
  { bit: 4, means: 'the processor is throttled' },
  { bit: 8, means: 'the soft temperature limit is reached' },
] as const;

/** What is so now, and what has been so at some time since boot: sums of the bits 1, 2, 4 and 8. */
export interface FirmwareFlags {
  readonly now: number;
  readonly sinceBoot: number;
}

/** Hexadecimal with or without `0x`; null for anything else. */
export function parseFirmwareFlags(text: string): FirmwareFlags | null {
  const [, digits] = /^(?:0x)?([0-9a-f]{1,8})$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const bits = Number.parseInt(digits, 16);
  return { now: bits & 0xf, sinceBoot: (bits >>> SINCE_BOOT_SHIFT) & 0xf };
}

/** In words: `undervoltage`, `the processor is throttled`; empty where no bit is set. */
export function flagWords(bits: number): readonly string[] {
  const supply = (bits & UNDERVOLTAGE) === 0 ? [] : ['undervoltage'];
  return [
    ...supply,
    ...SPEED_BITS.filter(({ bit }) => (bits & bit) !== 0).map(({ means }) => means),
  ];
}

/** The flags; null on a machine without such firmware. */
export async function readFirmwareFlags(files: KernelFiles): Promise<BoxReport | FirmwareFlags> {
  // The node is `soc/soc:firmware` on models 1 to 4 and carries an address in its name on others.
  const platform = await files.list(PLATFORM);
  if (!platform.ok) return unreadable(FLAGS, platform.error);
  for (const soc of platform.value.filter((name) => /^soc\b/.test(name))) {
    const inside = await files.list(`${PLATFORM}/${soc}`);
    const nodes = inside.ok ? inside.value.filter((name) => name.endsWith(':firmware')) : [];
    for (const node of nodes) {
      const path = `${PLATFORM}/${soc}/${node}/get_throttled`;
      const text = await files.read(path);
      if (!text.ok && text.error.kind === 'absent') continue;
      if (!text.ok) return unreadable(FLAGS, text.error);
      const flags = parseFirmwareFlags(text.value);
      if (flags !== null) return flags;
      const why = `${path} says "${text.value.slice(0, 20)}": no hexadecimal number`;
      return { ...NOTHING, unread: [{ what: FLAGS, why }] };
    }
  }
  return NOTHING;
}

export function isFlags(found: BoxReport | FirmwareFlags): found is FirmwareFlags {
  return 'sinceBoot' in found;
}

/**
 * Readings `undervoltage` and `throttled`, faults of the same names. A flag "since boot" that
 * appears between two looks tells of something too short to be seen; it makes a fault as well.
 */
export function firmwareReader(files: KernelFiles): BoxReader {
  let before: FirmwareFlags | null = null;
  return {
    name: FLAGS,
    async read() {
      const flags = await readFirmwareFlags(files);
      const alarm = await supplyAlarm(files);
      if (!isFlags(flags)) return merged([flags, alarmReport(alarm, true)]);
      const fresh = before === null ? 0 : flags.sinceBoot & ~before.sinceBoot;
      before = flags;
      return merged([flagsReport(flags, fresh, alarm), alarmReport(alarm, false)]);
    },
  };
}

/** 0 or 1; null where there is no such driver. The driver remembers for about two seconds. */
async function supplyAlarm(files: KernelFiles): Promise<number | null> {
  const listed = await files.list(HWMON);
  for (const name of listed.ok ? listed.value : []) {
    const driver = await files.read(`${HWMON}/${name}/name`);
    if (!driver.ok || driver.value !== 'rpi_volt') continue;
    return numberIn(await files.read(`${HWMON}/${name}/in0_lcrit_alarm`));
  }
  return null;
}

/** @param alone whether the alarm is all there is; beside the flags it is a part of them. */
function alarmReport(alarm: number | null, alone: boolean): BoxReport {
  if (alarm === null) return NOTHING;
  if (!alone) return { ...NOTHING, present: [ALARM] };
  return {
    present: [ALARM],
    readings: [{ name: 'undervoltage', value: alarm === 0 ? 0 : 1, unit: 'state' }],
    conditions: [supplyCondition(alarm !== 0, false)],
    unread: [],
  };
}

function flagsReport(flags: FirmwareFlags, fresh: number, alarm: number | null): BoxReport {
  const low = (flags.now & UNDERVOLTAGE) !== 0 || (alarm ?? 0) !== 0;
  const slow = flags.now & ~UNDERVOLTAGE;
  const freshSlow = fresh & ~UNDERVOLTAGE;
  const words = flagWords(slow === 0 ? freshSlow : slow).join(', ');
  const when = slow === 0 ? ' (it was, since the last look)' : '';
  const bad = slow !== 0 || freshSlow !== 0;
  return {
    present: [FLAGS],
    readings: [
      { name: 'undervoltage', value: low ? 1 : 0, unit: 'state' },
      { name: 'throttled', value: slow === 0 ? 0 : 1, unit: 'state' },
    ],
    conditions: [
      supplyCondition(low, (fresh & UNDERVOLTAGE) !== 0),
      {
        fault: 'throttled',
        verdict: bad ? 'bad' : 'good',
        detail: bad ? `${words}${when}: ${SPEED_REMEDY}` : 'the processor runs at its full speed',
        immediate: slow === 0 && freshSlow !== 0,
      },
    ],
    unread: [],
  };
}

function supplyCondition(low: boolean, wasLow: boolean): BoxCondition {
  const bad = low || wasLow;
  const what = low
    ? 'the supply is below 4.63 V now'
    : 'the supply fell below 4.63 V since the last look';
  const detail = bad ? `${what}: ${SUPPLY_REMEDY}` : 'the supply is good';
  // The next thing that happens may be a reboot or a broken card: no waiting for a second look.
  return { fault: 'undervoltage', verdict: bad ? 'bad' : 'good', detail, immediate: true };
}

/**
 * Converters behind the kernel's Industrial I/O files. Source: the kernel's
 * Documentation/ABI/testing/sysfs-bus-iio: `in_<input>_raw`, `_scale`, `_offset`, each of its own
 * or shared by the type (`in_voltage_scale`); millivolts = (raw + offset) x scale. How many bits
 * there are is in `scan_elements/in_<input>_type`, `le:s16/16>>0`, for drivers with buffers.
 */
import type { KernelFiles } from '../bus-ports.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { RangeEnd } from '../channels/channel.ts';
import type { Converter, Voltage } from './sampler.ts';

export const IIO_DEVICES = '/sys/bus/iio/devices';

/** `voltage0`, or a pair `voltage0-voltage1`. */
export const IIO_INPUT = /^voltage\d{1,2}(-voltage\d{1,2})?$/;

/** Raw values at the two ends; null where nobody knows. */
export interface RawRange {
  readonly lowest: number;
  readonly highest: number;
}

/** Drivers without scan types: the driver mcp320x names its device after the chip. */
const BITS_OF_CHIP: Readonly<Record<string, number>> = {
  mcp3001: 10,
  mcp3002: 10,
  mcp3004: 10,
  mcp3008: 10,
  mcp3201: 12,
  mcp3202: 12,
  mcp3204: 12,
  mcp3208: 12,
};

/** What to do where the kernel has no such device. */
const OVERLAYS =
  'load its overlay in /boot/firmware/config.txt, for example dtoverlay=mcp3008:spi0-0-present ' +
  'or dtoverlay=ads1115,addr=0x48 with its channels, restart, and compare with ' +
  'grep . /sys/bus/iio/devices/*/name';

/** The folder of a device: as given, or the one whose file `name` holds the name. */
export async function findIioDevice(
  files: KernelFiles,
  device: string,
): Promise<HalResult<string>> {
  if (device.startsWith('/')) {
    const there = await files.list(device);
    return there.ok ? done(device) : explained(there.error.kind, there.error.message);
  }
  const entries = await files.list(IIO_DEVICES);
  if (!entries.ok) return explained(entries.error.kind, entries.error.message);
  const found: string[] = [];
  const names: string[] = [];
  for (const entry of entries.value) {
    const path = `${IIO_DEVICES}/${entry}`;
    const name = await files.read(`${path}/name`);
    const text = name.ok ? name.value.trim() : `(${name.error.message})`;
    names.push(text);
    if (text === device) found.push(path);
  }
  const [path] = found;
  if (path === undefined) {
    const there = names.length === 0 ? 'none' : names.join(', ');
    return explained('absent', `no IIO device is named "${device}" (there are: ${there})`);
  }
  if (found.length === 1) return done(path);
  const which = `${found.length} IIO devices are named "${device}": ${found.join(', ')}`;
  return failed('other', `${which}; give the path of the one below /sys/devices instead`);
}

/** Opens a converter: looks whether the files of all inputs are there. */
export async function openIio(
  files: KernelFiles,
  device: string,
  inputs: readonly string[],
): Promise<HalResult<Converter & { readonly path: string }>> {
  const found = await findIioDevice(files, device);
  if (!found.ok) return found;
  const path = found.value;
  const opened: IioInput[] = [];
  for (const input of inputs) {
    const one = await openInput(files, path, input);
    if (!one.ok) return one;
    opened.push(one.value);
  }
  return done({
    path,
    read: async (index) => {
      const input = opened[index];
      if (input === undefined) return failed('other', `there is no channel ${index}`);
      return readInput(files, input);
    },
    close: () => Promise.resolve(),
  });
}

interface IioInput {
  readonly rawPath: string;
  readonly scalePath: string;
  readonly offsetPath: string | null;
  readonly range: RawRange | null;
}

async function openInput(
  files: KernelFiles,
  path: string,
  input: string,
): Promise<HalResult<IioInput>> {
  const rawPath = `${path}/in_${input}_raw`;
  const raw = await files.read(rawPath);
  if (!raw.ok) {
    const inputs = await files.list(path);
    const there = inputs.ok ? inputs.value.filter((name) => name.endsWith('_raw')).join(', ') : '';
    const has = there === '' ? '' : ` (there are: ${there})`;
    return explained(raw.error.kind, `${raw.error.message}${has}`);
  }
  const scale = await fileOf(files, path, input, 'scale');
  if (!scale.ok) return scale;
  if (scale.value === null) {
    return failed('absent', `${path} has no scale for ${input}: its driver gives no volts`);
  }
  const offset = await fileOf(files, path, input, 'offset');
  if (!offset.ok) return offset;
  const range = await rangeOf(files, path, input);
  return done({ rawPath, scalePath: scale.value, offsetPath: offset.value, range });
}

/** The file of one input, or the one that its type shares; null where there is neither. */
async function fileOf(
  files: KernelFiles,
  path: string,
  input: string,
  what: string,
): Promise<HalResult<string | null>> {
  const shared = input.includes('-') ? 'voltage-voltage' : 'voltage';
  for (const name of [`in_${input}_${what}`, `in_${shared}_${what}`]) {
    const content = await files.read(`${path}/${name}`);
    if (content.ok) return done(`${path}/${name}`);
    if (content.error.kind !== 'absent') {
      return explained(content.error.kind, content.error.message);
    }
  }
  return done(null);
}

/** From the scan type where there is one, else from the name of the chip. */
async function rangeOf(files: KernelFiles, path: string, input: string): Promise<RawRange | null> {
  const type = await files.read(`${path}/scan_elements/in_${input}_type`);
  const scan = type.ok ? parseScanType(type.value) : null;
  if (scan !== null) return scan;
  const name = await files.read(`${path}/name`);
  const bits = name.ok ? BITS_OF_CHIP[name.value.trim()] : undefined;
  return bits === undefined ? null : { lowest: 0, highest: 2 ** bits - 1 };
}

/** `le:s12/16>>4`: 12 bits with sign. */
export function parseScanType(type: string): RawRange | null {
  const [, sign, digits] = /^[bl]e:([su])(\d{1,2})\/\d+(?:X\d+)?>>\d+$/.exec(type.trim()) ?? [];
  const bits = Number(digits);
  if (sign === undefined || !(bits >= 1 && bits <= 32)) return null;
  return sign === 's'
    ? { lowest: -(2 ** (bits - 1)), highest: 2 ** (bits - 1) - 1 }
    : { lowest: 0, highest: 2 ** bits - 1 };
}

/** Scale and offset are read each time: another program may change the range of the chip. */
async function readInput(files: KernelFiles, input: IioInput): Promise<HalResult<Voltage>> {
  const raw = await readNumber(files, input.rawPath, /^-?\d{1,10}$/);
  if (!raw.ok) return raw;
  const scale = await readNumber(files, input.scalePath, /^\d+(\.\d+)?$/);
  if (!scale.ok) return scale;
  const offset =
    input.offsetPath === null
      ? done(0)
      : await readNumber(files, input.offsetPath, /^-?\d+(\.\d+)?$/);
  if (!offset.ok) return offset;
  if (scale.value === 0) return failed('corrupt', `${input.scalePath} is 0`);
  const volts = ((raw.value + offset.value) * scale.value) / 1000;
  return done({ volts, end: endOf(raw.value, input.range) });
}

function endOf(raw: number, range: RawRange | null): RangeEnd {
  if (range === null) return 'within';
  if (raw >= range.highest) return 'high';
  return raw <= range.lowest ? 'low' : 'within';
}

async function readNumber(
  files: KernelFiles,
  path: string,
  pattern: RegExp,
): Promise<HalResult<number>> {
  const content = await files.read(path);
  if (!content.ok) return explained(content.error.kind, content.error.message);
  const trimmed = content.value.trim();
  if (pattern.test(trimmed)) return done(Number(trimmed));
  return failed('corrupt', `${path} holds "${trimmed.slice(0, 40)}", which is no number`);
}

function explained(kind: Parameters<typeof failed>[0], message: string): ReturnType<typeof failed> {
  if (kind === 'absent') return failed(kind, `${message}; ${OVERLAYS}`);
  if (kind === 'permission') {
    const rule = 'KERNEL=="iio:device*", SUBSYSTEM=="iio", GROUP="embereye"';
    return failed(kind, `${message}; let the group of the service read it: udev rule ${rule}`);
  }
  return failed(kind, message);
}

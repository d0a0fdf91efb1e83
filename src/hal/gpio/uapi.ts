/**
 * The GPIO character device's structures, version 2 of its interface (linux/gpio.h, kernel 5.10 and
 * later), one line per request. Little-endian, as every machine that is served here.
 */
import type { LineBias } from '../ports.ts';

/** Request numbers of ioctl. */
export const GPIO = {
  chipInfo: 0x8044b401,
  lineInfo: 0xc100b405,
  lineRequest: 0xc250b407,
  setConfig: 0xc110b40d,
  getValues: 0xc010b40e,
  setValues: 0xc010b40f,
} as const;

export const CHIP_INFO_BYTES = 68;
export const LINE_INFO_BYTES = 256;
export const LINE_REQUEST_BYTES = 592;
export const LINE_CONFIG_BYTES = 272;

/** Names and labels, with the NUL that ends them. */
const NAME_BYTES = 32;

/** `enum gpio_v2_line_flag`. */
const FLAG = {
  used: 1n << 0n,
  activeLow: 1n << 1n,
  input: 1n << 2n,
  output: 1n << 3n,
  edgeRising: 1n << 4n,
  edgeFalling: 1n << 5n,
  biasPullUp: 1n << 8n,
  biasPullDown: 1n << 9n,
  biasDisabled: 1n << 10n,
} as const;

const BIAS_FLAG: Readonly<Record<LineBias, bigint>> = {
  asIs: 0n,
  pullUp: FLAG.biasPullUp,
  pullDown: FLAG.biasPullDown,
  disabled: FLAG.biasDisabled,
};

/** `enum gpio_v2_line_attr_id`. */
const ATTR_OUTPUT_VALUES = 2;
const ATTR_DEBOUNCE = 3;
/** `struct gpio_v2_line_config_attribute` and where its parts are. */
const CONFIG_ATTR_BYTES = 24;
const ATTR_VALUE_AT = 8;
const ATTR_MASK_AT = 16;
const CONFIG_ATTRS_AT = 32;
const MOST_ATTRS = 10;
/** The only line of a request. */
const FIRST_LINE = 1n;

const REQUEST = { consumer: 256, config: 288, lines: 560, eventBuffer: 564, descriptor: 588 };
const INFO = { consumer: 32, offset: 64, attrs: 68, flags: 72, attrList: 80 };
const INFO_ATTR_BYTES = 16;

export interface ChipInfo {
  /** The kernel's name, `gpiochip0`: differs from start to start. */
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

export function encodeChipInfo({ name, label, lines }: ChipInfo): Buffer {
  const bytes = Buffer.alloc(CHIP_INFO_BYTES);
  writeName(bytes, 0, name);
  writeName(bytes, NAME_BYTES, label);
  bytes.writeUInt32LE(lines, 2 * NAME_BYTES);
  return bytes;
}

export function decodeChipInfo(bytes: Buffer): ChipInfo {
  return {
    name: readName(bytes, 0),
    label: readName(bytes, NAME_BYTES),
    lines: bytes.readUInt32LE(2 * NAME_BYTES),
  };
}

export interface LineInfo {
  readonly offset: number;
  /** Empty where the chip names no lines. */
  readonly name: string;
  /** Who holds the line; may be empty although it is used. */
  readonly consumer: string;
  readonly used: boolean;
  readonly direction: 'in' | 'out';
  readonly activeLow: boolean;
  readonly bias: LineBias;
  /** Both of them. */
  readonly edges: boolean;
  /** The kernel's own debounce, null without. */
  readonly debounceUs: number | null;
}

export function encodeLineInfoQuery(offset: number): Buffer {
  const bytes = Buffer.alloc(LINE_INFO_BYTES);
  bytes.writeUInt32LE(offset, INFO.offset);
  return bytes;
}

export function encodeLineInfo(info: LineInfo): Buffer {
  const bytes = encodeLineInfoQuery(info.offset);
  writeName(bytes, 0, info.name);
  writeName(bytes, INFO.consumer, info.consumer);
  const used = info.used ? FLAG.used : 0n;
  const activeLow = info.activeLow ? FLAG.activeLow : 0n;
  bytes.writeBigUInt64LE(flagsOf(info) | used | activeLow, INFO.flags);
  if (info.debounceUs !== null) {
    bytes.writeUInt32LE(1, INFO.attrs);
    bytes.writeUInt32LE(ATTR_DEBOUNCE, INFO.attrList);
    bytes.writeUInt32LE(info.debounceUs, INFO.attrList + ATTR_VALUE_AT);
  }
  return bytes;
}

export function decodeLineInfo(bytes: Buffer): LineInfo {
  const flags = bytes.readBigUInt64LE(INFO.flags);
  let debounceUs: number | null = null;
  const attrs = Math.min(bytes.readUInt32LE(INFO.attrs), MOST_ATTRS);
  for (let i = 0; i < attrs; i++) {
    const at = INFO.attrList + i * INFO_ATTR_BYTES;
    const value = at + ATTR_VALUE_AT;
    if (bytes.readUInt32LE(at) === ATTR_DEBOUNCE) debounceUs = bytes.readUInt32LE(value);
  }
  return {
    offset: bytes.readUInt32LE(INFO.offset),
    name: readName(bytes, 0),
    consumer: readName(bytes, INFO.consumer),
    used: (flags & FLAG.used) !== 0n,
    activeLow: (flags & FLAG.activeLow) !== 0n,
    debounceUs,
    ...settingsOf(flags),
  };
}

/** How a line is set up; its levels are electrical, because `activeLow` is never asked for. */
export interface LineSettings {
  readonly direction: 'in' | 'out';
  readonly bias: LineBias;
  /** Events on both edges, inputs only. */
  readonly edges: boolean;
  /** Level from the first moment on, outputs only; null: none is given. */
  readonly high: boolean | null;
  /** The kernel's own debounce, inputs only; null: none. */
  readonly debounceUs: number | null;
}

export function encodeLineConfig(settings: LineSettings): Buffer {
  const bytes = Buffer.alloc(LINE_CONFIG_BYTES);
  bytes.writeBigUInt64LE(flagsOf(settings), 0);
  let attrs = 0;
  const attribute = (id: number, value: number): void => {
    const at = CONFIG_ATTRS_AT + attrs * CONFIG_ATTR_BYTES;
    bytes.writeUInt32LE(id, at);
    bytes.writeUInt32LE(value, at + ATTR_VALUE_AT);
    bytes.writeBigUInt64LE(FIRST_LINE, at + ATTR_MASK_AT);
    attrs += 1;
  };
  if (settings.high !== null) attribute(ATTR_OUTPUT_VALUES, settings.high ? 1 : 0);
  if (settings.debounceUs !== null) attribute(ATTR_DEBOUNCE, settings.debounceUs);
  bytes.writeUInt32LE(attrs, 8);
  return bytes;
}

export function decodeLineConfig(bytes: Buffer): LineSettings {
  let high: boolean | null = null;
  let debounceUs: number | null = null;
  const attrs = Math.min(bytes.readUInt32LE(8), MOST_ATTRS);
  for (let i = 0; i < attrs; i++) {
    const at = CONFIG_ATTRS_AT + i * CONFIG_ATTR_BYTES;
    if ((bytes.readBigUInt64LE(at + ATTR_MASK_AT) & FIRST_LINE) === 0n) continue;
    const id = bytes.readUInt32LE(at);
    const value = bytes.readUInt32LE(at + ATTR_VALUE_AT);
    if (id === ATTR_OUTPUT_VALUES) high = (value & 1) === 1;
    if (id === ATTR_DEBOUNCE) debounceUs = value;
  }
  return { ...settingsOf(bytes.readBigUInt64LE(0)), high, debounceUs };
}

export interface LineRequest {
  readonly offset: number;
  /** Shown to others who want the line; cut to 31 bytes. */
  readonly consumer: string;
  readonly settings: LineSettings;
  /** Events that the kernel keeps at least; 0 takes its default of 16. */
  readonly eventBuffer: number;
}

export function encodeLineRequest(request: LineRequest): Buffer {
  const bytes = Buffer.alloc(LINE_REQUEST_BYTES);
  bytes.writeUInt32LE(request.offset, 0);
  writeName(bytes, REQUEST.consumer, request.consumer);
  encodeLineConfig(request.settings).copy(bytes, REQUEST.config);
  bytes.writeUInt32LE(1, REQUEST.lines);
  bytes.writeUInt32LE(request.eventBuffer, REQUEST.eventBuffer);
  return bytes;
}

export function decodeLineRequest(bytes: Buffer): LineRequest {
  return {
    offset: bytes.readUInt32LE(0),
    consumer: readName(bytes, REQUEST.consumer),
    settings: decodeLineConfig(bytes.subarray(REQUEST.config, REQUEST.lines)),
    eventBuffer: bytes.readUInt32LE(REQUEST.eventBuffer),
  };
}

/** The line's own descriptor, which the kernel has written into the request. */
export function requestedDescriptor(bytes: Buffer): number {
  return bytes.readInt32LE(REQUEST.descriptor);
}

/** For a kernel that is a model. */
export function writeRequestedDescriptor(bytes: Buffer, descriptor: number): void {
  bytes.writeInt32LE(descriptor, REQUEST.descriptor);
}

interface FlaggedSettings {
  readonly direction: 'in' | 'out';
  readonly bias: LineBias;
  readonly edges: boolean;
}

function flagsOf({ direction, bias, edges }: FlaggedSettings): bigint {
  const side = direction === 'out' ? FLAG.output : FLAG.input;
  return side | BIAS_FLAG[bias] | (edges ? FLAG.edgeRising | FLAG.edgeFalling : 0n);
}

function settingsOf(flags: bigint): FlaggedSettings {
  const both = FLAG.edgeRising | FLAG.edgeFalling;
  return {
    direction: (flags & FLAG.output) === 0n ? 'in' : 'out',
    bias: biasOf(flags),
    edges: (flags & both) === both,
  };
}

function biasOf(flags: bigint): LineBias {
  if ((flags & FLAG.biasPullUp) !== 0n) return 'pullUp';
  if ((flags & FLAG.biasPullDown) !== 0n) return 'pullDown';
  return (flags & FLAG.biasDisabled) === 0n ? 'asIs' : 'disabled';
}

function writeName(bytes: Buffer, at: number, name: string): void {
  bytes.write(name, at, NAME_BYTES - 1, 'utf8');
}

function readName(bytes: Buffer, at: number): string {
  const field = bytes.subarray(at, at + NAME_BYTES);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? NAME_BYTES : end);
}

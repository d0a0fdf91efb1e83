/**
 * Reads what the dynamic linker reads of a program or library: for which machine it is, which
 * libraries and symbol versions it wants, how its segments are aligned. Structures as in the
 * System V ABI (Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn) and the Linux Standard Base (Elf64_Verneed).
 */

export interface ElfFacts {
  /** `e_machine`: 183 arm64, 62 x64. */
  readonly machine: number;
  /** Smallest alignment of a loaded segment, in bytes. */
  readonly alignmentBytes: number;
  /** Libraries by name, sorted. */
  readonly needed: readonly string[];
  /** Where it looks for them first, as written; null where it does not say. */
  readonly runPath: string | null;
  /** Versions of symbols, such as "GLIBC_2.34", sorted. */
  readonly symbolVersions: readonly string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT = { needed: 1, strtab: 5, rpath: 15, runpath: 29 };
const DT_VERNEED = 0x6ffffffe;
const DT_VERNEEDNUM = 0x6fffffff;
const PHDR_BYTES = 56;
const DYN_BYTES = 16;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileBytes: number;
  readonly alignment: number;
}

export function isElf(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.readUInt32BE(0) === 0x7f454c46;
}

/** @throws Error when it is no whole 64-bit little-endian ELF file with a dynamic section */
export function readElf(bytes: Buffer): ElfFacts {
  if (!isElf(bytes)) throw new Error('no ELF file');
  if (bytes[4] !== 2 || bytes[5] !== 1) throw new Error('not a 64-bit little-endian ELF file');
  const segments = segmentsOf(bytes);
  const loaded = segments.filter(({ type }) => type === PT_LOAD);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (loaded.length === 0 || dynamic === undefined) throw new Error('nothing for a dynamic linker');
  const entries = dynamicEntries(bytes, dynamic);
  const one = (tag: number): number | undefined => entries.find(([t]) => t === tag)?.[1];
  const strings = offsetOf(one(DT.strtab) ?? -1, loaded);
  const text = (at: number): string => {
    const end = bytes.indexOf(0, strings + at);
    return bytes.toString('utf8', strings + at, end);
  };
  const needed = entries.filter(([tag]) => tag === DT.needed).map(([, at]) => text(at));
  const runPath = one(DT.runpath) ?? one(DT.rpath);
  const verneed = one(DT_VERNEED);
  const versions =
    verneed === undefined
      ? []
      : versionsAt(bytes, offsetOf(verneed, loaded), one(DT_VERNEEDNUM) ?? 0).map(text);
  return {
    machine: bytes.readUInt16LE(18),
    alignmentBytes: Math.min(...loaded.map(({ alignment }) => alignment)),
    needed: needed.sort(),
    runPath: runPath === undefined ? null : text(runPath),
    symbolVersions: [...new Set(versions)].sort(compareVersions),
  };
}

function segmentsOf(bytes: Buffer): readonly Segment[] {
  const table = Number(bytes.readBigUInt64LE(32));
  const count = bytes.readUInt16LE(56);
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * PHDR_BYTES;
    return {
      type: bytes.readUInt32LE(at),
      offset: Number(bytes.readBigUInt64LE(at + 8)),
      address: Number(bytes.readBigUInt64LE(at + 16)),
      fileBytes: Number(bytes.readBigUInt64LE(at + 32)),
      alignment: Number(bytes.readBigUInt64LE(at + 48)),
    };
  });
}

/** Tag and value, up to the tag that ends them. */
function dynamicEntries(bytes: Buffer, { offset, fileBytes }: Segment): [number, number][] {
  const entries: [number, number][] = [];
  for (let at = offset; at < offset + fileBytes; at += DYN_BYTES) {
    const tag = Number(bytes.readBigInt64LE(at));
    if (tag === 0) break;
    entries.push([tag, Number(bytes.readBigUInt64LE(at + 8))]);
  }
  return entries;
}

/** An address in memory as a place in the file. */
function offsetOf(address: number, loaded: readonly Segment[]): number {
  const segment = loaded.find(
    (one) => address >= one.address && address < one.address + one.fileBytes,
  );
  if (segment === undefined) throw new Error(`address ${address} is in no loaded segment`);
  return segment.offset + address - segment.address;
}

/** Places in the string table of every version that is asked for. */
function versionsAt(bytes: Buffer, start: number, count: number): number[] {
  const names: number[] = [];
  for (let i = 0, at = start; i < count; i += 1) {
    const auxiliaries = bytes.readUInt16LE(at + 2);
    for (let j = 0, aux = at + bytes.readUInt32LE(at + 8); j < auxiliaries; j += 1) {
      names.push(bytes.readUInt32LE(aux + 8));
      aux += bytes.readUInt32LE(aux + 12);
    }
    at += bytes.readUInt32LE(at + 12);
  }
  return names;
}

/** "GLIBC_2.9" before "GLIBC_2.34": numbers as numbers. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split(/[._]/), b.split(/[._]/)];
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const [x = '', y = ''] = [left[i], right[i]];
    const numeric = /^\d+$/.test(x) && /^\d+$/.test(y);
    const order = numeric ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}

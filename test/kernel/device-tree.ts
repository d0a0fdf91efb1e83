/** Adds to a flattened device tree what a board's own would have (devicetree.org, chapter 5). */

const MAGIC = 0xd00dfeed;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const HEADER_BYTES = 40;
/** Of the header's words. */
const AT = { struct: 8, strings: 12, reserved: 16, stringsBytes: 32, structBytes: 36 } as const;

/** A property's value: text (one or several strings), cells, or nothing. */
export type Value = readonly string[] | readonly number[];

export interface NodeAddition {
  readonly properties: Readonly<Record<string, Value>>;
  readonly nodes: Readonly<Record<string, Readonly<Record<string, Value>>>>;
}

/**
 * The tree with `addition` in the first node whose name starts with `prefix`, for example `pl061@`.
 * @throws Error when there is no such node, or this is no device tree
 */
export function withNodeAddition(tree: Buffer, prefix: string, addition: NodeAddition): Buffer {
  if (tree.readUInt32BE(0) !== MAGIC) throw new Error('this is no device tree');
  const struct = block(tree, AT.struct, tree.readUInt32BE(AT.structBytes));
  const strings = block(tree, AT.strings, tree.readUInt32BE(AT.stringsBytes));
  const reserved = reservations(tree);
  const writer = new Writer(strings);
  const { propertiesAt, endAt } = findNode(struct, prefix);
  const newStruct = Buffer.concat([
    struct.subarray(0, propertiesAt),
    ...Object.entries(addition.properties).map(([name, value]) => writer.property(name, value)),
    struct.subarray(propertiesAt, endAt),
    ...Object.entries(addition.nodes).map(([name, properties]) => writer.node(name, properties)),
    struct.subarray(endAt),
  ]);
  const newStrings = writer.strings();
  const header = Buffer.from(tree.subarray(0, HEADER_BYTES));
  const structAt = HEADER_BYTES + reserved.length;
  const stringsAt = structAt + newStruct.length;
  header.writeUInt32BE(stringsAt + newStrings.length, 4);
  header.writeUInt32BE(structAt, AT.struct);
  header.writeUInt32BE(stringsAt, AT.strings);
  header.writeUInt32BE(HEADER_BYTES, AT.reserved);
  header.writeUInt32BE(newStrings.length, AT.stringsBytes);
  header.writeUInt32BE(newStruct.length, AT.structBytes);
  return Buffer.concat([header, reserved, newStruct, newStrings]);
}

function block(tree: Buffer, at: number, bytes: number): Buffer {
  const start = tree.readUInt32BE(at);
  return tree.subarray(start, start + bytes);
}

/** Memory that must not be used: pairs of 64-bit words, the last one zero. */
function reservations(tree: Buffer): Buffer {
  const start = tree.readUInt32BE(AT.reserved);
  let end = start;
  while (tree.readBigUInt64BE(end) !== 0n || tree.readBigUInt64BE(end + 8) !== 0n) end += 16;
  return tree.subarray(start, end + 16);
}

const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;

/** Where a node's properties begin, and where it ends. */
function findNode(struct: Buffer, prefix: string): { propertiesAt: number; endAt: number } {
  let depth = 0;
  let propertiesAt: number | null = null;
  let nodeDepth = 0;
  for (let at = 0; at < struct.length;) {
    const token = struct.readUInt32BE(at);
    if (token === BEGIN_NODE) {
      depth += 1;
      const nameEnd = struct.indexOf(0, at + 4);
      const name = struct.toString('latin1', at + 4, nameEnd);
      at = padded(nameEnd + 1);
      if (propertiesAt === null && name.startsWith(prefix)) {
        propertiesAt = at;
        nodeDepth = depth;
      }
    } else if (token === END_NODE) {
      if (propertiesAt !== null && depth === nodeDepth) return { propertiesAt, endAt: at };
      depth -= 1;
      at += 4;
    } else if (token === PROP) {
      at = padded(at + 12 + struct.readUInt32BE(at + 4));
    } else if (token === NOP) {
      at += 4;
    } else break;
  }
  throw new Error(`the device tree has no node ${prefix}...`);
}

class Writer {
  #strings: Buffer;

  constructor(strings: Buffer) {
    this.#strings = strings;
  }

  strings(): Buffer {
    return this.#strings;
  }

  property(name: string, value: Value): Buffer {
    const bytes = encoded(value);
    const result = Buffer.alloc(padded(12 + bytes.length));
    result.writeUInt32BE(PROP, 0);
    result.writeUInt32BE(bytes.length, 4);
    result.writeUInt32BE(this.#nameAt(name), 8);
    bytes.copy(result, 12);
    return result;
  }

  node(name: string, properties: Readonly<Record<string, Value>>): Buffer {
    const begin = Buffer.alloc(padded(4 + name.length + 1));
    begin.writeUInt32BE(BEGIN_NODE, 0);
    begin.write(name, 4, 'latin1');
    const end = Buffer.alloc(4);
    end.writeUInt32BE(END_NODE, 0);
    const written = Object.entries(properties).map(([key, value]) => this.property(key, value));
    return Buffer.concat([begin, ...written, end]);
  }

  #nameAt(name: string): number {
    const at = this.#strings.length;
    this.#strings = Buffer.concat([this.#strings, Buffer.from(`${name}\0`, 'latin1')]);
    return at;
  }
}

function encoded(value: Value): Buffer {
  return Buffer.concat(
    value.map((part) => {
      if (typeof part === 'string') return Buffer.from(`${part}\0`, 'latin1');
      const cell = Buffer.alloc(4);
      cell.writeUInt32BE(part, 0);
      return cell;
    }),
  );
}

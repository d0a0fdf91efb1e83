/** A recorded byte stream of a board through the real framing and radiometry: one line a frame. */
import { textOf } from '../domain/line-protocol/bytes.ts';
import { PacketScanner } from '../domain/line-protocol/framing.ts';
import type { PacketVisitor } from '../domain/line-protocol/framing.ts';
import { LocationMemo, packetKindOf, splitBlock } from '../domain/line-protocol/packets.ts';
import { decodeJsonLine } from './decode-json.ts';

/**
 * Decodes each `#frame` with the last `#EEPROM` before it. Frames that cannot be decoded get a line
 * with the reason in `status`, too; damage outside packets gets none.
 * @param write takes each output line.
 */
export async function decodeStream(
  input: AsyncIterable<unknown>,
  write: (line: string) => void,
): Promise<void> {
  const scanner = new PacketScanner();
  const visitor = new StreamDecoder(write);
  for await (const chunk of input) {
    if (chunk instanceof Uint8Array) scanner.push(chunk, visitor);
  }
  scanner.finish(visitor);
}

class StreamDecoder implements PacketVisitor {
  readonly #write: (line: string) => void;
  readonly #memo = new LocationMemo();
  #eeprom: string | null = null;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  packet(bytes: Uint8Array, start: number, end: number): void {
    const kind = packetKindOf(bytes, start, end);
    if (kind !== 'frame' && kind !== 'eeprom') return;
    const head = splitBlock(kind, bytes, start, end, this.#memo);
    if (head.error !== null) {
      if (kind === 'frame') this.#refuse(head.error, 'the head of the packet is damaged');
      return;
    }
    const data = textOf(bytes, head.data, end);
    if (kind === 'eeprom') this.#eeprom = data;
    else if (this.#eeprom === null) {
      this.#refuse('noCalibration', 'no #EEPROM before this frame: record from the start');
    } else {
      this.#write(decodeJsonLine(JSON.stringify({ eeprom: this.#eeprom, ram: unspaced(data) })));
    }
  }

  fault(fault: string, bytes: Uint8Array, start: number, end: number): void {
    if (packetKindOf(bytes, start, end) !== 'frame') return;
    this.#refuse(fault, `damaged packet of ${end - start} bytes`);
  }

  #refuse(status: string, detail: string): void {
    this.#write(JSON.stringify({ ta: null, vdd: null, celsius: null, status, detail }));
  }
}

/** The spaced form of a frame as plain digits. */
function unspaced(data: string): string {
  if (!data.includes(' ')) return data;
  return data
    .trim()
    .split(/ +/)
    .map((word) => word.padStart(4, '0'))
    .join('');
}

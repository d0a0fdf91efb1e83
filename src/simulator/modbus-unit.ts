/**
 * A Modbus unit as its protocol data: requests in, answers out, from "MODBUS Application Protocol
 * Specification" V1.1b3, sections 6.1..6.4 (reading) and 7 (exceptions). Units that answer by its
 * rules, and on demand against them, prove the appliance's side.
 */

export type UnitTable = 'coil' | 'discrete' | 'holding' | 'input';

/** Bits (0 or 1) and registers (0..65535) by table and address. */
export type UnitTables = Partial<Record<UnitTable, ReadonlyMap<number, number>>>;

/** What a unit does wrong with one request. */
export type Mischief =
  | { readonly kind: 'silent' }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'exception'; readonly code: number }
  | { readonly kind: 'wrongUnit'; readonly unit: number }
  | { readonly kind: 'wrongFunction'; readonly functionCode: number }
  /** Registers or bytes too many (or, below 0, too few), in an otherwise right frame. */
  | { readonly kind: 'wrongCount'; readonly more: number }
  /** The byte count that the answer gives, over the data as they should be. */
  | { readonly kind: 'miscount'; readonly byteCount: number }
  /** Serial lines only. */
  | { readonly kind: 'wrongCrc' }
  /** TCP only: added to the transaction number. */
  | { readonly kind: 'wrongTransaction'; readonly add: number }
  /** Only the first bytes of the frame. */
  | { readonly kind: 'truncated'; readonly bytes: number }
  /** The frame twice, glued together. */
  | { readonly kind: 'twice' }
  /** Byte by byte, so far apart. */
  | { readonly kind: 'dribble'; readonly everyMs: number }
  /** The request comes back before the answer, as from an adapter that hears itself. */
  | { readonly kind: 'echo' };

export interface UnitRequest {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
}

/** Asked for each request; null: by the rules. */
export type MischiefOf = (request: UnitRequest) => Mischief | null;

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;
const ILLEGAL_VALUE = 3;
const EXCEPTION_BIT = 0x80;
const TABLE_OF: Readonly<Record<number, UnitTable>> = {
  1: 'coil',
  2: 'discrete',
  3: 'holding',
  4: 'input',
};

/** Units on one line or behind one address, by number. */
export class ModbusUnits {
  readonly #units = new Map<number, UnitTables>();
  mischief: MischiefOf = () => null;
  /** Requests that came, in order. */
  readonly requests: UnitRequest[] = [];

  /** Puts a unit there, in place of what had its number; returns what takes it away. */
  attach(unit: number, tables: UnitTables): () => void {
    this.#units.set(unit, tables);
    return () => {
      if (this.#units.get(unit) === tables) this.#units.delete(unit);
    };
  }

  /**
   * @param pdu function code and data of a request
   * @returns function code and data of the answer; null where no such unit is
   */
  answer(unit: number, pdu: Uint8Array): { pdu: Uint8Array; mischief: Mischief | null } | null {
    const tables = this.#units.get(unit);
    if (tables === undefined) return null;
    const request = requestOf(unit, pdu);
    this.requests.push(request);
    const mischief = this.mischief(request);
    const { functionCode } = request;
    if (mischief?.kind === 'exception') {
      return { pdu: exceptionPdu(functionCode, mischief.code), mischief };
    }
    const answer = read(tables, request, mischief?.kind === 'wrongCount' ? mischief.more : 0);
    if (mischief?.kind === 'wrongFunction') answer[0] = mischief.functionCode;
    if (mischief?.kind === 'miscount') answer[1] = mischief.byteCount;
    return { pdu: answer, mischief };
  }
}

function requestOf(unit: number, pdu: Uint8Array): UnitRequest {
  const word = (at: number): number => ((pdu[at] ?? 0) << 8) | (pdu[at + 1] ?? 0);
  return { unit, functionCode: pdu[0] ?? 0, address: word(1), count: word(3) };
}

function read(tables: UnitTables, request: UnitRequest, more: number): Uint8Array {
  const { functionCode, address, count } = request;
  const table = TABLE_OF[functionCode];
  if (table === undefined) return exceptionPdu(functionCode, ILLEGAL_FUNCTION);
  const isBits = functionCode <= 2;
  if (count < 1 || count > (isBits ? 2000 : 125)) return exceptionPdu(functionCode, ILLEGAL_VALUE);
  const values: number[] = [];
  for (let at = address; at < address + count; at++) {
    const value = tables[table]?.get(at);
    if (value === undefined) return exceptionPdu(functionCode, ILLEGAL_ADDRESS);
    values.push(value);
  }
  const bytes = isBits ? packedBits(values) : values.flatMap((word) => [word >> 8, word & 0xff]);
  const wanted = bytes.length + more * (isBits ? 1 : 2);
  const data = Array.from({ length: Math.max(0, wanted) }, (_, at) => bytes[at] ?? 0);
  return Uint8Array.of(functionCode, data.length, ...data);
}

/** The first bit is the lowest of the first byte; what is left of the last byte is zero. */
function packedBits(bits: readonly number[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0);
  bits.forEach((bit, at) => {
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) | ((bit & 1) << (at & 7));
  });
  return bytes;
}

function exceptionPdu(functionCode: number, code: number): Uint8Array {
  return Uint8Array.of(functionCode | EXCEPTION_BIT, code);
}

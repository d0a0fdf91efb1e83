/** What can go wrong with an MLX90640 and on the way from it. */
import type { Random } from '../domain/ports.ts';

const EEPROM_FIRST = 0x2400;
const EEPROM_LAST = 0x273f;

/** Each can be set and unset at any time. */
export interface RegisterFaults {
  /** It does not acknowledge. */
  nack: boolean;
  /** Transfers end early. */
  shortReads: boolean;
  /** The bytes of each word change places. */
  swappedBytes: boolean;
  /** Share of the readings, 0..1, whose bytes are noise. */
  garbage: number;
  /** The memory changes during a reading, and nothing says so. */
  torn: boolean;
  /** New data is announced, and the memory stays as it is. */
  frozen: boolean;
  /** New data is never announced. */
  neverReady: boolean;
  /** The status names the same subpage every time. */
  sameSubpage: boolean;
  /** Bits that are wrong in each reading of the EEPROM, others each time. */
  eepromBitErrors: number;
}

export function noFaults(): RegisterFaults {
  return {
    nack: false,
    shortReads: false,
    swappedBytes: false,
    garbage: 0,
    torn: false,
    frozen: false,
    neverReady: false,
    sameSubpage: false,
    eepromBitErrors: 0,
  };
}

/** What of `bytes`, read from `address` on, arrives. */
export function altered(
  bytes: Uint8Array,
  address: number,
  faults: RegisterFaults,
  random: Random,
): Uint8Array {
  if (faults.garbage > 0 && random.next() < faults.garbage) {
    return bytes.map(() => random.uint32() & 0xff);
  }
  const arrived = bytes.slice(0, faults.shortReads ? bytes.length >> 1 : bytes.length);
  if (faults.swappedBytes) {
    for (let at = 0; at + 1 < arrived.length; at += 2) {
      arrived.set([arrived[at + 1] ?? 0, arrived[at] ?? 0], at);
    }
  }
  if (address < EEPROM_FIRST || address > EEPROM_LAST) return arrived;
  for (let error = 0; error < faults.eepromBitErrors; error++) {
    const at = Math.floor(random.next() * arrived.length);
    arrived[at] = (arrived[at] ?? 0) ^ (1 << (random.uint32() & 7));
  }
  return arrived;
}

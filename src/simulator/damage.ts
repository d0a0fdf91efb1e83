/** What a half-duplex line does to a packet when somebody talks into it. */
import type { Random } from '../domain/ports.ts';
import { integerBetween } from './random.ts';

/** Bytes of the end that always get through: the last characters, `!` and a line end. */
const SPARED_TAIL_BYTES = 4;
const COLON = 0x3a;
const NOISE = 'GZ?~@*';

/**
 * Takes 12..16 characters out of the part of `packet` that is not yet sent, its head spared, and
 * turns some of those around the hole into characters that are no hex digits. Less where less is
 * left to damage.
 */
export function damage(packet: Uint8Array, sentBytes: number, random: Random): Uint8Array {
  const firstByte = Math.max(sentBytes, packet.indexOf(COLON) + 1);
  const lastByte = packet.length - SPARED_TAIL_BYTES;
  const room = Math.max(0, lastByte - firstByte);
  const missing = Math.min(room, integerBetween(random, 12, 16));
  const at = firstByte + integerBetween(random, 0, room - missing);
  const damaged = Buffer.concat([packet.subarray(0, at), packet.subarray(at + missing)]);
  const noisy = Math.min(integerBetween(random, 3, 6), Math.max(0, lastByte - missing - at));
  for (let i = 0; i < noisy; i++) {
    damaged[at + i] = NOISE.charCodeAt(integerBetween(random, 0, NOISE.length - 1));
  }
  return damaged;
}

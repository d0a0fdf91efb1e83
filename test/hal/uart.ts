/**
 * What a serial port makes of a sender at another rate: the sender's line as levels over time, and a
 * receiver that looks at the middle of each bit of its own. A byte without a stop bit reaches the
 * program as 0, as termios(3) says of framing errors without IGNPAR and PARMRK.
 */

const DATA_BITS = 8;
const FRAME_BITS = DATA_BITS + 2;
/** Pause between two packets, in bits of the sender: the receiver finds a start bit again. */
const IDLE_BITS = 40;

/** Bytes sent back to back at one rate, as they are read at another. */
export function heardAt(sent: Uint8Array, sentRate: number, heardRate: number): Uint8Array {
  const levels = lineOf(sent);
  const levelAt = (bit: number): number => levels[Math.floor(bit)] ?? 1;
  const perBit = sentRate / heardRate;
  const heard: number[] = [];
  for (let at = 0; at < levels.length;) {
    if (levelAt(at) === 1) {
      // Receivers look for the edge sixteen times a bit.
      at += perBit / 16;
      continue;
    }
    let byte = 0;
    for (let bit = 0; bit < DATA_BITS; bit++) byte |= levelAt(at + (1.5 + bit) * perBit) << bit;
    heard.push(levelAt(at + (FRAME_BITS - 0.5) * perBit) === 1 ? byte : 0);
    at += (FRAME_BITS - 0.5) * perBit;
    // A line that is held low is one break, not many bytes.
    while (levelAt(at) === 0 && heard.at(-1) === 0 && at < levels.length) at += perBit / 16;
  }
  return Uint8Array.from(heard);
}

/** Start bit, lowest bit first, stop bit. */
function lineOf(bytes: Uint8Array): readonly number[] {
  const levels: number[] = [];
  for (const byte of bytes) {
    levels.push(0);
    for (let bit = 0; bit < DATA_BITS; bit++) levels.push((byte >> bit) & 1);
    levels.push(1);
  }
  return [...levels, ...new Array<number>(IDLE_BITS).fill(1)];
}

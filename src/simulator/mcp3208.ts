/**
 * An MCP3208 or MCP3008 at bit level: it waits for the start bit wherever it comes, takes four bits
 * of configuration, samples, and shifts out. Written from Microchip DS21298 and DS21295, section 5
 * and figures 5-1 and 5-2.
 *
 * `transfer` is what answers on a simulated chip select: one call from select to deselect.
 */
export interface McpFaults {
  /** The wire MISO: driven by the chip, or held high or low because no chip drives it. */
  miso: 'chip' | 'high' | 'low';
  /** Numbers of bits, counted from the first of a frame, that a disturbance turns over. */
  flippedBits: readonly number[];
  /** A copy that sends zeros instead of the repetition. */
  repeatsNothing: boolean;
  /** The adapter gives fewer bytes than went out. */
  shortRead: boolean;
}

export interface McpOptions {
  readonly model?: 'mcp3208' | 'mcp3008';
  readonly vrefVolts: number;
  /** What the wire shows while the chip does not drive it: a pull resistor's level. */
  readonly floating?: 0 | 1;
}

export class SimulatedMcp3208 {
  /** Voltages at CH0..CH7. */
  readonly pins = new Float64Array(8);
  readonly faults: McpFaults = {
    miso: 'chip',
    flippedBits: [],
    repeatsNothing: false,
    shortRead: false,
  };
  conversions = 0;
  readonly #bits: number;
  readonly #vrefVolts: number;
  readonly #floating: 0 | 1;

  constructor({ model = 'mcp3208', vrefVolts, floating = 1 }: McpOptions) {
    this.#bits = model === 'mcp3208' ? 12 : 10;
    this.#vrefVolts = vrefVolts;
    this.#floating = floating;
  }

  transfer(write: Uint8Array): Uint8Array {
    const driven = this.#shift([...write].flatMap(bitsOf));
    const heard = driven.map((bit, i) => {
      if (this.faults.miso !== 'chip') return this.faults.miso === 'high' ? 1 : 0;
      return this.faults.flippedBits.includes(i) ? 1 - bit : bit;
    });
    const bytes = Uint8Array.from(write, (_, at) =>
      heard.slice(8 * at, 8 * at + 8).reduce((byte, bit) => (byte << 1) | bit, 0),
    );
    return this.faults.shortRead ? bytes.subarray(0, bytes.length - 1) : bytes;
  }

  /** One bit out for each bit in. */
  #shift(input: readonly number[]): number[] {
    const startAt = input.indexOf(1);
    if (startAt < 0) return input.map(() => this.#floating);
    const [single, d2, d1, d0] = input.slice(startAt + 1, startAt + 5);
    const code = this.#sample(single === 1, 4 * (d2 ?? 0) + 2 * (d1 ?? 0) + (d0 ?? 0));
    // Start, four bits of configuration and one clock of sampling pass before the null bit.
    const silent = Array.from({ length: startAt + 6 }, () => this.#floating);
    const downwards = Array.from(
      { length: this.#bits },
      (_, i) => (code >> (this.#bits - 1 - i)) & 1,
    );
    const upwards = this.faults.repeatsNothing ? [] : downwards.toReversed().slice(1);
    const output = [...silent, 0, ...downwards, ...upwards];
    return input.map((_, i) => output[i] ?? 0);
  }

  #sample(single: boolean, channel: number): number {
    this.conversions += 1;
    const plus = this.pins[channel] ?? 0;
    // A pair is an even input and the odd one above it; the chosen one is the positive.
    const minus = single ? 0 : (this.pins[channel ^ 1] ?? 0);
    const codes = 2 ** this.#bits;
    const code = Math.floor(((plus - minus) / this.#vrefVolts) * codes);
    return Math.min(codes - 1, Math.max(0, code));
  }
}

function bitsOf(byte: number): number[] {
  return [7, 6, 5, 4, 3, 2, 1, 0].map((place) => (byte >> place) & 1);
}

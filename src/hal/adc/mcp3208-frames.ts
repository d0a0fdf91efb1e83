/**
 * Frames of MCP3208 and MCP3008. Sources: Microchip DS21298 (MCP3204/3208) and DS21295
 * (MCP3004/3008), table 5-2 (configuration bits), figures 5-1 and 5-2 (serial format) and section
 * 6.1 (alignment to bytes).
 *
 *   MCP3208, 12 bits   sent      00000 1 S D2 | D1 D0 x xxxxx | ........ |
 *                      received  ............ | ...  0 BA98   | 76543210 | 12345678  | 9AB00000
 *   MCP3008, 10 bits   sent      0000000 1    | S D2 D1 D0 .. | ........ |
 *                      received  ............ | ..... 0 98    | 76543210 | 12345678  | 90000000
 *
 * After the last bit the chip repeats the result backwards, then sends zeros: two more bytes tell
 * whether what was read came from a chip and undisturbed.
 */
export type McpModel = 'mcp3208' | 'mcp3008';

const BITS: Readonly<Record<McpModel, number>> = { mcp3208: 12, mcp3008: 10 };
/** The lowest bit of the result comes last in the third byte. */
const LOWEST_AT = 23;
const FRAME_BYTES = 5;

/** Single-ended in their order, then pairs by the input that counts as positive. */
export const MCP_INPUTS = [
  'ch0',
  'ch1',
  'ch2',
  'ch3',
  'ch4',
  'ch5',
  'ch6',
  'ch7',
  'ch0-ch1',
  'ch1-ch0',
  'ch2-ch3',
  'ch3-ch2',
  'ch4-ch5',
  'ch5-ch4',
  'ch6-ch7',
  'ch7-ch6',
] as const;
export type McpInput = (typeof MCP_INPUTS)[number];

/** Highest speed at 5 V; at 2.7 V half of it and less. */
export const MCP_HIGHEST_HZ: Readonly<Record<McpModel, number>> = {
  mcp3208: 2_000_000,
  mcp3008: 3_600_000,
};

/** Pins of an input. */
export function mcpPins(input: McpInput): readonly string[] {
  return input.split('-');
}

export function mcpCommand(model: McpModel, input: McpInput): Uint8Array {
  const single = input.includes('-') ? 0 : 1;
  const channel = Number(input[2]);
  // Start bit, single or differential, three bits of channel.
  const command = (1 << 4) | (single << 3) | channel;
  const startAt = LOWEST_AT - BITS[model] - 6;
  const shifted = command << (LOWEST_AT - startAt - 4);
  return Uint8Array.of(shifted >> 16, (shifted >> 8) & 0xff, shifted & 0xff, 0, 0);
}

/** `silent`: MISO high throughout. `disturbed`: no frame of this chip, with what gave it away. */
export type McpAnswer =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'disturbed'; readonly detail: string };

/** @param repeats whether the chip repeats its result; some copies do not */
export function mcpAnswer(model: McpModel, received: Uint8Array, repeats: boolean): McpAnswer {
  if (received.length !== FRAME_BYTES) {
    return { kind: 'disturbed', detail: `${received.length} of ${FRAME_BYTES} bytes` };
  }
  const bits = BITS[model];
  const bit = (at: number): number => ((received[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  const nullAt = LOWEST_AT - bits;
  const end = repeats ? FRAME_BYTES * 8 : LOWEST_AT + 1;
  const heard = Array.from({ length: end - nullAt }, (_, i) => bit(nullAt + i));
  if (heard.every((one) => one === 1)) return { kind: 'silent' };
  if (heard[0] === 1) return { kind: 'disturbed', detail: 'the null bit is 1' };
  let code = 0;
  for (let i = 1; i <= bits; i++) code = (code << 1) | (heard[i] ?? 0);
  if (!repeats) return { kind: 'code', code };
  for (let i = bits + 1; i < heard.length; i++) {
    // Bit 1 of the result comes first, the highest bit last; its lowest bit is not repeated.
    const expected = i < 2 * bits ? heard[2 * bits - i] : 0;
    if (heard[i] === expected) continue;
    const detail = `the result 0x${code.toString(16)} was not repeated the same`;
    return { kind: 'disturbed', detail };
  }
  return { kind: 'code', code };
}

/** The voltage of a code (equation 4-2: code = 2^bits x VIN / VREF), and whether it is an end. */
export function mcpVoltage(
  model: McpModel,
  code: number,
  vrefVolts: number,
): { readonly volts: number; readonly end: 'within' | 'low' | 'high' } {
  const codes = 1 << BITS[model];
  const end = code === 0 ? 'low' : code === codes - 1 ? 'high' : 'within';
  return { volts: (code * vrefVolts) / codes, end };
}

/** Voltages between which readings lie; the lower end itself is reached. */
export function mcpRange(
  model: McpModel,
  vrefVolts: number,
): { readonly lowVolts: number; readonly highVolts: number } {
  const codes = 1 << BITS[model];
  return { lowVolts: 0, highVolts: (vrefVolts * (codes - 1)) / codes };
}

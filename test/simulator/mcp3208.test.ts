/** The simulated chip against the data sheets' figures, without the driver. */
import { describe, expect, it } from 'vitest';
import { SimulatedMcp3208 } from '../../src/simulator/mcp3208.ts';

function shown(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join(' ');
}

describe('a simulated MCP3208', () => {
  it('answers after the null bit, highest bit first, then backwards, then zeros', () => {
    const chip = new SimulatedMcp3208({ vrefVolts: 4.096 });
    chip.pins[2] = 2.741;
    // Start, single-ended, channel 2. 2741 is 1010 1011 0101.
    const answer = chip.transfer(Uint8Array.of(0b00000110, 0b10000000, 0, 0, 0));
    expect(shown(answer)).toBe('11111111 11101010 10110101 01011010 10100000');
  });

  it('answers earlier to an earlier start bit', () => {
    const chip = new SimulatedMcp3208({ vrefVolts: 4.096, floating: 0 });
    chip.pins[2] = 2.741;
    const answer = chip.transfer(Uint8Array.of(0b11010000, 0, 0));
    expect(shown(answer)).toBe('00000001 01010110 10101011');
  });

  it('says nothing without a start bit', () => {
    const chip = new SimulatedMcp3208({ vrefVolts: 3.3 });
    expect(shown(chip.transfer(new Uint8Array(2)))).toBe('11111111 11111111');
    expect(chip.conversions).toBe(0);
  });

  it('takes the positive input of a pair as table 5-2 says', () => {
    const chip = new SimulatedMcp3208({ model: 'mcp3008', vrefVolts: 1.024, floating: 0 });
    chip.pins[2] = 0.5;
    chip.pins[3] = 0.1;
    const code = (bytes: Uint8Array): number => ((bytes[1]! & 3) << 8) | bytes[2]!;
    expect(code(chip.transfer(Uint8Array.of(1, 0b00100000, 0)))).toBe(400);
    expect(code(chip.transfer(Uint8Array.of(1, 0b00110000, 0)))).toBe(0);
  });
});

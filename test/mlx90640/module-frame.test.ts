import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODULE_FRAME_BYTES, ModuleFrameDecoder } from '../../src/domain/mlx90640/module-frame.ts';
import { GyMcu90640 } from '../../src/simulator/gy-mcu90640.ts';

const HEADER = [0x5a, 0x5a, 0x02, 0x06];

interface Heard {
  readonly pictures: { readonly hundredths: number[]; readonly ambientCelsius: number }[];
  damaged: number;
}

function heard(pieces: readonly Uint8Array[]): Heard {
  const result: Heard = { pictures: [], damaged: 0 };
  const decoder = new ModuleFrameDecoder({
    picture: (words, ambientCelsius) =>
      result.pictures.push({ hundredths: [...words], ambientCelsius }),
    damaged: () => (result.damaged += 1),
  });
  for (const piece of pieces) decoder.receive(piece);
  return result;
}

/** A frame by the description of the line, apart from the simulator's. */
function frame(hundredths: (pixel: number) => number, ambient = 2500): Uint8Array {
  const words = [0x5a5a, 0x0602, ...Array.from({ length: 768 }, (_, i) => hundredths(i)), ambient];
  const sum = words.reduce((total, word) => total + (word & 0xffff), 0);
  return Uint8Array.from([...words, sum].flatMap((word) => [word & 0xff, (word >> 8) & 0xff]));
}

const simulated = (): Uint8Array => {
  const celsius = Float32Array.from({ length: 768 }, (_, i) => i / 10 - 20);
  const scene = (): { celsius: Float32Array; ambientCelsius: number } => ({
    celsius,
    ambientCelsius: 31.5,
  });
  return new GyMcu90640({ seed: 1, scene, noiseCelsius: 0 }).period(0);
};

describe('pictures of a GY-MCU90640', () => {
  it('reads what the simulated module sends', () => {
    const { pictures, damaged } = heard([simulated()]);
    expect(damaged).toBe(0);
    expect(pictures).toHaveLength(1);
    expect(pictures[0]?.ambientCelsius).toBe(31.5);
    expect(pictures[0]?.hundredths[0]).toBe(0x10000 - 2000);
    expect(pictures[0]?.hundredths[767]).toBe(5670);
  });

  it('takes a header within a picture for what it is', () => {
    // Every other pair of words spells the header: 231.30 C and 15.38 C.
    const full = frame((pixel) => (pixel % 2 === 0 ? 0x5a5a : 0x0602));
    expect(heard([full, full, full]).pictures).toHaveLength(3);
  });

  it('finds the next picture after it began within one', () => {
    const full = frame((pixel) => (pixel % 2 === 0 ? 0x5a5a : 0x0602));
    // From the middle on: 190 false headers, each of which a whole frame might follow.
    const { pictures, damaged } = heard([full.subarray(700), full, full, full]);
    expect(damaged).toBeGreaterThan(0);
    expect(pictures.length).toBeGreaterThanOrEqual(2);
    expect(new Set(pictures.map((one) => one.ambientCelsius))).toEqual(new Set([25]));
  });

  it('does not look for a rest of a picture on a line that was opened anew', () => {
    let pictures = 0;
    const decoder = new ModuleFrameDecoder({
      picture: () => (pictures += 1),
      damaged: () => undefined,
    });
    decoder.receive(simulated().subarray(0, 1000));
    decoder.reset();
    decoder.receive(simulated());
    expect(pictures).toBe(1);
  });

  it('gives exactly the pictures that came whole, in any pieces, among any bytes', () => {
    const part = fc.oneof(
      fc.record({ kind: fc.constant('frame' as const), value: fc.integer({ min: 0, max: 9 }) }),
      fc.record({ kind: fc.constant('cut' as const), value: fc.integer({ min: 1, max: 1543 }) }),
      fc.record({ kind: fc.constant('flip' as const), value: fc.integer({ min: 0, max: 1543 }) }),
      fc.record({ kind: fc.constant('header' as const), value: fc.integer({ min: 0, max: 4 }) }),
      fc.record({
        kind: fc.constant('noise' as const),
        value: fc.uint8Array({ maxLength: 60 }),
      }),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), cuts, (parts, sizes) => {
        const whole: number[] = [];
        const bytes: number[] = [];
        parts.forEach((one, i) => {
          const full = frame((pixel) => 2000 + i * 7 + (pixel % 5), 1000 + i);
          if (one.kind === 'frame') whole.push((1000 + i) / 100);
          if (one.kind === 'flip') full[one.value] = (full[one.value] ?? 0) ^ 0x10;
          if (one.kind === 'noise') bytes.push(...one.value);
          else if (one.kind === 'header') bytes.push(...HEADER.slice(0, one.value));
          else bytes.push(...full.subarray(0, one.kind === 'cut' ? one.value : full.length));
        });
        // What pushes out a frame that waits behind a false header.
        bytes.push(...new Uint8Array(MODULE_FRAME_BYTES));
        const pieces: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          pieces.push(Uint8Array.from(bytes.slice(at, at + size)));
          at += size;
        }
        expect(heard(pieces).pictures.map((one) => one.ambientCelsius)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});

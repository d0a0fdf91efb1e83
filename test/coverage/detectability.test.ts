/** The smallest fire, held against an independent eye and the real detector and panel. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Eye } from '../../bench/detection/optics.ts';
import type { RecordingLine } from '../../src/commands/evaluate-read.ts';
import {
  DEFAULT_EVALUATE_OPTIONS,
  evaluateRecording,
} from '../../src/commands/evaluate-recording.ts';
import { FRAME_PIXELS } from '../../src/domain/frame.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import type { FireSource } from '../../src/vision/detectability.ts';
import {
  LENSES,
  smallestFireSquareMetres,
  widestFootprint,
  worstShare,
} from '../../src/vision/detectability.ts';
import { streamOf } from '../evaluate/injected.ts';

const BOX = { rows: [11, 12], columns: [15, 16] } as const;
const HOT: FireSource = { name: 'glowing', celsius: 600, emissivity: 0.95 };
const BEHIND_CELSIUS = 20;

/** A square source of that many pixels a side, where the four middle pixels meet. */
function seen(sidePixels: number): {
  readonly peakCelsius: number;
  readonly picture: Float32Array;
} {
  const background = new Float32Array(FRAME_PIXELS).fill(BEHIND_CELSIUS);
  const eye = new Eye({ blurPixels: 0.5, noiseCelsius: 0.1, background });
  const picture = new Float32Array(FRAME_PIXELS);
  const half = sidePixels / 2;
  const patch = {
    ...{ left: 16 - half, right: 16 + half, top: 12 - half, bottom: 12 + half },
    ...{ celsius: HOT.celsius, share: 1 },
  };
  const peakCelsius = eye.see([patch], picture);
  return { peakCelsius, picture };
}

function sideFor(reachCelsius: number): number {
  const footprint = { widthMetres: 1, heightMetres: 1 };
  const area = smallestFireSquareMetres({
    ...{ footprint, source: HOT, behindCelsius: BEHIND_CELSIUS, reachCelsius },
    ...{ assumedEmissivity: 0.95, smallestPixels: 1 },
  });
  expect(area).not.toBeNull();
  return Math.sqrt(area ?? Number.NaN);
}

describe('the smallest fire', () => {
  it.each([45, 60, 90, 120, 250])('brings a pixel to just %i C in an independent eye', (reach) => {
    expect(seen(sideFor(reach)).peakCelsius).toBeCloseTo(reach, 0);
  });

  it('warns in the real detector and panel, and half its area does not', async () => {
    const verdict = async (sidePixels: number) => {
      const { picture } = seen(sidePixels);
      const cool = new Float32Array(FRAME_PIXELS).fill(BEHIND_CELSIUS);
      const noise = seededRandom('coverage');
      const lines: RecordingLine[] = Array.from({ length: 40 }, (_, i) => ({
        ...{ kind: 'celsius', line: i + 1, seconds: i },
        celsius: (i < 20 ? cool : picture).map((one) => one + 0.1 * (noise.next() - 0.5)),
      }));
      return evaluateRecording(streamOf(lines), DEFAULT_EVALUATE_OPTIONS, () => {
        throw new Error('a bad line');
      });
    };
    const side = sideFor(60);
    expect((await verdict(side * 1.05)).prealarmSeconds).not.toBeNull();
    expect((await verdict(side * Math.SQRT1_2)).prealarmSeconds).toBeNull();
  });

  it('grows with the square of the distance', () => {
    const at = (distanceMetres: number) =>
      smallestFireSquareMetres({
        footprint: widestFootprint(BOX, { lens: LENSES['55x35'], turned: false, distanceMetres }),
        ...{ source: HOT, behindCelsius: 20, reachCelsius: 60 },
        ...{ assumedEmissivity: 0.95, smallestPixels: 1 },
      }) ?? Number.NaN;
    expect(at(6) / at(2)).toBeCloseTo(9, 6);
  });

  it('is none where the fire is not hot enough or too transparent', () => {
    const ask = (celsius: number, emissivity: number) =>
      smallestFireSquareMetres({
        footprint: { widthMetres: 0.1, heightMetres: 0.1 },
        source: { name: 'x', celsius, emissivity },
        ...{ behindCelsius: 20, reachCelsius: 120, assumedEmissivity: 0.95, smallestPixels: 1 },
      });
    expect(ask(119, 0.95)).toBeNull();
    expect(ask(121, 0.95)).not.toBeNull();
    expect(ask(400, 0.05)).toBeNull();
  });

  it('is never smaller than the pixels that must stand out', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 50, max: 250 }),
        (n, reach) => {
          const area = smallestFireSquareMetres({
            footprint: { widthMetres: 1, heightMetres: 1 },
            ...{ source: HOT, behindCelsius: 20, reachCelsius: reach },
            ...{ assumedEmissivity: 0.95, smallestPixels: n },
          });
          expect(area).toBeGreaterThanOrEqual(n === 1 ? 0 : n - 1e-9);
        },
      ),
    );
  });
});

describe('geometry', () => {
  it('sees the whole field of view, the more of a wall the farther from the axis', () => {
    const view = { lens: LENSES['110x75'], turned: false, distanceMetres: 1 };
    let width = 0;
    for (let column = 0; column < 32; column++) {
      width += widestFootprint({ rows: [12, 12], columns: [column, column] }, view).widthMetres;
    }
    expect(width).toBeCloseTo(2 * Math.tan((55 * Math.PI) / 180), 9);
    const corner = widestFootprint({ rows: [0, 23], columns: [0, 31] }, view);
    const middle = widestFootprint(BOX, view);
    expect(corner.widthMetres / middle.widthMetres).toBeGreaterThan(2.5);
  });

  it('swaps the angles of a picture that lies on its side', () => {
    const lens = LENSES['55x35'];
    const upright = widestFootprint(BOX, { lens, turned: false, distanceMetres: 2 });
    const box = { rows: BOX.columns, columns: BOX.rows };
    const turned = widestFootprint(box, { lens, turned: true, distanceMetres: 2 });
    expect(turned).toEqual({
      widthMetres: upright.heightMetres,
      heightMetres: upright.widthMetres,
    });
  });

  it('gives a quarter at most to a pixel of a tiny source, all of a wall', () => {
    const tiny = 1e-3;
    expect((worstShare(tiny) / tiny) ** 2).toBeLessThan(0.5);
    expect(worstShare(10)).toBeCloseTo(1, 6);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 8, noNaN: true }), (side) => {
        expect(worstShare(side + 0.1)).toBeGreaterThanOrEqual(worstShare(side));
      }),
    );
  });
});

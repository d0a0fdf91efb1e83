import { describe, expect, it } from 'vitest';
import type { Ballot } from '../../src/alarm/fusion.ts';
import { confidenceOf, fuse } from '../../src/alarm/fusion.ts';
import { DEFAULT_LIMITS } from '../../src/alarm/plan.ts';
import type { EvidenceKind } from '../../src/alarm/rule.ts';
import { sensorId } from '../../src/domain/units.ts';

const A = sensorId('a');
const B = sensorId('b');

function ballot(kind: EvidenceKind, level: 'suspect' | 'alarm', sensor = A, channel = 'x'): Ballot {
  const vote = {
    sensor,
    channel,
    role: 'smoke',
    rule: kind,
    level,
    value: 1,
    limit: 1,
    unit: 'state',
    ageMs: 0,
    note: '',
  } as const;
  return { kind, weight: null, vote, tracks: [1] };
}

/** Every piece of evidence that the table knows, switched on and off independently. */
const PIECES = {
  thermalA: ballot('thermal', 'suspect', A),
  thermalB: ballot('thermal', 'suspect', B),
  criticalA: ballot('thermal', 'alarm', A),
  signA: ballot('fireSign', 'suspect', A),
  signB: ballot('fireSign', 'suspect', B),
  flame: ballot('flame', 'suspect', A, 'ADC2'),
  flameDigital: ballot('flame', 'suspect', A, 'DIO'),
  smoke: ballot('smoke', 'alarm', A),
  smokeCold: ballot('smoke', 'suspect', B),
  gas: ballot('gas', 'alarm', A),
} as const;
type Piece = keyof typeof PIECES;
const NAMES = Object.keys(PIECES) as Piece[];

/** The table again, written the other way round: from what is present to the outcome. */
function expected(has: (piece: Piece) => boolean, minSources: number): string {
  if (has('smoke') || has('gas') || has('criticalA')) return 'alarm';
  if ((has('thermalA') && has('signA')) || (has('thermalB') && has('signB'))) return 'alarm';
  const channels = (['thermalA', 'thermalB', 'flame', 'flameDigital', 'smokeCold'] as const).filter(
    has,
  );
  const thermal = has('thermalA') || has('thermalB');
  const flame = has('flame') || has('flameDigital');
  const kinds = Number(thermal) + Number(flame) + Number(has('smokeCold'));
  const agree = kinds >= 2 || (has('thermalA') && has('thermalB'));
  if (agree && channels.length >= Math.max(2, minSources)) return 'alarm';
  return channels.length > 0 ? 'preAlarm' : 'none';
}

describe('the fusion table', () => {
  it.each([1, 2, 3, 4])('holds for every combination of evidence, minSources %i', (minSources) => {
    for (let mask = 0; mask < 1 << NAMES.length; mask += 1) {
      const present = NAMES.filter((_, bit) => (mask & (1 << bit)) !== 0);
      const decision = fuse(
        present.map((name) => PIECES[name]),
        minSources,
      );
      const wanted = expected((piece) => present.includes(piece), minSources);
      expect(decision.level, present.join('+')).toBe(wanted);
    }
  });

  it.each<[Piece[], string]>([
    [['flame'], 'preAlarm'],
    [['flame', 'flameDigital'], 'preAlarm'],
    [['thermalA'], 'preAlarm'],
    [['thermalA', 'flame'], 'alarm'],
    [['thermalA', 'thermalB'], 'alarm'],
    [['thermalA', 'signB'], 'preAlarm'],
    [['signA', 'signB'], 'none'],
    [['smoke'], 'alarm'],
    [['gas'], 'alarm'],
    [['criticalA'], 'alarm'],
  ])('%j is %s', (pieces, wanted) => {
    expect(
      fuse(
        pieces.map((piece) => PIECES[piece]),
        2,
      ).level,
    ).toBe(wanted);
  });

  it('decides the same whatever the weights', () => {
    const light = { ...PIECES.smoke, weight: 0 };
    expect(fuse([light], 2).level).toBe('alarm');
  });
});

describe('confidence', () => {
  const { weights } = DEFAULT_LIMITS;
  it.each<[Piece[], number]>([
    [[], 0],
    [['thermalA'], 0.4],
    [['thermalA', 'thermalB', 'signA'], 0.4],
    [['flame'], 0.3],
    [['flame', 'flameDigital'], 0.3],
    [['thermalA', 'flame'], 1],
    [['smoke'], 0.5],
    [['smoke', 'gas', 'thermalA'], 1],
  ])('of %j is %f', (pieces, wanted) => {
    expect(
      confidenceOf(
        pieces.map((piece) => PIECES[piece]),
        weights,
      ),
    ).toBe(wanted);
  });

  it("takes a source's own weight over its role's", () => {
    expect(confidenceOf([{ ...PIECES.smoke, weight: 0.2 }], weights)).toBe(0.2);
  });
});

/**
 * What no other test of the panel had noticed to be wrong: found by mutants of `fusion.ts`
 * (docs/decisions/0012-mutation-testing.md).
 */
import { describe, expect, it } from 'vitest';
import type { Ballot } from '../../src/alarm/fusion.ts';
import { confidenceOf, fuse, isOfSameRegion } from '../../src/alarm/fusion.ts';
import { DEFAULT_LIMITS } from '../../src/alarm/plan.ts';
import type { EvidenceKind } from '../../src/alarm/rule.ts';
import { sensorId } from '../../src/domain/units.ts';

const A = sensorId('a');
const B = sensorId('b');

interface More {
  readonly sensor?: typeof A;
  readonly channel?: string;
  readonly rule?: string;
  readonly weight?: number;
  readonly tracks?: readonly number[];
}

function ballot(
  kind: EvidenceKind,
  level: 'suspect' | 'alarm' = 'suspect',
  more: More = {},
): Ballot {
  const { sensor = A, channel = 'x', rule = kind, weight = null, tracks = [1] } = more;
  const reading = { value: 1, limit: 1, unit: 'state', ageMs: 0, note: '' } as const;
  return {
    kind,
    weight,
    tracks,
    vote: { sensor, channel, role: 'smoke', rule, level, ...reading },
  };
}

describe('the line of the table that decided', () => {
  const hot = ballot('thermal');
  const onB = ballot('thermal', 'suspect', { sensor: B });
  const critical = ballot('thermal', 'alarm');
  const sign = ballot('fireSign');
  const smoke = ballot('smoke', 'alarm', { channel: 's' });
  const flame = ballot('flame', 'suspect', { channel: 'f' });
  const background = ballot('background');

  it.each<[string, readonly Ballot[], string, string, string | null]>([
    ['nothing', [], 'none', 'no evidence', null],
    ['a sign alone', [sign], 'none', 'no evidence', null],
    ['heat', [hot], 'preAlarm', 'thermal below alarm', null],
    ['heat above the background', [background], 'preAlarm', 'thermal below alarm', null],
    ['both kinds of heat', [hot, background], 'preAlarm', 'thermal below alarm', null],
    ['heat and a sign', [hot, sign], 'alarm', 'hot region with a sign of fire', 'fireSigns'],
    [
      'no sign makes more of a background',
      [background, sign],
      'preAlarm',
      'thermal below alarm',
      null,
    ],
    ['critical', [critical], 'alarm', 'temperature at or above critical', 'critical'],
    ['critical and a flame', [critical, flame], 'alarm', 'temperature at or above critical', null],
    ['smoke', [smoke], 'alarm', 'smoke over its limit', null],
    ['critical, then smoke', [critical, smoke], 'alarm', 'smoke over its limit', null],
    ['heat and flame', [hot, flame], 'alarm', 'coincidence of thermal and flame', null],
    [
      'a background and flame',
      [background, flame],
      'alarm',
      'coincidence of thermal and flame',
      null,
    ],
    ['two arrays', [hot, onB], 'alarm', 'coincidence of two arrays', null],
    [
      'heat, flame and a sign',
      [hot, flame, sign],
      'alarm',
      'coincidence of thermal and flame',
      null,
    ],
  ])('%s', (_, ballots, level, reason, restsOn) => {
    expect(fuse(ballots, 2)).toEqual({ level, reason, restsOn });
  });

  it('too few channels for a coincidence are a pre-alarm of all kinds', () => {
    const reason = 'thermal and flame below alarm';
    expect(fuse([hot, flame], 3)).toEqual({ level: 'preAlarm', reason, restsOn: null });
  });

  it('two kinds of one channel do not agree with one another', () => {
    const both = [ballot('smoke'), ballot('gas')];
    expect(fuse(both, 2).level).toBe('preAlarm');
    expect(fuse([ballot('smoke'), ballot('gas', 'suspect', { sensor: B })], 2).level).toBe('alarm');
  });

  it('areas of one array are one array', () => {
    expect(fuse([hot, ballot('thermal', 'suspect', { channel: 'y' })], 2).level).toBe('preAlarm');
  });
});

describe('whether two ballots are of one region', () => {
  const hot = ballot('thermal', 'suspect', { tracks: [1, 2] });
  it.each<[string, More, boolean]>([
    ['one region in common', { tracks: [2, 3] }, true],
    ['none in common', { tracks: [3] }, false],
    ['no region at all', { tracks: [] }, false],
    ['another array', { tracks: [2], sensor: B }, false],
    ['another area', { tracks: [2], channel: 'y' }, false],
  ])('%s', (_, more, same) => {
    expect(isOfSameRegion(ballot('fireSign', 'suspect', more), hot)).toBe(same);
  });
});

describe('confidence', () => {
  const { weights } = DEFAULT_LIMITS;
  const believes = ballot('fireSign', 'suspect', { rule: 'modelOpinion' });
  it.each<[string, readonly Ballot[], number]>([
    ['a sign that a rule sees adds nothing', [ballot('thermal'), ballot('fireSign')], 0.4],
    ['a model that believes in fire adds its weight', [ballot('thermal'), believes], 0.8],
    ['two of its votes add it once', [ballot('thermal'), believes, believes], 0.8],
    ['above the background weighs like thermal', [ballot('background')], 0.4],
    ['with thermal it weighs once', [ballot('background'), ballot('thermal')], 0.4],
    [
      'of one kind the heaviest counts, whichever comes first',
      [ballot('smoke', 'suspect', { weight: 0.7 }), ballot('smoke')],
      0.7,
    ],
    [
      'of one kind the heaviest counts, whichever comes last',
      [ballot('smoke'), ballot('smoke', 'suspect', { weight: 0.7 })],
      0.7,
    ],
    ['flame with smoke has no bonus', [ballot('flame'), ballot('smoke')], 0.8],
    ['it is rounded to a hundredth', [ballot('gas', 'alarm', { weight: 0.123_4 })], 0.12],
  ])('%s', (_, ballots, wanted) => {
    expect(confidenceOf(ballots, weights)).toBe(wanted);
  });

  it('flame with heat above the background has the bonus, up to 1', () => {
    const lighter = { ...weights, thermal: 0.2, flame: 0.1 };
    expect(confidenceOf([ballot('flame'), ballot('background')], lighter)).toBe(0.6);
    expect(confidenceOf([ballot('flame'), ballot('background'), believes], lighter)).toBe(1);
  });
});

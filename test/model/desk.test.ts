import { describe, expect, it } from 'vitest';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { OpinionWindow } from '../../src/domain/evidence.ts';
import { sensorId } from '../../src/domain/units.ts';
import { ModelDesk } from '../../src/model-desk.ts';
import { alwaysSure } from '../../src/model-simulated.ts';
import type { Classifier, ClassifierAnswer } from '../../src/vision/classifier.ts';
import type { RegionSample, RegionTrack } from '../../src/vision/track.ts';
import { settle } from '../hal/manual-clock.ts';

const SENSOR = sensorId('room');
const OPINION = alwaysSure('fire')();

function trackOf(id: number, peakCelsius: number, samples = 1): RegionTrack {
  const sample: RegionSample = {
    ...{ atMs: 0, peakCelsius, meanCelsius: 40, medianCelsius: 20, behindCelsius: 20 },
    ...{ areaPixels: 4, corePixels: 2, excess: 10, row: 1, column: 1 },
    ...{ spreadRows: 1, spreadColumns: 1, touchesEdge: false },
  };
  return {
    id,
    firstAtMs: 0,
    frames: samples,
    samples: Array.from({ length: samples }, () => sample),
  };
}

/** Answers only when told to. */
class SlowClassifier implements Classifier {
  readonly asked: { features: number[]; answer: (given: ClassifierAnswer) => void }[] = [];

  classify(features: Float32Array): Promise<ClassifierAnswer> {
    return new Promise((resolve) => {
      this.asked.push({ features: [...features], answer: resolve });
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function rig() {
  const bank = new EvidenceBank();
  const classifier = new SlowClassifier();
  const counts = { steps: 0 };
  const desk = new ModelDesk({
    ...{ bank, classifier },
    // The track's number stands in for features; a track of one sample is too young.
    features: (track) => (track.samples.length > 1 ? Float32Array.of(track.id) : null),
    requestStep: () => (counts.steps += 1),
  });
  const windows = (): OpinionWindow[] =>
    bank.drain().flatMap((window) => (window.kind === 'opinion' ? [window] : []));
  return { desk, classifier, counts, windows };
}

describe('the desk of the model', () => {
  it('asks about a track and hands its opinion to the panel, with the time of the picture', async () => {
    const { desk, classifier, counts, windows } = rig();
    desk.onTrack(SENSOR, 'thermal_oven', trackOf(7, 50, 2), 1_000);
    expect(classifier.asked.map(({ features }) => features)).toEqual([[7]]);
    expect(windows()).toEqual([]);
    classifier.asked[0]?.answer({ ok: true, opinion: OPINION });
    await settle();
    const place = { sensor: SENSOR, channel: 'thermal_oven' };
    expect(windows()).toEqual([
      { kind: 'opinion', ...place, atMs: 1_000, track: 7, opinion: OPINION },
    ]);
    expect(counts.steps).toBe(1);
  });

  it('says nothing about a track that is too young, nor when there is no answer', async () => {
    const { desk, classifier, counts, windows } = rig();
    desk.onTrack(SENSOR, 'thermal', trackOf(1, 90, 1), 0);
    expect(classifier.asked).toHaveLength(0);
    desk.onTrack(SENSOR, 'thermal', trackOf(1, 90, 2), 125);
    classifier.asked[0]?.answer({ ok: false, kind: 'late', message: 'no answer' });
    await settle();
    expect(windows()).toEqual([]);
    expect(counts.steps).toBe(0);
    desk.onTrack(SENSOR, 'thermal', trackOf(1, 90, 3), 250);
    expect(classifier.asked).toHaveLength(2);
  });

  it('has one question open per picture or area; the newest that came meanwhile follows', async () => {
    const { desk, classifier } = rig();
    for (const [i, channel] of ['thermal', 'thermal', 'thermal', 'thermal_a'].entries()) {
      desk.onTrack(SENSOR, channel, trackOf(10 + i, 80, 2), 125 * i);
    }
    desk.onTrack(sensorId('other'), 'thermal', trackOf(20, 80, 2), 0);
    expect(classifier.asked.map(({ features }) => features[0])).toEqual([10, 13, 20]);
    expect(desk.replaced).toBe(1);
    classifier.asked[0]?.answer({ ok: true, opinion: OPINION });
    await settle();
    expect(classifier.asked.map(({ features }) => features[0])).toEqual([10, 13, 20, 12]);
  });

  it('asks about twice a second, and about every picture of what is hot', async () => {
    const { desk, classifier } = rig();
    const play = async (celsius: number): Promise<number> => {
      const before = classifier.asked.length;
      for (let i = 0; i < 80; i++) {
        desk.onTrack(SENSOR, 'thermal', trackOf(1, celsius, 2), 100_000 * celsius + 125 * i);
        classifier.asked.at(-1)?.answer({ ok: true, opinion: OPINION });
        await settle();
      }
      return classifier.asked.length - before;
    };
    expect(await play(45)).toBe(20);
    expect(await play(54.9)).toBe(20);
    expect(await play(55)).toBe(80);
  });

  it('goes on after a clock that went back', async () => {
    const { desk, classifier } = rig();
    desk.onTrack(SENSOR, 'thermal', trackOf(1, 45, 2), 1e9);
    classifier.asked[0]?.answer({ ok: true, opinion: OPINION });
    await settle();
    desk.onTrack(SENSOR, 'thermal', trackOf(1, 45, 2), 0);
    expect(classifier.asked).toHaveLength(2);
  });
});

/**
 * Cost of the trained model: features of a track, a question through its process and back, the
 * inference alone, and what asking costs the main process while a hundred arrays show something hot
 * (each asked about twice a second, as the desk does below 55 C).
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { systemClock, systemRandom } from '../src/clock.ts';
import { EvidenceBank } from '../src/domain/evidence-bank.ts';
import { sensorId } from '../src/domain/units.ts';
import { ModelClassifier } from '../src/model-classifier.ts';
import { ModelDesk } from '../src/model-desk.ts';
import { wantedModel } from '../src/model-parts.ts';
import { forkModelProcess } from '../src/model-process.ts';
import { featuresOf } from '../src/vision/features.ts';
import type { RegionSample, RegionTrack } from '../src/vision/track.ts';
import type { Figure, Section } from './section.ts';
import { figure, quantile, Skipped } from './section.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const QUESTIONS = 5_000;
const FEATURE_ROUNDS = 3_000;
const ARRAYS = 100;
const PICTURES_PER_SECOND = 8;
const LOAD_SECONDS = 10;
/** Of the timer with which Node watches its loop. */
const TIMER_MS = 1;

/** A region that warms up and flickers, `count` samples long. */
function trackOf(count: number, everyMs: number): RegionTrack {
  const samples: RegionSample[] = Array.from({ length: count }, (_, i) => ({
    atMs: i * everyMs,
    peakCelsius: 40 + (10 * i) / count + Math.sin(i),
    meanCelsius: 36 + (6 * i) / count,
    medianCelsius: 22,
    behindCelsius: 22,
    areaPixels: 6 + (i % 3),
    corePixels: 3,
    excess: 120 + i,
    row: 10 + 0.05 * Math.sin(i),
    column: 12,
    spreadRows: 0.8,
    spreadColumns: 0.9,
    touchesEdge: false,
  }));
  return { id: 1, firstAtMs: 0, frames: count, samples };
}

function featureFigure(name: string, track: RegionTrack): Figure {
  let sink = 0;
  const round = (): void => {
    for (let i = 0; i < FEATURE_ROUNDS; i++) sink += featuresOf(track)?.[0] ?? 0;
  };
  round();
  const start = process.hrtime.bigint();
  round();
  const micros = Number(process.hrtime.bigint() - start) / 1_000 / FEATURE_ROUNDS;
  if (Number.isNaN(sink)) throw new Error('the features are NaN');
  return figure(name, micros, 'us');
}

interface Opened {
  readonly classifier: ModelClassifier;
  readonly readyMs: number;
  /** Of answers since the list was emptied last. */
  readonly inferenceMs: number[];
}

async function open(): Promise<Opened> {
  const clock = systemClock();
  const wanted = wantedModel({ file: null, sha256: null, threads: 1 }, HERE);
  if (!existsSync(wanted.file)) throw new Skipped(`${wanted.file} is not there`);
  const inferenceMs: number[] = [];
  const startedMs = clock.monotonicMs();
  const classifier = new ModelClassifier(
    { wanted, deadlineMs: 500 },
    {
      ...{ clock, random: systemRandom() },
      start: forkModelProcess(join(HERE, 'inference.js')),
      onFault: ({ detail }) => process.stderr.write(`  ... ${detail}\n`),
      onAnswered: (_, seconds) => inferenceMs.push(seconds * 1_000),
    },
  );
  const verdict = await classifier.ready();
  if (!verdict.ok) throw new Error(verdict.detail);
  return { classifier, readyMs: clock.monotonicMs() - startedMs, inferenceMs };
}

async function questions({ classifier, inferenceMs }: Opened): Promise<readonly Figure[]> {
  const row = featuresOf(trackOf(64, 125));
  if (row === null) throw new Error('the track is too young');
  const ask = async (count: number): Promise<readonly number[]> => {
    const each: number[] = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const answer = await classifier.classify(row);
      each.push(performance.now() - start);
      if (!answer.ok) throw new Error(answer.message);
    }
    return each;
  };
  await ask(500);
  inferenceMs.length = 0;
  const there = await ask(QUESTIONS);
  const both = (name: string, values: readonly number[]): readonly Figure[] => [
    figure(`${name}: p50`, quantile(values, 0.5), 'ms'),
    figure(`${name}: p99`, quantile(values, 0.99), 'ms', `of ${values.length}`),
  ];
  return [
    ...both('a question through the process and back', there),
    ...both('the inference alone', inferenceMs),
  ];
}

/** Pictures of all arrays spread over time; with `desk` null only the timer runs. */
async function load(desk: ModelDesk | null, track: RegionTrack) {
  const monitor = monitorEventLoopDelay({ resolution: TIMER_MS });
  const sensors = Array.from({ length: ARRAYS }, (_, i) => sensorId(`array-${i}`));
  const begunMs = performance.now();
  const before = process.cpuUsage();
  monitor.enable();
  let shown = 0;
  for (let nowMs = 0; nowMs < LOAD_SECONDS * 1_000; nowMs = performance.now() - begunMs) {
    const due = (nowMs / 1_000) * ARRAYS * PICTURES_PER_SECOND;
    for (; shown < due; shown++) {
      const sensor = sensors[shown % ARRAYS] ?? sensorId('none');
      desk?.onTrack(sensor, 'thermal', track, nowMs);
    }
    await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
  }
  monitor.disable();
  const { user, system } = process.cpuUsage(before);
  const delayMs = (share: number): number =>
    Math.max(0, monitor.percentile(100 * share) / 1e6 - TIMER_MS);
  return { cpuShare: (user + system) / 1e6 / LOAD_SECONDS, delayMs };
}

async function loadFigures({ classifier }: Opened): Promise<readonly Figure[]> {
  const track = trackOf(256, 125);
  const bank = new EvidenceBank();
  const drain = (): void => void bank.drain();
  const desk = new ModelDesk({ bank, classifier, features: featuresOf, requestStep: drain });
  const without = await load(null, track);
  const answered = classifier.counters.answered;
  const loaded = await load(desk, track);
  const perSecond = (classifier.counters.answered - answered) / LOAD_SECONDS;
  const core = 100 * (loaded.cpuShare - without.cpuShare);
  return [
    figure(`${ARRAYS} hot arrays: answers`, perSecond, '/s'),
    figure(`${ARRAYS} hot arrays: main process, features included`, core, '% of a core'),
    figure('event-loop delay p50, with', loaded.delayMs(0.5), 'ms'),
    figure('event-loop delay p50, without', without.delayMs(0.5), 'ms'),
    figure('event-loop delay p99, with', loaded.delayMs(0.99), 'ms'),
    figure('event-loop delay p99, without', without.delayMs(0.99), 'ms'),
  ];
}

export const modelSection: Section = {
  name: 'model',
  title: 'Trained model: a vote on a hot region',
  run: async (progress) => {
    const opened = await open();
    try {
      progress(`${QUESTIONS} questions, then ${2 * LOAD_SECONDS} s of load`);
      const one = await questions(opened);
      const many = await loadFigures(opened);
      const { residentBytes } = opened.classifier.counters;
      return [
        featureFigure('features of a track, 64 samples', trackOf(64, 125)),
        featureFigure('features of a track, 256 samples (the most)', trackOf(256, 125)),
        ...one,
        ...many,
        figure('start to first answer', opened.readyMs, 'ms'),
        figure('resident memory of its process', residentBytes / 1e6, 'MB'),
      ];
    } finally {
      await opened.classifier.close();
    }
  },
};

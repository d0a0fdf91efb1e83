/**
 * The thermal trial: the last words that an array sent, with a hot spot of 3 x 3 pixels in them, go
 * through intake, decoder, detector and a shadow of the zone until it alarms or its budget is over.
 *
 *   last words ─► clean pictures ─► the same with the spot, at the array's cadence ─► alarm?
 */
import type { SourceState } from '../alarm/source.ts';
import { planAt } from '../alarm/plan.ts';
import { EvidenceBank } from '../domain/evidence-bank.ts';
import type { EvidenceWindow } from '../domain/evidence.ts';
import type { FrameSink } from '../domain/line-protocol/thermal-intake.ts';
import type { ProofStage } from '../domain/proof.ts';
import type { RawPicture } from './raw-words.ts';
import { ShadowArray } from './shadow-array.ts';
import { ShadowZone } from './shadow-zone.ts';
import type { SpotPlace } from './spot.ts';
import { middlePlace, placeInArea, SpotSearch } from './spot.ts';
import type { Trial, TrialParts } from './trial.ts';
import { cadenceOf, failed, passed } from './trial.ts';

/** How far the spot is above the critical limit. */
const MARGIN_CELSIUS = 20;
/** Beyond 300 C an array cannot measure, and its pictures are not believed. */
const HIGHEST_CELSIUS = 290;
/** The middle of a spot may be seen this many pixels beside its place. */
const NEAR_PIXELS = 2;
/** Pictures without the spot, that the detector has something to compare with. */
const CLEAN_PICTURES = 2;

/** Proves one thermal source of a zone: an array's picture, or an area of it. */
export function* thermalTrial(parts: TrialParts, source: SourceState): Trial {
  const { raw, clock } = parts;
  const { sensor } = source.plan;
  const heard = hearing(parts, source);
  if (heard.outcome === 'failed') return [heard];
  const refusal = raw.refusalOf(sensor);
  const picture = raw.pictureOf(sensor);
  const nowMs = clock.monotonicMs();
  const isOld = picture === null || nowMs - picture.atMs > source.plan.freshnessMs;
  if (isOld) {
    const why =
      refusal === null ? 'no whole picture has come' : `they are refused: ${refusal.reason}`;
    const detail = `${sensor} sends words and ${why}; see the fault noData of this sensor`;
    return [heard, failed('decode', 0, detail)];
  }
  return [heard, ...(yield* throughDecoder(parts, source, picture))];
}

/** Whether the array is there at all. */
function hearing({ raw, clock }: TrialParts, { plan }: SourceState): ProofStage {
  const heardAtMs = raw.heardAtMs(plan.sensor);
  if (heardAtMs === null) {
    const { sensor } = plan;
    const detail = `${sensor} has sent no thermal words since the start: look at its connection`;
    return failed('sensor', 0, detail);
  }
  const ageMs = Math.max(0, clock.monotonicMs() - heardAtMs);
  if (ageMs <= plan.freshnessMs) return passed('sensor', ageMs, `${plan.sensor} sends`);
  const detail =
    `${plan.sensor} has been silent for ${(ageMs / 1000).toFixed(0)} s, ` +
    `${(plan.freshnessMs / 1000).toFixed(0)} s are allowed: look at its supply and connection`;
  return failed('sensor', ageMs, detail);
}

/** Takes what the shadow's intake decodes, before the detector has it. */
class Seen implements FrameSink {
  readonly celsius = new Float32Array(768);
  pictures = 0;
  /** The detector; null while only the decoder is asked. */
  next: FrameSink | null = null;

  accept(celsius: Float32Array, context: Parameters<FrameSink['accept']>[1], atMs: number): void {
    this.celsius.set(celsius);
    this.pictures += 1;
    this.next?.accept(celsius, context, atMs);
  }
}

function* throughDecoder(parts: TrialParts, source: SourceState, raw: RawPicture): Trial {
  const { clock } = parts;
  const { sensor, channel } = source.plan;
  const startedMs = clock.monotonicMs();
  const looked = parts.pictureOf(sensor);
  const own = placeInArea(looked.mount, looked.areas, channel);
  const place = own ?? middlePlace(looked.mount);
  yield;
  const { criticalCelsius } = planAt(source.plan, parts.hours).limits.thermal;
  const targetCelsius = Math.min(criticalCelsius + MARGIN_CELSIUS, HIGHEST_CELSIUS);
  const bank = new EvidenceBank();
  const seen = new Seen();
  const { calibrations } = parts;
  const array = new ShadowArray(sensor, raw, { bank, sink: seen, calibrations }, startedMs);
  const search = new SpotSearch(place);
  yield;
  for (let atMs = startedMs; !search.isDone; atMs += 1) {
    const before = seen.pictures;
    array.send(search.spot, atMs);
    if (seen.pictures === before) seen.celsius.fill(NaN);
    search.narrow(seen.celsius, targetCelsius);
    yield;
  }
  bank.drain();
  const before = seen.pictures;
  array.send(search.spot, startedMs + 1000);
  const why = noDataIn(bank.drain());
  const tookMs = clock.monotonicMs() - startedMs;
  if (seen.pictures === before) {
    return [failed('decode', tookMs, `${sensor}: ${why ?? 'no picture came out'}`)];
  }
  const peakCelsius = Math.max(...place.pixels.map((pixel) => seen.celsius[pixel] ?? NaN));
  const shown = Number.isNaN(peakCelsius) ? 'without a value' : `${peakCelsius.toFixed(0)} C`;
  const where = `row ${place.row}, column ${place.column} of ${sensor}`;
  if (!(peakCelsius >= targetCelsius - MARGIN_CELSIUS / 2)) {
    const detail =
      `at ${where} the hottest that comes out is ${shown}, ${targetCelsius.toFixed(0)} C were ` +
      'wanted: look at the emissivity and the bad pixels of this array';
    return [failed('decode', tookMs, detail)];
  }
  const decoded = passed('decode', tookMs, `a spot of ${shown} at ${where}`);
  if (own === null) {
    const detail =
      `${sensor} has no 3 x 3 pixels of ${channel} that are looked at: masks and other areas ` +
      'cover them, and a fire there is not seen; look at the regions of this sensor';
    return [decoded, failed('detection', 0, detail)];
  }
  yield;
  seen.next = looked.sinkInto(bank);
  yield;
  return [decoded, ...(yield* throughZone(parts, source, { array, search, place, bank }))];
}

interface Made {
  readonly array: ShadowArray;
  readonly search: SpotSearch;
  readonly place: SpotPlace;
  readonly bank: EvidenceBank;
}

function* throughZone(parts: TrialParts, source: SourceState, made: Made): Trial {
  const { clock, panel, hours } = parts;
  const { array, search, place, bank } = made;
  const { sensor } = source.plan;
  const { cadenceMs, delayMs } = cadenceOf(parts, sensor);
  const { budgetMs } = parts.zone.plan;
  const startedMs = clock.monotonicMs();
  const shadow = new ShadowZone(panel, parts.zone, startedMs, hours);
  let atMs = startedMs;
  for (let picture = 0; picture < CLEAN_PICTURES; picture++) {
    atMs += cadenceMs;
    array.send(null, atMs);
    shadow.hear(bank.drain(), atMs, []);
    yield;
  }
  // A fire may begin right after the last clean picture.
  const crossedMs = atMs - delayMs;
  let isSeen = false;
  let told = `${sensor} showed no picture with the spot`;
  let workMs = clock.monotonicMs() - startedMs;
  const findings = (): ProofStage =>
    isSeen
      ? passed('detection', workMs, told)
      : failed('detection', workMs, `${told}: look at regions, masks and the learnt background`);
  while (atMs - crossedMs <= budgetMs + cadenceMs) {
    atMs += cadenceMs;
    array.send(search.spot, atMs);
    const windows = bank.drain();
    const found = findingOf(windows, source, place);
    if (found !== null && !isSeen) ({ isSeen, told } = found);
    workMs = clock.monotonicMs() - startedMs;
    const alarmMs = shadow.hear(windows, atMs, ['alarm']);
    if (alarmMs !== null) return [findings(), judged(parts, alarmMs - crossedMs)];
    yield;
  }
  if (!isSeen) return [findings()];
  const why = shadow.zone?.preAlarm ? 'a pre-alarm, and no alarm' : 'no alarm';
  const { criticalCelsius } = planAt(source.plan, hours).limits.thermal;
  const detail =
    `zone ${parts.zone.plan.id}: ${why} within ${seconds(budgetMs)}, with ${told} and a critical ` +
    `limit of ${criticalCelsius} C: look at limits, smallestPixels and verification of this zone`;
  return [findings(), failed('decision', budgetMs, detail)];
}

function judged({ zone }: TrialParts, tookMs: number): ProofStage {
  const { budgetMs, id } = zone.plan;
  const detail =
    `zone ${id} alarms ${seconds(tookMs)} after the crossing, ` + `budget ${seconds(budgetMs)}`;
  if (tookMs <= budgetMs) return passed('decision', tookMs, detail);
  return failed('decision', tookMs, `${detail}: lower cadence, confirmations or verification`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** What the detector made of the spot; null where it has not spoken. */
function findingOf(
  windows: readonly EvidenceWindow[],
  { plan }: SourceState,
  place: SpotPlace,
): { readonly isSeen: boolean; readonly told: string } | null {
  for (const window of windows) {
    if (window.channel !== plan.channel) continue;
    if (window.kind === 'noData') {
      return { isSeen: false, told: `${plan.sensor}: ${window.reason}, ${window.detail}` };
    }
    if (window.kind !== 'thermal') continue;
    const region = window.worst.regions.find(
      ({ row, column }) =>
        Math.abs(row - place.row) <= NEAR_PIXELS && Math.abs(column - place.column) <= NEAR_PIXELS,
    );
    const where = `row ${place.row}, column ${place.column} of ${plan.sensor}`;
    if (region === undefined) return { isSeen: false, told: `nothing hot was found at ${where}` };
    const peak = region.peakCelsius.toFixed(0);
    return {
      isSeen: true,
      told: `a region of ${peak} C, ${region.areaPixels} pixels, at ${where}`,
    };
  }
  return null;
}

function noDataIn(windows: readonly EvidenceWindow[]): string | null {
  for (const window of windows) {
    if (window.kind === 'noData') return `the decoder says ${window.reason}, ${window.detail}`;
  }
  return null;
}

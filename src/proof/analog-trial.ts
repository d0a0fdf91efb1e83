/**
 * The trial of a zone without a thermal array: readings of one channel that rise over its limit,
 * put into a shadow of the zone where readings become evidence. What lies before that, the
 * converter and its wires, is not proven.
 */
import type { SourceState } from '../alarm/source.ts';
import { qualityOf } from '../alarm/source.ts';
import { channelView } from '../alarm/channel-view.ts';
import { EvidenceBank } from '../domain/evidence-bank.ts';
import type { Role } from '../domain/evidence.ts';
import type { ProofStage } from '../domain/proof.ts';
import { ShadowZone } from './shadow-zone.ts';
import type { Trial, TrialParts } from './trial.ts';
import { cadenceOf, failed, notProven, passed } from './trial.ts';

/** Roles by how well they alarm on their own; flames alone make a pre-alarm (docs/detection.md). */
const PREFERRED: readonly Role[] = [
  ...(['smoke', 'heat', 'gas', 'carbonMonoxide'] as const),
  ...(['flame', 'flameDigital'] as const),
];
const ALONE_A_PRE_ALARM: readonly Role[] = ['flame', 'flameDigital'];
/** A channel at the very end of its range is stuck, not alarming. */
const NEAR_TOP_PERCENT = 96;
const NEAR_BOTTOM_PERCENT = 4;
/** Heights between idle and the end of the range that are tried, lowest first. */
const HEIGHTS = 12;
/** Carbon monoxide alarms by its dose, which takes minutes whatever the budget is. */
const LONGEST_DOSE_MS = 300_000;
/** Readings between two pauses in which the appliance does its real work. */
const PIECE = 20;

/** The channel of a zone with which it is proven; null where it has none. */
export function analogSource(sources: readonly SourceState[]): SourceState | null {
  for (const role of PREFERRED) {
    const found = sources.find(({ plan }) => plan.role === role);
    if (found !== undefined) return found;
  }
  return null;
}

/** Why the channel is not ready to be proven, for people; null where it is. */
export function notReady(source: SourceState, nowMs: number): string | null {
  const quality = qualityOf(source, nowMs);
  const { sensor, channel } = source.plan;
  if (quality === 'learning') return `${sensor} ${channel} is still learning its idle level`;
  return quality === 'warmingUp' ? `${sensor} ${channel} is still warming up` : null;
}

/** Proves one analog or digital channel of a zone. */
export function* analogTrial(parts: TrialParts, source: SourceState): Trial {
  const { clock } = parts;
  const { sensor, channel, freshnessMs, role } = source.plan;
  const nowMs = clock.monotonicMs();
  const ageMs = source.believedAtMs === null ? null : nowMs - source.believedAtMs;
  if (ageMs === null || ageMs > freshnessMs) {
    const since = ageMs === null ? 'never' : `${(ageMs / 1000).toFixed(0)} s ago`;
    const detail =
      `${sensor} ${channel} last said something believable ${since}: look at its connection and ` +
      'at the faults of this sensor';
    return [failed('sensor', ageMs ?? 0, detail)];
  }
  const wanted = ALONE_A_PRE_ALARM.includes(role) ? 'preAlarm' : 'alarm';
  const before: readonly ProofStage[] = [
    passed('sensor', ageMs, `${sensor} ${channel} reads ${(source.value ?? 0).toFixed(1)}`),
    notProven('decode', 0, 'a zone without a thermal array is proven from its readings on'),
  ];
  for (const level of levelsOf(source, nowMs)) {
    const tookMs = yield* raiseTo(parts, source, level, wanted);
    if (tookMs === null) continue;
    const word = wanted === 'alarm' ? 'alarms' : 'gives its pre-alarm';
    const at = `${level.toFixed(1)} on ${sensor} ${channel}`;
    const detail = `zone ${parts.zone.plan.id} ${word} at ${at}`;
    return [...before, passed('decision', tookMs, detail)];
  }
  const detail =
    `zone ${parts.zone.plan.id}: no ${wanted} whatever ${sensor} ${channel} says: look at the ` +
    'limits, the polarity and the learnt idle of this channel';
  return [...before, failed('decision', parts.zone.plan.budgetMs, detail)];
}

/** Readings to try, in percent of full scale, or the one that is active. */
function levelsOf(source: SourceState, nowMs: number): readonly number[] {
  const { role, polarity } = source.plan;
  if (role === 'flameDigital') return [polarity === 'rising' ? 1 : 0];
  const idle = channelView(source, nowMs).idle ?? source.value ?? 0;
  const end = polarity === 'rising' ? NEAR_TOP_PERCENT : NEAR_BOTTOM_PERCENT;
  return Array.from({ length: HEIGHTS }, (_, i) => idle + ((end - idle) * (i + 1)) / HEIGHTS);
}

/** Time from crossing to the event; null where it does not come within the zone's budget. */
function* raiseTo(
  parts: TrialParts,
  source: SourceState,
  level: number,
  wanted: 'alarm' | 'preAlarm',
): Generator<undefined, number | null, undefined> {
  const { clock, panel, zone, hours } = parts;
  const { sensor, channel } = source.plan;
  const { cadenceMs, delayMs } = cadenceOf(parts, sensor);
  const startedMs = clock.monotonicMs();
  const shadow = new ShadowZone(panel, zone, startedMs, hours);
  const bank = new EvidenceBank();
  const crossedMs = startedMs - delayMs;
  const isDose = source.plan.role === 'carbonMonoxide';
  const budgetMs = isDose ? LONGEST_DOSE_MS : zone.plan.budgetMs;
  let readings = 0;
  for (let atMs = startedMs + cadenceMs; atMs - crossedMs <= budgetMs; atMs += cadenceMs) {
    bank.level(sensor, channel).add(level, atMs);
    const toldMs = shadow.hear(bank.drain(), atMs, [wanted]);
    if (toldMs !== null) return toldMs - crossedMs;
    readings += 1;
    if (readings % PIECE === 0) yield;
  }
  yield;
  return null;
}

/** The arithmetic of delays, so that a configuration that cannot be in time is refused. */
import type { Role, SourceRef } from '../domain/evidence.ts';
import { EEPROM_STRETCH_MS } from '../domain/line-protocol/board-profile.ts';
import type { ZoneId } from '../domain/units.ts';
import { shortestDelayMs } from './duty.ts';
import type { PanelPlan, SensorPlan, SourcePlan, ZonePlan } from './plan.ts';
import { BOARD_CADENCE_MS } from './plan.ts';

/** Longest wait for a step when no input asks for one earlier. */
export const STEP_MS = 100;

export interface SourceBudget extends SourceRef {
  readonly zone: ZoneId;
  readonly role: Role;
  /** From the signal crossing its limit to the output, at worst. */
  readonly worstMs: number;
  readonly budgetMs: number;
  readonly withinBudget: boolean;
  /** Longest time that a model may add by taking it for harmless; not part of `worstMs`. */
  readonly holdBackMs: number;
  /** How much longer the first of the outputs waits; not part of `worstMs`: declared on its own. */
  readonly outputDelayMs: number;
  /** The arithmetic, for the message that refuses a configuration. */
  readonly text: string;
}

/**
 * Worst case per configured source: readings x cadence (the first reading comes up to one cadence
 * after the crossing), once the longer cycle of an EEPROM answer, the delay of filters,
 * verification, one step.
 *
 * Where a trained model takes a fire-like region for harmless, the alarm may come up to the
 * source's hold-back later. That time is declared on its own and no part of the budget: it is never
 * spent on a region that the model does not know, or is not sure of.
 */
export function timeBudget(plan: PanelPlan): readonly SourceBudget[] {
  const sensors = new Map(plan.sensors.map((sensor) => [sensor.sensor, sensor]));
  const outputDelayMs = shortestDelayMs(plan);
  const waits =
    outputDelayMs === 0 ? '' : `; every alarm output waits at least ${seconds(outputDelayMs)} more`;
  return plan.zones.flatMap((zone) =>
    zone.sources.map((source) => {
      const budget = budgetOf(zone, source, sensors.get(source.sensor));
      return { ...budget, outputDelayMs, text: budget.text + waits };
    }),
  );
}

function budgetOf(
  zone: ZonePlan,
  source: SourcePlan,
  sensor: SensorPlan | undefined,
): Omit<SourceBudget, 'outputDelayMs'> {
  const cadenceMs = sensor?.cadenceMs ?? BOARD_CADENCE_MS;
  const stretchMs = sensor?.cycleStretchMs ?? EEPROM_STRETCH_MS;
  const delayMs = sensor?.delayMs ?? 0;
  // confirmMs runs from the first confirming reading to the last, in whole cycles.
  const held = source.confirmMs > 0 ? 1 + Math.ceil(source.confirmMs / cadenceMs) : 1;
  const readings = Math.max(source.confirmations, held);
  const worstMs = readings * cadenceMs + stretchMs + delayMs + zone.verificationMs + STEP_MS;
  const withinBudget = worstMs <= zone.budgetMs;
  const text =
    `${readings} readings x ${seconds(cadenceMs)}` +
    (stretchMs > 0 ? ` + ${seconds(stretchMs)} longer cycle` : '') +
    (delayMs > 0 ? ` + ${seconds(delayMs)} filters` : '') +
    ` + ${seconds(zone.verificationMs)} verification + ${seconds(STEP_MS)} step` +
    ` = ${seconds(worstMs)}, ${withinBudget ? 'within' : 'over'} the budget of` +
    ` ${seconds(zone.budgetMs)}${holdBackText(source)}`;
  return {
    zone: zone.id,
    sensor: source.sensor,
    channel: source.channel,
    role: source.role,
    worstMs,
    budgetMs: zone.budgetMs,
    withinBudget,
    holdBackMs: source.role === 'thermal' ? longest(source, 'holdBackMs') : 0,
    text,
  };
}

/** Of working hours and others. */
function longest({ limits, otherHours }: SourcePlan, of: 'holdBackMs' | 'holdBackCriticalMs') {
  return Math.max(limits.vision[of], otherHours?.off.limits.vision[of] ?? 0);
}

function holdBackText(source: SourcePlan): string {
  if (source.role !== 'thermal') return '';
  const holdBackMs = longest(source, 'holdBackMs');
  if (holdBackMs <= 0) return '';
  return (
    `; up to ${seconds(holdBackMs)} more where a model takes it for harmless,` +
    ` ${seconds(longest(source, 'holdBackCriticalMs'))} at critical`
  );
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}

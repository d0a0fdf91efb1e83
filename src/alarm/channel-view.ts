/** What is shown of one channel: its value in its unit, how it gets ready, estimates for people. */
import type { Role } from '../domain/evidence.ts';
import { estimateOf, gasRatio } from '../domain/gas.ts';
import type { SourceView } from '../domain/view.ts';
import { inRange } from './channel-setup.ts';
import type { SourcePlan } from './plan.ts';
import type { ChannelFacts } from './rule.ts';
import { channelFacts } from './source.ts';
import type { SourceState } from './source.ts';

const UNITS: Readonly<Record<Role, string>> = {
  thermal: 'celsius',
  smoke: 'percent',
  gas: 'percent',
  flame: 'percent',
  flameDigital: 'state',
  carbonMonoxide: 'ppm',
  heat: 'celsius',
};

export type ChannelView = Pick<
  SourceView,
  'value' | 'unit' | 'idle' | 'estimate' | 'warmUpLeftMs' | 'learningPercent' | 'dosePercent'
>;

export function channelView(source: SourceState, nowMs: number): ChannelView {
  const { plan } = source;
  const facts = channelFacts(source);
  const untilMs = facts?.warmUpUntilMs ?? null;
  return {
    // What sits at a rail and is no evidence is no value either.
    value: source.value === null || facts?.blind === true ? null : inUnit(source.value, plan),
    unit: UNITS[plan.role],
    idle: facts?.idlePercent ?? null,
    estimate: estimateFor(source.value, plan, facts),
    warmUpLeftMs: untilMs === null ? null : Math.max(0, untilMs - nowMs),
    learningPercent: facts?.learningPercent ?? null,
    dosePercent: facts?.dosePercent ?? null,
  };
}

function inUnit(value: number, plan: SourcePlan): number {
  const { role, polarity, setup } = plan;
  if (role !== 'carbonMonoxide' && role !== 'heat') return value;
  return inRange(polarity === 'rising' ? value : 100 - value, setup.range);
}

/** Only of a gas channel that is warm and knows its clean air: before, it would mean nothing. */
function estimateFor(
  value: number | null,
  { role, polarity, setup }: SourcePlan,
  facts: ChannelFacts | null,
): SourceView['estimate'] {
  if (role !== 'gas' || setup.gas === null || value === null || facts === null) return null;
  if (facts.phase !== 'learnt' || facts.idlePercent === null || facts.blind) return null;
  const turned = (percent: number) => (polarity === 'rising' ? percent : 100 - percent);
  const ratio = gasRatio(turned(value), turned(facts.idlePercent), setup.divider);
  return estimateOf(setup.gas, ratio);
}

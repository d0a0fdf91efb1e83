/** The plans of the walk, each with the letters that mean something in it. */
import { makePlan } from '../../src/alarm/make-plan.ts';
import type { PlanInput, SourceInput, ZoneInput } from '../../src/alarm/make-plan.ts';
import type { PanelPlan } from '../../src/alarm/plan.ts';
import { HALL, STORE } from './make.ts';
import type { Letter } from './walk-letters.ts';
import * as letters from './walk-letters.ts';

export interface WalkPlan {
  readonly name: string;
  readonly plan: PanelPlan;
  readonly letters: readonly Letter[];
}

export const FRESHNESS_MS = 10_000;
const THERMAL: SourceInput = { sensor: letters.A, channel: 'thermal', role: 'thermal' };
const OUTPUTS = [{ id: letters.SIREN, role: 'siren' }] as const;
const DELAYS = { siren: 8_000, strobe: 4_000, alarmRelay: 8_000 };

/** One zone of one array, and more where it is told. */
export function walkedPlan(zone: Partial<ZoneInput>, more: Partial<PlanInput> = {}): PanelPlan {
  const hall = { id: HALL, name: 'Hall', confirmations: 1, freshnessMs: FRESHNESS_MS };
  return makePlan({
    outputs: OUTPUTS,
    ...more,
    zones: [{ ...hall, sources: [THERMAL], ...zone }, ...(more.zones ?? [])],
  });
}

const { EVIDENCE, PEOPLE, TIME, DUTY, LIMITED, TECHNICAL, MODEL, CHANNELS, SECOND, HOURS } =
  letters;

export const WALKS: readonly WalkPlan[] = [
  {
    name: 'plain',
    plan: walkedPlan({ offHours: { thermal: { limitCelsius: 45 } } }),
    letters: [...EVIDENCE, ...PEOPLE, ...LIMITED, ...TECHNICAL, ...HOURS, ...TIME],
  },
  {
    name: 'verification',
    plan: walkedPlan({ verificationMs: 5_000, confirmations: 2, confirmMs: 1_000 }),
    letters: [...EVIDENCE, ...PEOPLE, ...LIMITED, ...DUTY, ...TIME],
  },
  {
    name: 'delays',
    plan: walkedPlan({}, { delaysMs: DELAYS }),
    letters: [...EVIDENCE, ...PEOPLE, ...DUTY, ...LIMITED, ...TIME],
  },
  {
    name: 'hold-back',
    plan: walkedPlan({
      verificationMs: 2_000,
      limits: { vision: { holdBackMs: 6_000, holdBackCriticalMs: 3_000 } },
    }),
    letters: [...EVIDENCE, ...MODEL, ...PEOPLE, ...LIMITED, ...TIME],
  },
  {
    name: 'channels',
    plan: walkedPlan({
      sources: [
        THERMAL,
        { sensor: letters.A, channel: 'DIO', role: 'flameDigital' },
        { sensor: letters.A, channel: 'ADC1', role: 'smoke' },
        { sensor: letters.A, channel: 'ADC3', role: 'gas', warmUpMs: 15_000 },
      ],
    }),
    letters: [...EVIDENCE, ...CHANNELS, ...PEOPLE, ...TIME],
  },
  {
    name: 'two zones',
    plan: walkedPlan(
      {},
      {
        delaysMs: DELAYS,
        zones: [
          {
            id: STORE,
            name: 'Store',
            confirmations: 1,
            freshnessMs: FRESHNESS_MS,
            sources: [{ sensor: letters.B, channel: 'thermal', role: 'thermal' }],
          },
        ],
      },
    ),
    letters: [...EVIDENCE, ...SECOND, ...PEOPLE, ...DUTY, ...LIMITED, ...TIME],
  },
];

const named = (...names: readonly string[]): readonly Letter[] =>
  [...EVIDENCE, ...PEOPLE, ...DUTY, ...LIMITED].filter(({ name }) => names.includes(name));

/** Few letters, without time but that of the readings: longer sequences for the same cost. */
export const FEW: readonly WalkPlan[] = [
  {
    name: 'latch and delays',
    plan: walkedPlan({}, { delaysMs: { siren: 2_000, strobe: 1_000, alarmRelay: 2_000 } }),
    letters: named('fire', 'cool', 'acknowledge', 'silence', 'reset', 'press', 'release', 'sound'),
  },
  {
    name: 'verification',
    plan: walkedPlan({ verificationMs: 3_000, confirmations: 2 }),
    letters: named('fire', 'cool', 'silence', 'reset', 'button'),
  },
  {
    name: 'maintenance',
    plan: walkedPlan({}, { delaysMs: { siren: 2_000, strobe: 1_000, alarmRelay: 2_000 } }),
    letters: named('fire', 'cool', 'silence', 'reset', 'maintenance', 'endMaintenance', 'sound'),
  },
];

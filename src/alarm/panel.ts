/**
 * The panel: one pure step from what was known and what came in to what is known now.
 *
 * Words, one meaning each:
 * - `sensor`: a device that reports. `source`: one physical channel of one sensor.
 * - `rule`: judges the evidence of one source. `zone`: the area that alarms as one.
 * - `verifying`: suspect, waiting to be confirmed. `coincidence`: two sources must agree.
 * - `pre-alarm`: early warning, not latched. `alarm`: fire condition, latched.
 * - `supervisory`: off-normal state of a guarded function. `fault`: failure of the appliance or of
 *   something it watches.
 * - `latch`: stays until reset. `acknowledge`: seen by a person, quiets the buzzer; anything new in
 *   the zone wants a new one. `silence`: stops the siren, not strobes or relays; a new alarm in any
 *   zone lifts it. `reset`: returns to normal if the causes are gone, else it alarms again at once.
 * - `disabled`, for a limited time: a zone decides nothing and keeps what is latched; a sensor is
 *   heard and has no vote; an output line is not driven. `walk test`: activations are told and
 *   drive no output, for a limited time; evidence still there at its end alarms.
 * - `delay`: outputs wait after the first automatic alarm (duty-turns.ts says what ends it).
 *   `maintenance`: a lease that holds siren, strobe and alarm relay off, drops the fault relay, and
 *   hides nothing: what has alarmed sounds when it ends.
 *
 * Order within a step: inputs of people, commands, faults, notices, evidence, then each touched or
 * due zone decides. So a silence or reset never covers an alarm that came in the same step.
 *
 * What the panel can put on the alarm lane at worst, per zone: 22 pre-alarm events in the first
 * hour and 12 an hour after that (facts.ts, zone.ts); one alarm per latch transition, which takes
 * a reset (ten at once, then one a second) or one more call point.
 */
import type { CommandOutcome } from '../domain/command.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { StepInputs } from '../domain/step.ts';
import { obey } from './commands.ts';
import type { Panel } from './draft.ts';
import { Draft } from './draft.ts';
import { takeFault, takeNotice, takeSignal, takeWindow } from './intake.ts';
import type { PanelPlan } from './plan.ts';
import { startPanel } from './start.ts';

export type { Panel } from './draft.ts';
export { restorePanel } from './restore.ts';
export { toSnapshot } from './snapshot.ts';
export { conditionOf, disabledOutputsOf, outputsOf, viewOf } from './view.ts';

export interface StepResult {
  readonly panel: Panel;
  readonly events: readonly DomainEvent[];
  /** One per command, also for repeated ones, in their order; buttons are answered too. */
  readonly outcomes: readonly CommandOutcome[];
}

/** A panel that has heard nothing yet; what the plan names is supervised from `nowMs`. */
export function createPanel(plan: PanelPlan, nowMs: number): Panel {
  return startPanel(plan, nowMs, new Map());
}

const NOTHING: readonly never[] = [];

/**
 * One step. Pure, never throws, and costs what the inputs touch.
 * @param nowMs monotonic; must not go back from step to step.
 */
export function stepPanel(panel: Panel, inputs: StepInputs, nowMs: number): StepResult {
  const { windows, notices, faults, signals, commands } = inputs;
  const news = windows.length + notices.length + faults.length + signals.length + commands.length;
  if (news === 0 && nowMs < panel.nextDueMs) return { panel, events: NOTHING, outcomes: NOTHING };
  const draft = new Draft(panel, nowMs);
  for (const signal of signals) takeSignal(draft, signal);
  for (const request of commands) obey(draft, request);
  for (const notice of faults) takeFault(draft, notice);
  for (const notice of notices) takeNotice(draft, notice);
  for (const window of windows) takeWindow(draft, window, inputs.hours);
  const next = draft.finish();
  return { panel: next, events: draft.events, outcomes: draft.outcomes };
}

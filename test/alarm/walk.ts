/**
 * Walks all sequences of inputs to a depth, breadth first; panels that are the same by `canonical`
 * are walked on once. In every step the invariants are checked, and in every new state what a
 * restart leaves of it and that nothing happens before it is due.
 */
import { createHash } from 'node:crypto';
import { startCommands } from '../../src/alarm/commands.ts';
import type { Panel } from '../../src/alarm/panel.ts';
import { createPanel, stepPanel, viewOf } from '../../src/alarm/panel.ts';
import type { StepInputs } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import type { PanelView } from '../../src/domain/view.ts';
import { canonical } from './walk-canon.ts';
import type { Ghost } from './walk-ghost.ts';
import { checkGhost, followGhost, ghostForm, NO_GHOST } from './walk-ghost.ts';
import type { Exercised } from './walk-invariants.ts';
import { checkStep, must } from './walk-invariants.ts';
import type { Letter } from './walk-letters.ts';
import type { WalkPlan } from './walk-plans.ts';
import { checkRestart } from './walk-restart.ts';

export interface Node {
  readonly panel: Panel;
  readonly nowMs: number;
  readonly ghost: Ghost;
  /** What led here. */
  readonly path: readonly string[];
}

export interface Walked {
  readonly states: number;
  readonly transitions: number;
  /** States that were reached first at each depth; 0 at the last one: all there are. */
  readonly newAtDepth: readonly number[];
  readonly merged: number;
  /** Merged states of which every next step was compared with that of the state kept. */
  readonly compared: number;
  /** What others can see after any of the steps. */
  readonly signatures: ReadonlySet<string>;
}

export interface WalkOptions {
  readonly depth: number;
  /** False: every sequence is walked by itself. */
  readonly merge: boolean;
  /** Of how many merges the next steps are compared. */
  readonly compare: number;
  /** Stops at so many states. */
  readonly mostStates: number;
  /** Whether to collect signatures: they cost memory. */
  readonly sign: boolean;
  readonly exercised: Exercised;
}

export const USUAL: Omit<WalkOptions, 'depth' | 'exercised'> = {
  merge: true,
  compare: 0,
  mostStates: Infinity,
  sign: false,
};

/** Where a walk begins: the sensors have spoken once. */
export function startNode({ plan }: WalkPlan): Node {
  const panel = freeze(stepPanel(createPanel(plan, 0), NO_INPUTS, 0).panel);
  return { panel, nowMs: 0, ghost: NO_GHOST, path: [] };
}

/** A node that was just reached. */
export interface Reached extends Node {
  /** What others can see of the step and after it. */
  readonly seen: string;
  /** What must hold of the state itself, and of a restart after or in this step. */
  readonly checkState: () => void;
}

/** One step with every invariant of a step; throws with the whole way that led to it. */
export function takeStep(node: Node, letter: Letter, exercised: Exercised): Reached {
  const path = [...node.path, letter.name];
  return naming(path, () => {
    const nowMs = node.nowMs + letter.after(node.panel, node.nowMs);
    const inputs: StepInputs = { ...NO_INPUTS, ...letter.inputs(nowMs) };
    const was = viewOf(node.panel, node.nowMs);
    const result = stepPanel(node.panel, inputs, nowMs);
    const is = viewOf(result.panel, nowMs);
    checkStep({ before: node.panel, was, result, is, inputs, nowMs, exercised });
    const ghost = followGhost(node.ghost, letter, result.panel, nowMs);
    checkGhost(ghost, result.panel, nowMs, exercised);
    // Requests are never repeated here, and resets are limited in time: both have tests of their own.
    const panel = freeze({ ...result.panel, commands: startCommands(nowMs) });
    const types = result.events.map(({ type }) => type);
    const checkState = () =>
      naming(path, () => {
        checkRestart(node.panel, result, nowMs, exercised);
        checkDue(result.panel, nowMs, exercised);
      });
    return {
      panel,
      nowMs,
      ghost,
      path,
      seen: `${types.join()} ${signature(is, nowMs)}`,
      checkState,
    };
  });
}

function naming<T>(path: readonly string[], act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}; after ${path.join(', ')}`, { cause: error });
  }
}

/** Nothing happens before it is due: a step that is forced then changes nothing that is seen. */
function checkDue(panel: Panel, nowMs: number, exercised: Exercised): void {
  const atMs = Math.min(panel.nextDueMs, nowMs + 1_000_000) - 1;
  if (atMs <= nowMs) return;
  const zones = panel.zones.map((zone) => ({ ...zone, dueMs: -Infinity }));
  const forced = stepPanel({ ...panel, zones, nextDueMs: -Infinity }, NO_INPUTS, atMs);
  const same = seenOf(forced.panel, atMs) === seenOf(panel, atMs);
  must({ exercised }, 'nothing is due before its time', forced.events.length === 0 && same);
}

function seenOf(panel: Panel, nowMs: number): string {
  return signature(viewOf(panel, nowMs), nowMs);
}

/** What others can see, with times from now and without texts. */
export function signature(view: PanelView, nowMs: number): string {
  const zones = view.zones.map((zone) => [
    zone.condition,
    zone.alarm !== null,
    zone.preAlarm !== null,
    [zone.verifying, zone.acknowledged, zone.silenced],
    (zone.disabledUntilMs ?? nowMs) - nowMs,
    (zone.testUntilMs ?? nowMs) - nowMs,
    zone.faults.map(({ fault }) => fault),
    zone.supervisory.map(({ fault }) => fault),
  ]);
  return JSON.stringify([
    zones,
    view.sources.map(({ quality, value }) => [quality, value]),
    view.outputs,
    view.faults.map(({ fault }) => fault),
    view.supervisory.map(({ fault }) => fault),
    view.disabledSensors.map(({ untilMs }) => untilMs - nowMs),
    view.disabledOutputs.map(({ untilMs }) => untilMs - nowMs),
    view.delayed.map(({ role, soundsAtMs }) => [role, soundsAtMs - nowMs]),
    (view.maintenanceUntilMs ?? nowMs) - nowMs,
  ]);
}

/** No step may change the panel that it was given: every one is frozen to the ground. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const field of Object.values(value)) freeze(field);
  return value;
}

const keyOf = ({ panel, nowMs, ghost }: Node): string =>
  createHash('sha1')
    .update(canonical(panel, nowMs) + ghostForm(ghost, nowMs))
    .digest('base64');

export function walk(plan: WalkPlan, options: WalkOptions): Walked {
  const { depth, merge, compare, mostStates, sign, exercised } = options;
  const start = startNode(plan);
  const known = new Map<string, Node | null>([[keyOf(start), start]]);
  const signatures = new Set<string>();
  const newAtDepth: number[] = [];
  let frontier: Node[] = [start];
  let transitions = 0;
  let merged = 0;
  let compared = 0;
  for (let at = 1; at <= depth && frontier.length > 0; at += 1) {
    const next: Node[] = [];
    for (const node of frontier) {
      for (const letter of plan.letters) {
        const reached = takeStep(node, letter, exercised);
        transitions += 1;
        if (sign) signatures.add(reached.seen);
        const key = keyOf(reached);
        const twin = known.get(key);
        if (merge && twin !== undefined) {
          merged += 1;
          if (twin === null || compared >= compare) continue;
          compared += 1;
          sameFuture(plan, twin, reached, exercised);
          continue;
        }
        if (twin === undefined) reached.checkState();
        known.set(key, compared < compare ? nodeOf(reached) : null);
        if (known.size < mostStates) next.push(nodeOf(reached));
      }
    }
    newAtDepth.push(next.length);
    frontier = next;
  }
  return { states: known.size, transitions, newAtDepth, merged, compared, signatures };
}

/** Without what is only of the step. */
function nodeOf({ panel, nowMs, ghost, path }: Reached): Node {
  return { panel, nowMs, ghost, path };
}

/** That two panels of one canonical form go on alike, whatever comes next. */
function sameFuture(plan: WalkPlan, kept: Node, other: Node, exercised: Exercised): void {
  for (const letter of plan.letters) {
    const a = takeStep(kept, letter, exercised);
    const b = takeStep(other, letter, exercised);
    const same = a.seen === b.seen && keyOf(a) === keyOf(b);
    if (same) continue;
    const ways = `${a.path.join(', ')} | ${b.path.join(', ')}`;
    const forms = `${canonical(a.panel, a.nowMs)}\n${canonical(b.panel, b.nowMs)}`;
    throw new Error(`broken: merged states differ: ${ways}\n${a.seen}\n${b.seen}\n${forms}`);
  }
}

/** What a valid configuration makes of the alarm outputs, told to whoever checks it; pure. */
import { timeBudget } from './alarm/budget.ts';
import { shortestDelayMs } from './alarm/duty.ts';
import type { Config } from './config-schema.ts';
import { DELAYED_ROLES } from './domain/view.ts';
import { panelPlanOf } from './plan.ts';

const OVERRIDE = 'a manual call point, a second zone in alarm or `embereye sound` ends the wait';

/**
 * Delays that somebody may not be aware of: a line for each delayed output and, where none warns at
 * once, one for each zone with the whole time from crossing to the first output. Delays are no part
 * of the time budget: they are an installer's decision, and shown wherever it matters.
 */
export function delayNotes(config: Config): readonly string[] {
  const { delays } = config.panel;
  const roles = DELAYED_ROLES.filter((role) => delays[role].seconds > 0);
  if (roles.length === 0) return [];
  const notes = roles.map((role) => {
    const wired = config.gpio.outputs.filter((output) => output.role === role);
    const lines = wired.length === 0 ? 'no line' : wired.map(({ id }) => id).join(', ');
    const waits = `waits ${delays[role].seconds} s after the first automatic alarm`;
    return `${role} (${lines}) ${waits}; ${OVERRIDE}`;
  });
  const plan = panelPlanOf(config);
  const delayMs = shortestDelayMs(plan);
  if (delayMs === 0) return notes;
  const budgets = timeBudget(plan);
  const zones = config.zones.map(({ id }) => {
    const inZone = budgets.filter(({ zone }) => zone === id);
    const worstMs = Math.max(...inZone.map((each) => each.worstMs));
    const sum = `${seconds(worstMs)} + ${seconds(delayMs)} = ${seconds(worstMs + delayMs)}`;
    return `zone ${id}: no alarm output warns at once: ${sum} from crossing to the first of them`;
  });
  return [...notes, ...zones];
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}

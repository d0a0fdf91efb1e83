/**
 * A zone that never was: a copy of the live one as it stands, with its learnt idles, limits and
 * disablements, stepped by the live panel's own code in a time of its own. The panel is immutable,
 * so the copy is the panel's own state, and what happens to it ends with it.
 */
import type { Panel } from '../alarm/panel.ts';
import { stepPanel } from '../alarm/panel.ts';
import { routesOf } from '../alarm/routes.ts';
import type { ZoneState } from '../alarm/zone-state.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { EvidenceWindow } from '../domain/evidence.ts';
import type { Hours } from '../domain/step.ts';
import { NO_INPUTS } from '../domain/step.ts';

/** The appliance steps at least this often. */
const TICK_MS = 100;

export class ShadowZone {
  #panel: Panel;
  #nowMs: number;
  readonly #hours: Hours | null;

  constructor(live: Panel, zone: ZoneState, nowMs: number, hours: Hours | null) {
    this.#panel = { ...live, zones: [zone], routes: routesOf([zone]) };
    this.#nowMs = nowMs;
    this.#hours = hours;
  }

  get zone(): ZoneState | undefined {
    return this.#panel.zones[0];
  }

  /**
   * Lets time go by to `untilMs`, with the ticks in between, and then hands over what came.
   * @returns when the zone first told one of these, or null
   */
  hear(
    windows: readonly EvidenceWindow[],
    untilMs: number,
    wanted: readonly DomainEvent['type'][],
  ): number | null {
    for (let atMs = this.#nowMs + TICK_MS; atMs < untilMs; atMs += TICK_MS) {
      if (this.#panel.nextDueMs <= atMs && this.#step([], atMs, wanted)) return atMs;
    }
    return this.#step(windows, untilMs, wanted) ? untilMs : null;
  }

  #step(
    windows: readonly EvidenceWindow[],
    nowMs: number,
    wanted: readonly DomainEvent['type'][],
  ): boolean {
    const inputs = { ...NO_INPUTS, windows, hours: this.#hours };
    const { panel, events } = stepPanel(this.#panel, inputs, nowMs);
    this.#panel = panel;
    this.#nowMs = nowMs;
    return events.some(({ type }) => wanted.includes(type));
  }
}

/** What a start does before the core steps: outputs at once, then all that the last run left. */
import { Annunciator } from './alarm/annunciator.ts';
import { disabledOutputsOf, outputsOf } from './alarm/panel.ts';
import type { Memory } from './appliance-parts.ts';
import type { ApplianceOptions } from './appliance.ts';
import type { Core } from './core.ts';
import type { FaultNotice } from './domain/step.ts';
import { clockQualityOf } from './hal/box/clock-state.ts';
import { openLines } from './outputs.ts';
import type { OpenedLines } from './outputs.ts';
import { panelPlanOf } from './plan.ts';
import { restoreFromMemory, restoreFully } from './recovery.ts';
import type { Moment, Recovered } from './recovery.ts';
import type { OpenStore } from './store/journal-client.ts';

/** Takes trouble from the first moment on, and hands it to the core once there is one. */
export class Teller {
  readonly #early: FaultNotice[];
  #core: Core | null = null;

  constructor(initial: readonly FaultNotice[]) {
    this.#early = [...initial];
  }

  to(core: Core): void {
    this.#core = core;
    for (const notice of this.#early) core.fault(notice);
  }

  notice(notice: FaultNotice): void {
    if (this.#core === null) this.#early.push(notice);
    else this.#core.fault(notice);
  }

  trouble({ kind, detail, raised }: { kind: string; detail: string; raised: boolean }): void {
    // Room for an outage that may come: nothing of the alarm path is missing yet.
    const supervisory = kind === 'storeFilling';
    this.notice({ fault: kind, subject: 'store', detail, raised, supervisory });
  }
}

/**
 * Opens the lines at the levels that the restored panel wants: no gap between two runs. The fault
 * relay rises with the first step: until then nobody watches.
 */
export function driveRestored(options: ApplianceOptions, memory: Memory): OpenedLines {
  const { config, clock, random, hardware } = options;
  const nowMs = clock.monotonicMs();
  const plan = panelPlanOf(config);
  const { events } = memory.ring.recovered;
  const { panel } = restoreFromMemory(plan, memory.snapshot, events, momentOf(options));
  const levels = { ...outputsOf(panel, nowMs), faultRelay: false };
  const disabled = disabledOutputsOf(panel);
  const lines = openLines(config, hardware.gpio, levels, { clock, random }, disabled);
  // Failures show again, as faults, with the first step.
  new Annunciator(lines.outputs).drive(levels, nowMs, disabled);
  return lines;
}

/** Times left count on through a restart only by a wall clock that can be trusted. */
function momentOf({ clock, clockState }: ApplianceOptions): Moment {
  const trusted = clockQualityOf(clockState)() === 'synchronised';
  return { nowMs: clock.monotonicMs(), wallMs: trusted ? clock.wallMs() : null };
}

/** The panel, from snapshot, ring and journal. */
export async function recover(
  options: ApplianceOptions,
  memory: Memory,
  store: OpenStore,
): Promise<Recovered> {
  const { config, log } = options;
  const recovered = await restoreFully(
    panelPlanOf(config),
    memory.snapshot,
    memory.ring.recovered.events,
    store.journal,
    store.recovered.stored,
    () => momentOf(options),
  );
  for (const problem of recovered.problems) {
    log('error', 'part of the former state could not be restored', { problem });
  }
  return recovered;
}

/** The event with which a run begins. */
export function startedEvent({ version, configHash }: ApplianceOptions, recovered: Recovered) {
  const { restoredAlarms, recoveredEvents } = recovered;
  return {
    lane: 'system',
    type: 'started',
    data: { version, configHash, restoredAlarms, recoveredEvents: recoveredEvents.length },
  } as const;
}

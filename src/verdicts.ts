/** What probes are told: pure, from numbers that real work leaves behind. */
import type { Verdict } from './health-server.ts';
import type { Progress } from './runtime.ts';
import type { PanelView } from './domain/view.ts';

/** A step that has not ended for this long has stopped. */
export const STEP_STALLED_MS = 2000;

/**
 * Judges the step and the outputs only: these are what a restart mends. A dead sensor, broker, disk
 * or model is a fault, never a reason to restart.
 * @param outputs lines configured, and successful writes since the last verdict.
 */
export function healthOf(progress: Progress, nowMs: number, outputs: OutputProgress): Verdict {
  const sinceStepMs = Math.round(nowMs - progress.lastStepMs);
  const stepping = progress.steps > 0 && sinceStepMs < STEP_STALLED_MS;
  const driving = outputs.lines === 0 || nowMs - outputs.lastWriteMs < STEP_STALLED_MS;
  return {
    ok: stepping && driving,
    detail: { stepping, driving, sinceStepMs, steps: progress.steps, slips: progress.slips },
  };
}

export interface OutputProgress {
  readonly lines: number;
  /** When a line was last written without error. */
  readonly lastWriteMs: number;
}

/** Whether all that the appliance watches and uses works, and nobody holds its outputs off. */
export function readyOf(view: PanelView, store: string, brokers: readonly boolean[]): Verdict {
  const faults = [...view.faults, ...view.zones.flatMap((zone) => zone.faults)];
  const connected = brokers.length === 0 || brokers.some(Boolean);
  return {
    ok: faults.length === 0 && store === 'durable' && connected && view.maintenanceUntilMs === null,
    detail: {
      condition: view.condition,
      maintenance: view.maintenanceUntilMs !== null,
      store,
      brokersConnected: brokers.filter(Boolean).length,
      faults: faults.map(({ fault, subject, detail }) => ({ fault, subject, detail })),
    },
  };
}

/** Counts what passes through the steps, for metrics; keeps nothing else. */
import type { CoreHooks } from './core.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics, Sample } from './metrics.ts';
import type { StepReport } from './runtime.ts';

export class Meter {
  readonly events = new Map<string, number>();
  readonly commands = new Map<string, number>();
  readonly decided = { packets: 0, frames: 0 };
  readonly metrics: Metrics;
  readonly hooks: CoreHooks;
  #read: () => Iterable<Sample> = () => [];

  /** @param outer told first; the meter adds its own counting. */
  constructor(outer: CoreHooks | undefined) {
    this.metrics = createMetrics(() => this.#read());
    this.hooks = {
      onFrame: (sensor, celsius) => outer?.onFrame?.(sensor, celsius),
      onStep: (report) => {
        this.#count(report);
        outer?.onStep?.(report);
      },
      onCommit: (receipt) => outer?.onCommit?.(receipt),
      onPublished: (latencyMs, ...what) => {
        this.metrics.observe('embereye_uplink_publish_seconds', latencyMs / 1000);
        outer?.onPublished?.(latencyMs, ...what);
      },
    };
  }

  /** Where counters and gauges are read at a scrape. */
  readFrom(read: () => Iterable<Sample>): void {
    this.#read = read;
  }

  #count({ inputs, events, nowMs, startedMs }: StepReport): void {
    for (const { lane, type } of events) add(this.events, `${lane}/${type}`);
    for (const { command } of inputs.commands) add(this.commands, command.kind);
    if (inputs.windows.length === 0) return;
    let oldestMs = nowMs;
    // A packet's readings reach the bank together, so the busiest channel counts its packets.
    const packets = new Map<string, number>();
    for (const window of inputs.windows) {
      if (window.kind === 'noData' || window.kind === 'opinion') continue;
      if (window.firstAtMs < oldestMs) oldestMs = window.firstAtMs;
      if (window.kind === 'level') {
        const most = packets.get(window.sensor) ?? 0;
        if (window.count > most) packets.set(window.sensor, window.count);
      } else if (window.last.calibrated) this.decided.frames += window.frames;
    }
    for (const count of packets.values()) this.decided.packets += count;
    this.metrics.observe('embereye_decision_seconds', (nowMs - oldestMs) / 1000);
    this.metrics.observe('embereye_step_seconds', (nowMs - startedMs) / 1000);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Where the harness can come between the parts of the appliance; each seam does nothing alone. */
import type { Panel } from '../../src/alarm/panel.ts';
import type { PanelPlan } from '../../src/alarm/plan.ts';
import type { Config } from '../../src/config-schema.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { Lane } from '../../src/domain/event.ts';
import type { Clock, Journal } from '../../src/domain/ports.ts';
import type { Ring, Stamper } from '../../src/core.ts';
import type { Runtime } from '../../src/runtime.ts';
import type { StartWriter } from '../../src/store/writer-link.ts';
import type { Link } from '../../src/uplink/link.ts';
import type { PixelMemory } from '../../src/vision/pixel-memory.ts';

export type WriteLine = (id: string, active: boolean) => 'write' | 'swallow';

export interface Seams {
  readonly bytes: (bytes: Uint8Array) => Uint8Array;
  readonly bank: () => EvidenceBank;
  readonly ring: (ring: Ring) => Ring;
  readonly stamper: (stamper: Stamper) => Stamper;
  readonly lastSeq: (lastSeq: Readonly<Record<Lane, number>>) => Readonly<Record<Lane, number>>;
  readonly journal: (journal: Journal) => Journal;
  readonly link: (link: Link, clock: Clock) => Link;
  readonly line: (clock: Clock, panel: () => Panel | null) => WriteLine;
  readonly config: (config: Config) => Config;
  readonly plan: (plan: PanelPlan) => PanelPlan;
  readonly memory: (memory: PixelMemory) => PixelMemory;
  readonly writer: (start: StartWriter, clock: Clock) => StartWriter;
  readonly coreClock: (clock: Clock) => Clock;
  /** What a start finds of the panel's snapshot. */
  readonly snapshot: (value: unknown) => unknown;
  /** Whether the ring file of the former process is found. */
  readonly findsRing: boolean;
  readonly started: (parts: {
    readonly runtime: Runtime;
    readonly clock: Clock;
    readonly bank: EvidenceBank;
  }) => void;
}

export const NO_MUTATION: Seams = {
  bytes: (bytes) => bytes,
  bank: () => new EvidenceBank(),
  ring: (ring) => ring,
  stamper: (stamper) => stamper,
  lastSeq: (lastSeq) => lastSeq,
  journal: (journal) => journal,
  link: (link) => link,
  line: () => () => 'write',
  config: (config) => config,
  plan: (plan) => plan,
  memory: (memory) => memory,
  writer: (start) => start,
  coreClock: (clock) => clock,
  snapshot: (value) => value,
  findsRing: true,
  started: () => undefined,
};

/** The journal with some of its methods replaced. */
export function journalWith(journal: Journal, over: Partial<Journal>): Journal {
  return {
    append: (events) => journal.append(events),
    appendTelemetry: (rows) => journal.appendTelemetry(rows),
    readAfter: (lane, afterSeq, limit) => journal.readAfter(lane, afterSeq, limit),
    readTexts: (lane, afterSeq, limit, maxBytes) =>
      journal.readTexts(lane, afterSeq, limit, maxBytes),
    readTelemetry: (afterRow, limit) => journal.readTelemetry(afterRow, limit),
    cursors: (broker) => journal.cursors(broker),
    advance: (broker, lane, seq) => journal.advance(broker, lane, seq),
    telemetryCursor: (broker) => journal.telemetryCursor(broker),
    recordGap: (gap) => journal.recordGap(gap),
    readGaps: (broker, limit) => journal.readGaps(broker, limit),
    onCommit: (listener) => journal.onCommit(listener),
    close: () => journal.close(),
    ...over,
  };
}

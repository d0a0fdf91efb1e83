/** An uplink on a table: everything around it is simulated and can be looked at. */
import type { RefusedAttempt } from '../../src/uplink/command-desk.ts';
import type { CommandOutcome, CommandRequest } from '../../src/domain/command.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { StateSnapshot } from '../../src/uplink/payload.ts';
import { createSimulatedLink, SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { DEFAULT_LINK_OPTIONS } from '../../src/uplink/reconnecting-link.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink, type UplinkOptions } from '../../src/uplink/uplink.ts';
import { BOOT, EventMaker, MemoryJournal } from './memory-journal.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

export const ROOT = 'embereye/v1/unit-1';
export const BROKER = 'central';

export const SNAPSHOT: StateSnapshot = {
  clockQuality: 'synchronised',
  journal: {},
  condition: 'normal',
  zones: [],
  sources: [],
  outputs: {
    siren: false,
    strobe: false,
    alarmRelay: false,
    faultRelay: true,
    buzzer: false,
    escalation: false,
  },
  faults: [],
  supervisory: [],
  disabledSensors: [],
  disabledOutputs: [],
  delayed: [],
  maintenanceUntilMs: null,
};

export class Bench {
  readonly refused: RefusedAttempt[] = [];
  readonly clock = new VirtualClock();
  readonly broker: SimulatedBroker;
  readonly journal = new MemoryJournal();
  readonly make = new EventMaker();
  readonly faults: FaultNotice[] = [];
  readonly submitted: CommandRequest[] = [];
  readonly latencies: number[] = [];
  snapshot: StateSnapshot = SNAPSHOT;
  answer: (request: CommandRequest) => Promise<CommandOutcome> = ({ requestId }) =>
    Promise.resolve({ requestId, ok: true, detail: 'done' });
  uplink: Uplink;
  readonly #options: Partial<UplinkOptions>;

  constructor(options: Partial<UplinkOptions> & { receiveMaximum?: number } = {}) {
    const { receiveMaximum, ...uplink } = options;
    this.#options = uplink;
    this.broker = new SimulatedBroker(
      this.clock,
      receiveMaximum === undefined ? {} : { receiveMaximum },
    );
    this.uplink = this.build();
  }

  /** A second life of the appliance on the same journal and broker. */
  build(bootId = BOOT, seed = 1): Uplink {
    const log = (): void => undefined;
    const link = createSimulatedLink(
      this.broker,
      { clock: this.clock, random: seededRandom(seed), log },
      DEFAULT_LINK_OPTIONS,
    );
    const identity = { deviceId: 'unit-1', bootId };
    const birth = { version: '1.0.0', configHash: 'abc', capabilities: ['acknowledge'] };
    const named = { broker: BROKER, root: ROOT, identity, birth };
    this.uplink = new Uplink(
      { ...DEFAULT_UPLINK_OPTIONS, ...named, ...this.#options },
      {
        clock: this.clock,
        wallTime: () => new Date(this.clock.wallMs()).toISOString(),
        log,
        journal: this.journal,
        link,
        state: () => this.snapshot,
        submit: (request) => {
          this.submitted.push(request);
          return this.answer(request);
        },
        onRefused: (attempt) => this.refused.push(attempt),
        onFault: (notice) => this.faults.push(notice),
        onAckLatency: (_lane, latencyMs) => this.latencies.push(latencyMs),
      },
    );
    this.journal.onCommit((receipt) => this.uplink.committed(receipt));
    return this.uplink;
  }

  async stop(reason: string, deadlineMs = 2000): Promise<void> {
    const stopped = this.uplink.stop(reason, deadlineMs);
    await this.clock.advance(deadlineMs);
    await stopped;
  }

  /** Payloads the broker took on topics that end like this. */
  taken(topic: string): Record<string, unknown>[] {
    return this.broker.accepted
      .filter((message) => message.topic === `${ROOT}/${topic}`)
      .map(({ payload }) => JSON.parse(payload) as Record<string, unknown>);
  }

  ids(lane: string): unknown[] {
    return this.taken(`event/${lane}`).map(({ id }) => id);
  }

  /** Ids without repeats, in order of their first arrival. */
  uniqueIds(lane: string): unknown[] {
    return [...new Set(this.ids(lane))];
  }
}

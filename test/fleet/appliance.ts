/**
 * What lies between an appliance's journal and its broker, all of it real: the stamper, the store
 * with its own database file and writer thread, the uplink and its own MQTT connection.
 */
import { createHash } from 'node:crypto';
import type { Clock, Log, Random } from '../../src/domain/ports.ts';
import { LANES } from '../../src/domain/event.ts';
import { deviceId } from '../../src/domain/units.ts';
import { type OpenStore, openStore } from '../../src/store/journal-client.ts';
import { EventStamper, newBootId } from '../../src/store/stamp.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { threadWriter } from '../../src/store/writer-link.ts';
import { readAck } from '../../src/uplink/ack.ts';
import { defaultRoot } from '../../src/uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink } from '../../src/uplink/uplink.ts';
import { SNAPSHOT } from '../uplink/bench.ts';
import { linkTo } from './links.ts';
import { stormEvent } from './storm.ts';

export interface ApplianceOptions {
  readonly id: string;
  readonly directory: string;
  readonly writerPath: string;
  /** MQTT hosts, in the order of this appliance's preference. */
  readonly hosts: readonly string[];
  readonly port: number;
}

export interface ApplianceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** One lane of a journal, told so that a table can be compared with it. */
export interface LaneDigest {
  readonly device: string;
  readonly lane: string;
  readonly count: number;
  /** Of the ids in order, joined by commas. */
  readonly digest: string;
}

const BROKER = 'central';

export class Appliance {
  readonly #options: ApplianceOptions;
  readonly #store: OpenStore;
  readonly #stamper: EventStamper;
  readonly #uplink: Uplink;
  readonly #acked = new Set<string>();
  #raised = 0;

  private constructor(options: ApplianceOptions, store: OpenStore, deps: ApplianceDeps) {
    const { clock, random, log } = deps;
    const { id, hosts, port } = options;
    this.#options = options;
    this.#store = store;
    const bootId = newBootId(random);
    this.#stamper = new EventStamper({
      ...{ deviceId: deviceId(id), bootId, clock, random },
      clockQuality: () => 'synchronised',
      lastSeq: store.recovered.lastSeq,
      lastId: store.recovered.lastId,
    });
    const ackTopic = `${defaultRoot(id)}/ack`;
    this.#uplink = new Uplink(
      {
        ...DEFAULT_UPLINK_OPTIONS,
        broker: BROKER,
        root: defaultRoot(id),
        identity: { deviceId: id, bootId },
        birth: { version: '0.0.0', configHash: 'fleet', capabilities: [] },
      },
      {
        ...{ clock, log, journal: store.journal },
        wallTime: () => isoFromWallMs(clock.wallMs()),
        link: linkTo(id, BROKER, hosts, port, deps),
        state: () => SNAPSHOT,
        submit: ({ requestId }) => Promise.resolve({ requestId, ok: true, detail: 'done' }),
        onRefused: () => undefined,
        onFault: () => undefined,
        onAckLatency: () => undefined,
        subscribers: [
          {
            filter: ackTopic,
            retained: false,
            matches: (topic) => topic === ackTopic,
            onMessage: (message) => {
              const ack = readAck(message);
              if (ack.ok) for (const eventId of ack.value.ids) this.#acked.add(eventId);
            },
          },
        ],
      },
    );
    store.journal.onCommit((receipt) => this.#uplink.committed(receipt));
  }

  static async open(options: ApplianceOptions, deps: ApplianceDeps): Promise<Appliance> {
    const store = await openStore({
      directory: options.directory,
      startWriter: threadWriter(options.writerPath),
      clock: deps.clock,
      log: deps.log,
      onTrouble: () => undefined,
    });
    return new Appliance(options, store, deps);
  }

  start(): void {
    this.#uplink.start();
  }

  raise(): void {
    this.#store.journal.append(this.#stamper.stamp([stormEvent(this.#raised)]));
    this.#raised += 1;
  }

  get raised(): number {
    return this.#raised;
  }

  get connected(): boolean {
    return this.#uplink.counters.connected;
  }

  /** Events that no broker has acknowledged yet, and how many messages were sent in all. */
  get delivery(): { readonly backlog: number; readonly published: number; reconnects: number } {
    const { backlog, published, reconnects } = this.#uplink.counters;
    return { backlog: LANES.reduce((sum, lane) => sum + backlog[lane], 0), published, reconnects };
  }

  /** Events that the centre has acknowledged. */
  get acknowledged(): number {
    return this.#acked.size;
  }

  async digests(): Promise<LaneDigest[]> {
    const digests: LaneDigest[] = [];
    for (const lane of LANES) {
      const ids = (await this.ids(lane)).map(({ id }) => id);
      const digest = createHash('sha256').update(ids.join(',')).digest('hex');
      digests.push({ device: this.#options.id, lane, count: ids.length, digest });
    }
    return digests;
  }

  /** What the journal holds of a lane, in order. */
  async ids(lane: string): Promise<{ readonly seq: number; readonly id: string }[]> {
    const known = LANES.find((name) => name === lane);
    if (known === undefined) throw new Error(`no lane ${lane}`);
    const all: { seq: number; id: string }[] = [];
    for (;;) {
      const page = await this.#store.journal.readAfter(known, all.at(-1)?.seq ?? 0, 1000);
      if (page.length === 0) return all;
      all.push(...page.map(({ seq, id }) => ({ seq, id })));
    }
  }

  async stop(): Promise<void> {
    await this.#uplink.stop('the run is over', 2000);
    await this.#store.journal.close();
  }
}

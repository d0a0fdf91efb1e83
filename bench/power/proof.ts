/** Cut after cut: each life begins where the last one was cut off, and the fire goes on burning. */
import type { SeededRandom } from '../../src/simulator/random.ts';
import { publish, RawBoard } from '../../test/e2e/field.ts';
import { Broker, freePort, pause, Subscriber, until } from '../kill/children.ts';
import type { GuestOptions } from './guest.ts';
import { Guest } from './guest.ts';
import { Ledger } from './verdict.ts';

const ROOT = 'embereye/v1/unit';
/** Of an emulated processor, ten to thirty times slower than a real one. */
const ALARM_PATIENCE_MS = 30_000;
const CUT_WITHIN_MS = 1500;
/** Cuts before which the broker stops to answer, so that the alarm is not acknowledged yet. */
const STALLED_SHARE = 0.6;

/** What had happened of an alarm when the power went. */
export const MOMENTS = ['beforeOutput', 'outputDriven', 'published'] as const;
export type CutMoment = (typeof MOMENTS)[number];

export interface PowerResult {
  readonly cuts: number;
  readonly seconds: number;
  readonly moments: Readonly<Record<CutMoment, number>>;
  /** Lives whose first alarm stood from the start, restored; the others alarmed afresh. */
  readonly restored: number;
  readonly events: number;
  readonly duplicates: number;
  readonly headsChecked: number;
  /** Sectors that were written and not flushed when the power went, and were gone. */
  readonly lostSectors: number;
  /** Ranges that the appliance told as lost; what was committed is never in one. */
  readonly declared: readonly string[];
  /** From the first reading of a fire that still burns to the siren, in an emulated machine. */
  readonly alarmAgainMs: readonly number[];
  readonly problems: readonly string[];
}

export interface PowerOptions {
  readonly guest: GuestOptions;
  readonly cuts: number;
  readonly random: SeededRandom;
  readonly say: (line: string) => void;
}

export class Proof {
  readonly brokerPort: number;
  readonly #broker: Broker;
  readonly #ledger = new Ledger();
  readonly #problems: string[] = [];
  readonly #alarmAgainMs: number[] = [];
  readonly #moments: Record<CutMoment, number> = { beforeOutput: 0, outputDriven: 0, published: 0 };
  #subscriber: Subscriber | null = null;
  #read = 0;
  #restored = 0;

  private constructor(broker: Broker) {
    this.#broker = broker;
    this.brokerPort = broker.port;
  }

  static async open(folder: string): Promise<Proof> {
    const broker = new Broker(folder, await freePort());
    await broker.start();
    const proof = new Proof(broker);
    const topics = [`${ROOT}/event/+`, `${ROOT}/state`, `${ROOT}/gap`];
    proof.#subscriber = new Subscriber(broker.port, topics);
    await until('the subscriber stands', () => (proof.#subscriber?.subscribed ?? 0) > 0);
    return proof;
  }

  async close(): Promise<void> {
    await this.#subscriber?.stop();
    await this.#broker.stop();
  }

  async run(options: PowerOptions): Promise<PowerResult> {
    const { cuts, random, say } = options;
    const startedMs = performance.now();
    for (let cut = 0; cut <= cuts; cut += 1) {
      const guest = await Guest.start(options.guest);
      try {
        await this.#live(guest, cut, cut < cuts, random);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#problems.push(`life ${cut}: ${why}\n${guest.lastWords}`);
        say(`life ${cut}: ${why}; ${this.#ledger.missing().join('; ')}\n${guest.lastWords}`);
      }
      await guest.cut();
      this.#broker.goOn();
      const seconds = Math.round((performance.now() - startedMs) / 1000);
      const { beforeOutput, outputDriven, published } = this.#moments;
      const counts = `before ${beforeOutput}, output ${outputDriven}, published ${published}`;
      say(`cut ${cut}/${cuts} after ${seconds} s: ${counts}, problems ${this.#problems.length}`);
    }
    this.#take();
    return {
      cuts,
      seconds: Math.round((performance.now() - startedMs) / 1000),
      moments: this.#moments,
      restored: this.#restored,
      events: this.#ledger.events,
      duplicates: this.#ledger.duplicates,
      headsChecked: this.#ledger.headsChecked,
      lostSectors: options.guest.disk.lostSectors,
      declared: this.#ledger.declared,
      alarmAgainMs: this.#alarmAgainMs,
      problems: [...this.#problems, ...this.#ledger.finish()],
    };
  }

  /** @param goesOn another fire, and a cut; else all is delivered in peace. */
  async #live(guest: Guest, cut: number, goesOn: boolean, random: SeededRandom): Promise<void> {
    const stood = await guest.siren();
    if (stood) this.#restored += 1;
    const board = await RawBoard.connect(guest.boardPort, 'A');
    try {
      if (cut > 0) await this.#stillBurns(guest, board, stood);
      await until('all that was committed has arrived', () => this.#take().isComplete(), 60_000);
      await this.#putOut(guest, board, cut);
      if (!goesOn) return;
      const alarms = this.#alarms();
      // A quick broker has acknowledged within milliseconds of the siren: few cuts would fall there.
      if (random.next() < STALLED_SHARE) this.#broker.stall();
      board.smoke();
      const burning = performance.now();
      const cutAfterMs = random.next() * CUT_WITHIN_MS;
      // Half of the cuts wait for the siren: what lies behind it is shorter than what lies before.
      if (random.next() < 0.5) {
        await until('the siren sounds', () => guest.siren(), ALARM_PATIENCE_MS);
        await pause(random.next() * 300);
      } else {
        await pause(Math.max(0, cutAfterMs - (performance.now() - burning)));
      }
      const driven = await guest.siren();
      this.#take();
      const published = this.#alarms() > alarms;
      this.#moments[published ? 'published' : driven ? 'outputDriven' : 'beforeOutput'] += 1;
    } finally {
      board.close();
    }
  }

  /** The fire went on through the cut: the siren sounds, restored or afresh. */
  async #stillBurns(guest: Guest, board: RawBoard, stood: boolean): Promise<void> {
    const startedMs = performance.now();
    board.smoke();
    await until('a fire that still burns alarms again', () => guest.siren(), ALARM_PATIENCE_MS);
    if (!stood) this.#alarmAgainMs.push(performance.now() - startedMs);
  }

  async #putOut(guest: Guest, board: RawBoard, cut: number): Promise<void> {
    board.clean();
    await until(
      'the alarm can be reset',
      async () => {
        if (!(await guest.siren())) return true;
        const requestId = `reset-${cut}-${Math.round(performance.now())}`;
        const payload = JSON.stringify({ zone: 'all', requestId });
        await publish(this.brokerPort, `${ROOT}/command/reset`, payload);
        await pause(1500);
        return !(await guest.siren());
      },
      60_000,
    );
    await pause(1000);
  }

  #alarms(): number {
    return this.#ledger.lane('alarm').filter(({ type }) => type === 'alarm').length;
  }

  #take(): Ledger {
    const lines = this.#subscriber?.lines ?? [];
    for (const line of lines.slice(this.#read)) {
      const space = line.indexOf(' ');
      this.#ledger.take({ topic: line.slice(0, space), text: line.slice(space + 1) });
    }
    this.#read = lines.length;
    return this.#ledger;
  }

  table(result: PowerResult): string {
    const { moments, alarmAgainMs, problems } = result;
    const sorted = [...alarmAgainMs].sort((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    return [
      `power cuts                        ${result.cuts} in ${result.seconds} s`,
      ...MOMENTS.map((moment) => `  ${moment.padEnd(32)}${moments[moment]}`),
      `alarms that stood at the boot     ${result.restored}`,
      `alarmed afresh                    ${sorted.length}, median ${at(0.5)} ms, worst ${at(1)} ms`,
      `events received                   ${result.events}, ${result.duplicates} of them repeats`,
      `published heads of the chain      ${result.headsChecked}`,
      `unflushed sectors that were lost  ${result.lostSectors}`,
      `told as lost, never committed     ${result.declared.length}`,
      ...result.declared.map((range) => `  ${range}`),
      `problems                          ${problems.length}`,
      ...problems.map((problem) => `  ${problem}`),
    ].join('\n');
  }
}

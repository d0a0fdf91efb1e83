/**
 * A whole core with its proofs on a clock that moves when it is told to: a simulated array behind
 * the real intake, simulated GPIO with a relay's feedback, a simulated broker with a central server.
 */
import { afterEach } from 'vitest';
import { panelPlanOf } from '../../src/plan.ts';
import { createPanel, toSnapshot } from '../../src/alarm/panel.ts';
import type { Config } from '../../src/config-schema.ts';
import { parseConfig } from '../../src/config.ts';
import { Core } from '../../src/core.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { Mount } from '../../src/domain/frame.ts';
import { Board } from '../../src/domain/line-protocol/board.ts';
import { DEFAULT_TRAITS } from '../../src/domain/line-protocol/board-profile.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import { ThermalIntake } from '../../src/domain/line-protocol/thermal-intake.ts';
import { ArrayIntake } from '../../src/domain/mlx90640/array-intake.ts';
import type { CommandOutcome, Command } from '../../src/domain/command.ts';
import type { Cancel, KeyedStore } from '../../src/domain/ports.ts';
import type { ProofStage, ProofStageName } from '../../src/domain/proof.ts';
import { deviceId, sensorId } from '../../src/domain/units.ts';
import { SimulatedGpio } from '../../src/hal/simulated-gpio.ts';
import { openLines } from '../../src/outputs.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { ProofDesk } from '../../src/proof-desk.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { hexOf } from '../../src/store/black-box/record-writer.ts';
import { EventStamper } from '../../src/store/stamp.ts';
import { createSimulatedLink, SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { ManualClock, seededRandom } from '../hal/manual-clock.ts';
import { memoryStore } from '../line-protocol/world.ts';
import { MemoryJournal } from '../uplink/memory-journal.ts';

export const ARRAY = sensorId('array');
const CHIP = 'chip';
const SIREN = 1;
const FEEDBACK = 2;
const MOUNT: Mount = { rotate: 0, mirror: false };

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** A room of 22 C, with a square of 4 x 4 pixels of another temperature where one is given. */
export function room(celsius = 22): Float32Array {
  const picture = new Float32Array(768).fill(22);
  for (let row = 3; row < 7; row++) picture.fill(celsius, row * 32 + 3, row * 32 + 7);
  return picture;
}

/** A clock whose wall may be set. */
export class WallClock extends ManualClock {
  offsetMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.offsetMs;
  }

  /** A busy appliance: each piece of a proof waits, so that fires come between pieces. */
  override soon(run: () => void): Cancel {
    return this.after(20, run);
  }
}

type Settings = Readonly<Record<string, unknown>>;

/** Zone `hall` with an array on a board, a siren with feedback, one broker. */
export function settings(over: Settings = {}): Config {
  const parsed = parseConfig(
    JSON.stringify({
      boards: [{ id: 'array', cadenceSeconds: 1 }],
      zones: [{ id: 'hall', sensors: [{ sensor: 'array', channel: 'thermal', role: 'thermal' }] }],
      gpio: {
        backend: 'simulated',
        outputs: [
          { id: 'siren', role: 'siren', chip: CHIP, line: SIREN, feedback: 'heard', settleMs: 50 },
        ],
        inputs: [{ id: 'heard', role: 'feedback', chip: CHIP, line: FEEDBACK }],
      },
      uplink: { embeddedBroker: { enabled: true } },
      proof: { outputs: 'pulse', broker: 'required', central: 'required', enabled: false },
      ...over,
    }),
    {},
    PLAN_CHECKS,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** Without the relay, broker and server: what happens within the appliance. */
export const ALONE = {
  gpio: { backend: 'simulated' },
  proof: { enabled: false, broker: 'off', central: 'off' },
} as const;

export interface BenchOptions {
  readonly over?: Settings;
  readonly store?: KeyedStore;
  readonly clock?: WallClock;
  /** The array is read here, by subpages, instead of by a board. */
  readonly isWired?: boolean;
  readonly quality?: 'synchronised' | 'unsynchronised';
  readonly mount?: Mount;
}

export class Bench {
  readonly clock: WallClock;
  readonly bank = new EvidenceBank();
  readonly config: Config;
  readonly journal = new MemoryJournal();
  readonly broker: SimulatedBroker;
  readonly gpio: SimulatedGpio;
  readonly events: JournalEvent[] = [];
  readonly array = new SimulatedArray({ seed: 'proof' });
  readonly memory: PixelMemory;
  readonly core: Core;
  readonly desk: ProofDesk;
  /** What the array looks at; null: it is silent. */
  scene: Float32Array | null = room();
  /** Whether the central server answers. */
  centralAnswers = true;
  /** Whether the relay follows the siren's line. */
  relayWorks = true;
  quality: 'synchronised' | 'unsynchronised';
  supplyVolts = 3.3;
  sirenRose = 0;
  readonly #intake: ThermalIntake | ArrayIntake;
  #cancels: Cancel[] = [];
  #answered = 0;
  #orders = 0;

  private constructor(
    options: BenchOptions,
    clock: WallClock,
    desk: ProofDesk,
    cache: CalibrationCache,
  ) {
    this.clock = clock;
    this.desk = desk;
    this.config = settings(options.over);
    this.quality = options.quality ?? 'synchronised';
    this.memory = new PixelMemory({ array: this.array.id, mount: options.mount ?? MOUNT });
    this.broker = new SimulatedBroker(clock);
    this.gpio = new SimulatedGpio({ clock });
    const random = seededRandom(5);
    const nowMs = clock.monotonicMs();
    const rest = {
      siren: false,
      strobe: false,
      alarmRelay: false,
      faultRelay: false,
      buzzer: false,
    };
    const lines = openLines(this.config, this.gpio, rest, { clock, random });
    const link = createSimulatedLink(this.broker, { clock, random, log: () => undefined });
    const clockQuality = () => this.quality;
    const stamped = { deviceId: deviceId('unit'), bootId: 'boot', clock, random, clockQuality };
    const lastSeq = { alarm: 0, fault: 0, operator: 0, system: 0 };
    const hasBroker = this.config.proof.broker !== 'off';
    this.core = new Core({
      ...{ clock, config: this.config, bank: this.bank, bootId: 'boot', clockQuality },
      ...{ log: () => undefined, version: 'test', configHash: 'test', journal: this.journal },
      panel: createPanel(panelPlanOf(this.config), nowMs),
      stamper: new EventStamper({ ...stamped, lastSeq, lastId: null }),
      ring: { append: () => true, committed: () => undefined },
      outputs: lines.outputs,
      links: hasBroker ? [{ broker: 'centre', link }] : [],
      saveSnapshot: (_, tell) => tell(true),
      wallTime: () => new Date(clock.wallMs()).toISOString(),
      memoryOf: () => this.memory,
      hooks: desk.hooksAfter({ onStep: ({ events }) => void this.events.push(...events) }),
    });
    const deps = {
      ...{ bank: this.bank, calibrations: cache, counters: createLineCounters() },
      frameSinkOf: () => this.core.frameSinkOf(ARRAY),
      onNotice: () => undefined,
      openRawTap: desk.raw.open,
    };
    const identity = { sensor: ARRAY, announced: 'array', configured: true };
    this.#intake =
      options.isWired === true
        ? new ArrayIntake(ARRAY, deps, { emissivity: 0.95, reflectedCelsius: null })
        : new ThermalIntake(new Board(identity, DEFAULT_TRAITS, this.bank), deps, nowMs);
  }

  static async start(options: BenchOptions = {}): Promise<Bench> {
    const clock = options.clock ?? new WallClock();
    const holder: { bench: Bench | null } = { bench: null };
    const desk = await ProofDesk.load({
      ...{ clock, random: seededRandom(9), log: () => undefined },
      config: settings(options.over),
      keyed: options.store ?? memoryStore(),
      clockQuality: () => holder.bench?.quality ?? 'synchronised',
      memoryOf: () => holder.bench?.memory ?? null,
    });
    const cache = await CalibrationCache.load(memoryStore());
    const bench = new Bench(options, clock, desk, cache);
    holder.bench = bench;
    benches.push(bench);
    bench.sendEeprom();
    bench.core.start([], []);
    desk.start(bench.core);
    bench.#every(1000, () => bench.look());
    bench.#every(10, () => bench.#relay());
    bench.#every(50, () => bench.#answer());
    return bench;
  }

  sendEeprom(words: Uint16Array = this.array.eeprom): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#intake instanceof ArrayIntake) {
      this.#intake.eeprom(words, nowMs);
      return;
    }
    const bytes = Buffer.from(hexOf(words), 'latin1');
    this.#intake.eeprom(bytes, 0, bytes.length, nowMs);
  }

  /** Moves time on until a proof has ended; fails loudly where none does. */
  async proof(zone: string | null = 'hall', withinMs = 60_000): Promise<Proof> {
    const before = this.finished().length;
    if (zone !== null) void this.order({ kind: 'prove', zone: zone as 'all' });
    for (let ms = 0; ms < withinMs; ms += 100) {
      await this.clock.run(100);
      const proof = this.finished()[before];
      if (proof !== undefined) return proof;
    }
    throw new Error('no proof has ended');
  }

  order(command: Command, origin = 'cli:anna'): Promise<CommandOutcome> {
    this.#orders += 1;
    const requestId = `r${this.#orders}`;
    return this.core.runtime.submit({ command, requestId, origin, level: 'installer' });
  }

  finished(): readonly Proof[] {
    return this.events.flatMap((event) => (event.type === 'proofFinished' ? [event.data] : []));
  }

  /** Faults that stand, by name. */
  faults(): readonly { readonly fault: string; readonly detail: string }[] {
    const view = this.core.runtime.view();
    return view.zones.flatMap((zone) => zone.faults);
  }

  /** Events of real alarms, by type. */
  alarms(): readonly string[] {
    const real = ['alarm', 'preAlarm', 'verifying'];
    return this.events.map(({ type }) => type).filter((type) => real.includes(type));
  }

  snapshot(): unknown {
    const lastSeq = { alarm: 0, fault: 0, operator: 0, system: 0 };
    return JSON.parse(JSON.stringify(toSnapshot(this.core.runtime.panel, 0, lastSeq)));
  }

  get sirenIsOn(): boolean {
    return this.gpio.level(CHIP, SIREN);
  }

  breakSiren(): void {
    this.gpio.setFault(CHIP, SIREN, 'stuck');
  }

  /** The feedback contact of the siren is welded. */
  hangFeedback(): void {
    this.gpio.setLevel(CHIP, FEEDBACK, true);
  }

  /** From now on the journal takes events and makes none of them durable. */
  stall(): void {
    this.journal.append = () => undefined;
  }

  async close(): Promise<void> {
    const stopped = this.desk.stop();
    await this.clock.run(1000);
    await stopped;
    for (const cancel of this.#cancels) cancel();
    this.core.runtime.stop();
  }

  #every(ms: number, act: () => void): void {
    const at = this.#cancels.length;
    const again = (): void => {
      this.#cancels[at] = this.clock.after(ms, () => {
        act();
        again();
      });
    };
    this.#cancels.push(() => undefined);
    again();
  }

  /** The array looks now, and sends. */
  look(): void {
    if (this.scene === null) return;
    const words = this.array.dump(this.scene, {
      ambientCelsius: 28,
      supplyVolts: this.supplyVolts,
    });
    const nowMs = this.clock.monotonicMs();
    if (this.#intake instanceof ArrayIntake) {
      for (const subpage of [0, 1] as const) {
        words[832] = 0x1901;
        words[833] = subpage;
        this.#intake.subpage(words, subpage, nowMs);
      }
    } else {
      const bytes = Buffer.from(hexOf(words), 'latin1');
      this.#intake.frame(bytes, 0, bytes.length, nowMs);
    }
    this.core.runtime.step();
  }

  #wasOn = false;
  #relay(): void {
    const isOn = this.sirenIsOn;
    if (isOn && !this.#wasOn) this.sirenRose += 1;
    this.#wasOn = isOn;
    if (this.relayWorks) this.gpio.setLevel(CHIP, FEEDBACK, isOn);
  }

  /** The central server confirms what it receives. */
  #answer(): void {
    const news = this.broker.accepted.slice(this.#answered);
    this.#answered += news.length;
    for (const { topic, payload } of news) {
      if (!topic.endsWith('/event/alarm')) continue;
      const event = JSON.parse(payload) as { type: string; data: { proof?: string } };
      if (event.type !== 'proof' || !this.centralAnswers) continue;
      const root = topic.replace(/\/event\/alarm$/, '');
      const answer = { proof: event.data.proof, actor: 'centre' };
      this.broker.publish(`${root}/command/confirmProof`, JSON.stringify(answer));
    }
  }
}

export interface Proof {
  readonly zone: string;
  readonly outcome: string;
  readonly detail: string;
  readonly stages: readonly ProofStage[];
}

/** `stage: outcome` of each stage. */
export function outcomes(proof: Proof): Readonly<Partial<Record<ProofStageName, string>>> {
  return Object.fromEntries(proof.stages.map(({ stage, outcome }) => [stage, outcome]));
}

export function detailOf(proof: Proof, stage: ProofStageName): string {
  return proof.stages.find((each) => each.stage === stage)?.detail ?? 'not there';
}

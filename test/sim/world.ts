/** The whole simulated world: rooms, network, disk, centre, people, and one appliance in it. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClockQuality, JournalEvent } from '../../src/domain/event.ts';
import type { Command, CommandOutcome } from '../../src/domain/command.ts';
import { DELAYED_ROLES } from '../../src/domain/view.ts';
import { LANES } from '../../src/domain/event.ts';
import { SimulatedGpio } from '../../src/hal/simulated-gpio.ts';
import { seededRandom, type SeededRandom } from '../../src/simulator/random.ts';
import { SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { conditionOf } from '../../src/alarm/panel.ts';
import { checkCapacity } from './capacity.ts';
import { Centre } from './centre.ts';
import { expectEnds } from './duty-deadlines.ts';
import { expectTold } from './deadlines.ts';
import { type DiskOptions, SimulatedDisk } from './disk.ts';
import { Scoreboard } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { SiteModel } from './model.ts';
import { Operator } from './operator.ts';
import type { KillPoint } from './kill-points.ts';
import { SimProcess } from './process.ts';
import { Room } from './room.ts';
import type { Seams } from './seams.ts';
import { CHIP, LINES, type Setup, siteConfig, USUAL } from './site.ts';
import { ProcessKilled, SimClock } from './sim-clock.ts';
import { TroubleLog } from './trouble.ts';
import { Watch } from './watch.ts';

export interface WorldOptions {
  readonly seed: string;
  readonly seams: Seams;
  readonly disk: DiskOptions;
}

const ROOMS = [
  { id: 'hall', growth: 'fast', person: true },
  { id: 'store-1', growth: 'medium', person: false },
  { id: 'workshop', growth: 'ultraFast', person: false },
] as const;

/** After a start the boards dial in, calibrations are fetched and idle levels are learnt. */
const START_TROUBLE_MS = 60_000;
const RESTART_TROUBLE_MS = 75_000;
/** Ids of two boots must not be told apart by luck: the broker ends a dead client's session late. */
const CUT_NOTICED_AFTER_MS = 30_000;

export class World {
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly directory: string;
  readonly broker: SimulatedBroker;
  readonly disk: SimulatedDisk;
  readonly model = new SiteModel();
  readonly rooms: readonly Room[];
  readonly score: Scoreboard;
  readonly ledger: Ledger;
  readonly troubles: TroubleLog;
  readonly watch: Watch;
  readonly centre: Centre;
  readonly operator: Operator;
  /** `point: how often` of all deaths. */
  readonly deaths = new Map<string, number>();
  process: SimProcess | null = null;
  /** Whether the appliance may trust its wall clock. */
  clockQuality: ClockQuality = 'synchronised';
  setup: Setup = USUAL;
  readonly #options: WorldOptions;
  readonly #gpio: SimulatedGpio;
  #boots = 0;
  #orders = 0;
  #cut = false;
  #onAlarm: () => void = () => undefined;
  #exactly = true;

  constructor(options: WorldOptions) {
    const { clock } = this;
    const nowMs = (): number => clock.monotonicMs();
    this.#options = options;
    this.random = seededRandom(options.seed);
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    this.directory = mkdtempSync(join(base, 'embereye-sim-'));
    this.broker = new SimulatedBroker(clock);
    this.broker.faults.latencyMs = 20;
    this.disk = new SimulatedDisk(clock, this.random.fork('disk'), options.disk);
    this.#gpio = new SimulatedGpio({ clock });
    this.score = new Scoreboard(nowMs);
    this.ledger = new Ledger(nowMs);
    this.troubles = new TroubleLog(clock);
    this.centre = new Centre(this.broker, this.score, (id) => this.ledger.told(id));
    this.rooms = ROOMS.map(
      (room) =>
        new Room({ ...room, seed: `${options.seed}/${room.id}` }, clock, this.#fork(room.id), () =>
          this.process === null ? null : this.process.dock,
        ),
    );
    this.operator = this.#makeOperator();
    const { score, ledger, troubles, rooms } = this;
    const gpio = this.#gpio;
    const operator = (): Operator => this.operator;
    this.watch = new Watch({
      nowMs,
      score,
      ledger,
      gpio,
      troubles,
      rooms,
      operator,
    });
    clock.onKilled((why) => this.#died(why));
    this.#listen();
  }

  room(id: string): Room {
    const room = this.rooms.find((each) => each.id === id);
    if (room === undefined) throw new Error(`no room ${id}`);
    return room;
  }

  /** The appliance starts, on whatever its last run has left behind. */
  boot(exactly = this.#exactly): void {
    this.#boots += 1;
    this.troubles.note('appliance', START_TROUBLE_MS);
    const { delaySeconds } = this.setup;
    for (const role of DELAYED_ROLES) {
      this.ledger.duty.delaysMs[role] = delaySeconds[role] * 1000;
    }
    this.process = new SimProcess({
      boot: this.#boots,
      config: this.#options.seams.config(siteConfig(this.setup, this.directory)),
      clockQuality: () => this.clockQuality,
      clock: this.clock,
      random: this.#fork(`boot-${this.#boots}`),
      gpio: this.#gpio,
      broker: this.broker,
      disk: this.disk,
      model: this.model,
      seams: this.#options.seams,
      hooks: {
        onStep: (report) => this.watch.step(report),
        onFrame: (sensor) => this.watch.lastFrameMs.set(sensor, this.clock.monotonicMs()),
      },
      remembered: (events) => this.#remembered(events),
      receipt: (receipt) => this.ledger.acknowledged(receipt),
      linesRestored: (levels) => {
        this.watch.lines(this.clock.monotonicMs());
        // After a power cut the ring is gone: what the journal alone has shows when it is open.
        if (exactly) this.watch.restored(levels);
      },
      panelRestored: ({ panel }) => this.watch.panelRestored(panel, exactly),
      died: (why) => this.#died(why),
    });
    this.#exactly = true;
  }

  /** Kills the process now, or at the next passage of a point within a step. */
  kill(point: KillPoint | 'idle', options: { readonly cut: boolean }): void {
    this.#cut = options.cut;
    if (point !== 'idle') this.process?.arm(point);
    else if (this.process !== null) this.#died(new ProcessKilled('idle'));
  }

  /** Ends it in good order and starts it with another configuration. */
  restart(setup: Setup): void {
    this.troubles.note('appliance', RESTART_TROUBLE_MS);
    this.setup = setup;
    const { process } = this;
    // One that is down just now comes up with it anyway.
    if (process?.core == null) return;
    const stopped = process.stop('another configuration');
    this.watch.pause();
    void stopped.then(() => {
      if (this.process === process) this.#died(new ProcessKilled('stopped'));
    });
  }

  /** An installer on the spot orders something, through the control socket. */
  order(command: Command): void {
    const runtime = this.process?.core?.runtime;
    if (runtime === undefined) return;
    this.#orders += 1;
    const requestId = `order-${this.#orders}`;
    const origin = 'local:installer';
    const answered = (outcome: CommandOutcome): void => {
      this.score.expect('commandsAnswered', outcome.ok, () => `${requestId}: ${outcome.detail}`);
    };
    void runtime.submit({ command, requestId, origin, level: 'installer' }).then(answered);
  }

  /** A line cannot be written for a while. */
  failLine(line: keyof typeof LINES, forMs: number): void {
    this.#gpio.setFault(CHIP, LINES[line], 'writeFails');
    this.clock.after(forMs, () => this.#gpio.setFault(CHIP, LINES[line], null));
  }

  /** A contact outside moves: a call point, a button. */
  press(line: number, forMs: number): void {
    this.#gpio.setLevel(CHIP, line, true);
    this.clock.after(forMs, () => this.#gpio.setLevel(CHIP, line, false));
  }

  /** Kills it that long after the next event of the alarm lane was decided. */
  killAfterAlarm(delayMs: number, options: { readonly cut: boolean }): void {
    const doomed = this.process;
    this.#onAlarm = () => {
      this.#onAlarm = () => undefined;
      this.clock.after(delayMs, () => {
        if (this.process === doomed) this.kill('idle', options);
      });
    };
  }

  /** Does something that long after the next event of the alarm lane was decided. */
  onceAlarmed(delayMs: number, run: () => void): void {
    this.#onAlarm = () => {
      this.#onAlarm = () => undefined;
      this.clock.after(delayMs, run);
    };
  }

  /** Waits, in virtual time, for something that a process does. */
  async wait<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const settled = work.finally(() => {
      state.isDone = true;
    });
    while (!state.isDone) await this.clock.advance(5);
    return settled;
  }

  /** Every event of the journal, oldest first, lane by lane. */
  async journal(): Promise<readonly JournalEvent[]> {
    const journal = this.process?.store?.journal;
    const events: JournalEvent[] = [];
    if (journal === undefined) return events;
    for (const lane of LANES) {
      for (let from = 0; ;) {
        const page = await this.wait(journal.readAfter(lane, from, 500));
        if (page.length === 0) break;
        events.push(...page);
        from = page.at(-1)!.seq;
      }
    }
    return events;
  }

  get condition(): string {
    const core = this.process?.core;
    return core === null || core === undefined ? 'not running' : conditionOf(core.runtime.panel);
  }

  get seed(): string {
    return this.#options.seed;
  }

  isLineActive(chip: string, line: number): boolean {
    return this.#gpio.level(chip, line);
  }

  /** Whether siren, strobe and alarm relay are off, and the fault relay is energised. */
  get isAtRest(): boolean {
    const is = (line: keyof typeof LINES): boolean => this.isLineActive(CHIP, LINES[line]);
    return !is('siren') && !is('strobe') && !is('alarmRelay') && is('faultRelay');
  }

  /** Removes what the run has left on the disk. */
  close(): void {
    this.#end('end of the simulation');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #remembered(events: readonly JournalEvent[]): void {
    const clashes = this.ledger.remembered(events);
    this.score.expect('oneNumberOneEvent', clashes.length === 0, () => clashes.join('; '));
    const alarms = events.filter(({ lane }) => lane === 'alarm');
    if (alarms.length > 0) this.#onAlarm();
    for (const { id } of alarms) expectTold(this, id);
    for (const event of events) expectEnds(this, event);
  }

  #fork(name: string): SeededRandom {
    return this.random.fork(name);
  }

  #makeOperator(): Operator {
    return new Operator({
      clock: this.clock,
      random: this.#fork('operator'),
      gpio: this.#gpio,
      broker: this.broker,
      ledger: this.ledger,
      outSinceMs: (zone) => {
        return this.rooms.find(({ id }) => id === zone)?.dangerUntilMs ?? -Infinity;
      },
      onRequest: (requestId) => this.#expectAnswer(requestId),
    });
  }

  #expectAnswer(requestId: string): void {
    const fromMs = this.clock.monotonicMs();
    this.clock.after(5_000, () => {
      const calm = this.troubles.calm(['broker', 'appliance'], fromMs - 60_000, fromMs + 5_000);
      if (!calm) return;
      this.centre.read();
      const isAnswered = this.centre.answers.has(requestId);
      this.score.expect('commandsAnswered', isAnswered, () => `${requestId} had no answer`);
    });
  }

  #listen(): void {
    this.clock.after(500, () => {
      this.centre.read();
      if (this.process !== null) checkCapacity(this.process, this.score);
      this.#listen();
    });
  }

  #died(why: ProcessKilled): void {
    this.#end(why.message.replace('killed: ', ''));
    this.clock.after(1_000 + this.random.next() * 4_000, () => this.boot());
  }

  #end(point: string): void {
    const { process } = this;
    if (process === null) return;
    this.process = null;
    this.watch.pause();
    this.watch.lines(this.clock.monotonicMs());
    this.centre.read();
    const cut = this.#cut;
    this.#cut = false;
    this.deaths.set(point, (this.deaths.get(point) ?? 0) + 1);
    process.kill(cut);
    this.ledger.killed();
    if (cut) {
      this.ledger.cut();
      this.#exactly = false;
      this.clock.after(CUT_NOTICED_AFTER_MS, () => this.broker.breakConnections(process.clientId));
    } else this.broker.breakConnections(process.clientId);
  }
}

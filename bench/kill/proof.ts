/** The rounds of kill and restart, and what is made of them. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/domain/ports.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { Unit } from './appliance.ts';
import { Broker, copyBundle, freePort, own, pause, Subscriber, until } from './children.ts';
import { evidenceOf, type Left, PHASES, type Phase, phaseOf } from './evidence.ts';
import { Scene } from './scene.ts';
import { Tap } from './tap.ts';
import { active } from './trigger.ts';
import { readSubscriber } from './received.ts';
import { type Account, type Judgement, judge } from './verdict.ts';

export interface ProofOptions {
  readonly kills: number;
  readonly seed: string;
  readonly say: (line: string) => void;
}

export interface ProofResult {
  readonly kills: number;
  readonly brokerRestarts: number;
  readonly seconds: number;
  readonly slowestStartMs: number;
  readonly phases: Readonly<Record<Phase, number>>;
  /** Kills between output and acknowledgement with the broker there, 0..1. */
  readonly betweenShare: number;
  /** Further kills, in the middle of the start after one of the others. */
  readonly killsAtStart: number;
  readonly sirenRises: number;
  readonly judgement: Judgement;
  readonly ok: boolean;
}

const REQUIRED_SHARE = 0.3;
/** Kills come up to this long after the siren rose, most of them sooner. */
const LONGEST_DELAY_MS = 4;
const BROKER_RESTART_EVERY = 5;
/** Shares of kills by what they aim at; the rest comes at any moment. */
const AT_RISE = 0.75;
const AT_START = 0.1;
/** The alarm of a rise is stamped in the same step; two alarms are at least 200 ms apart. */
const RISE_SLACK_MS = 100;
/** A start takes about this long until the first step. */
const START_MS = 600;
/** A board's crossing counts as under way for this long: two reports, then the step. */
const CROSSING_MS = 200;

export async function runProof(options: ProofOptions): Promise<ProofResult> {
  const bundle = copyBundle();
  const disk = mkdtempSync(join(tmpdir(), 'embereye-kill-'));
  const memory = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'embereye-kill-'),
  );
  const broker = new Broker(disk, await freePort());
  const tap = new Tap(broker.port);
  const unit = new Unit({
    ...{ disk, memory, program: bundle.program },
    boardPort: await freePort(),
    httpPort: await freePort(),
    brokerPort: await tap.open(),
  });
  await broker.start();
  const topics = [`${unit.root}/event/#`, `${unit.root}/response`];
  const subscriber = new Subscriber(broker.port, topics);
  const rounds = new Rounds(options, unit, broker, tap);
  try {
    return await rounds.run(subscriber);
  } finally {
    await unit.end('SIGKILL');
    await subscriber.stop();
    await broker.stop();
    tap.close();
    bundle.remove();
    for (const folder of [disk, memory]) rmSync(folder, { recursive: true, force: true });
  }
}

/** Wall times; the siren's only where the kill waited for it. */
interface Kill {
  readonly roseAtMs: number | null;
  readonly killedAtMs: number;
}

class Rounds {
  readonly #options: ProofOptions;
  readonly #unit: Unit;
  readonly #broker: Broker;
  readonly #tap: Tap;
  readonly #random: Random;
  readonly #scene: Scene;
  readonly #decided = new Set<string>();
  readonly #phases = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as Record<Phase, number>;
  readonly #risesWithoutAlarm: string[] = [];
  #sirenRises = 0;
  #brokerRestarts = 0;
  #killsAtStart = 0;
  #slowestStartMs = 0;

  constructor(options: ProofOptions, unit: Unit, broker: Broker, tap: Tap) {
    this.#options = options;
    this.#unit = unit;
    this.#broker = broker;
    this.#tap = tap;
    this.#random = seededRandom(`kill/${options.seed}`);
    this.#scene = new Scene(unit.boardPort, broker.port, unit.root, this.#random);
  }

  async run(subscriber: Subscriber): Promise<ProofResult> {
    const { kills, say } = this.#options;
    const startedMs = performance.now();
    await this.#start();
    const watching = this.#watchSiren();
    for (let round = 1; round <= kills; round += 1) {
      const phase = await this.#round(round);
      say(`kill ${round} of ${kills}: ${phase}`);
      await this.#start();
    }
    watching.close();
    const judgement = await this.#settle(subscriber);
    const between = this.#phases.outputToCommit + this.#phases.commitToPuback;
    const betweenShare = between / kills;
    return {
      kills,
      brokerRestarts: this.#brokerRestarts,
      seconds: (performance.now() - startedMs) / 1000,
      slowestStartMs: this.#slowestStartMs,
      phases: this.#phases,
      betweenShare,
      killsAtStart: this.#killsAtStart,
      sirenRises: this.#sirenRises,
      judgement,
      ok: judgement.ok && betweenShare >= REQUIRED_SHARE,
    };
  }

  async #start(): Promise<void> {
    const startedMs = performance.now();
    await this.#unit.start();
    this.#slowestStartMs = Math.max(this.#slowestStartMs, performance.now() - startedMs);
  }

  /** Some load, perhaps a broker that goes away, then the kill; gives where it fell. */
  async #round(round: number): Promise<Phase> {
    await pause(300 + 900 * this.#random.next());
    let brokerBack: Promise<void> = Promise.resolve();
    if (round % BROKER_RESTART_EVERY === 0) brokerBack = this.#restartBroker();
    // Half of the restarts are over when the kill comes, half are not.
    if (round % (2 * BROKER_RESTART_EVERY) === 0) await brokerBack;
    const { roseAtMs, killedAtMs } = await this.#kill();
    const brokerUp = this.#broker.up;
    const acknowledged = new Set(this.#tap.acknowledged);
    const left = this.#collect();
    const newestAlarmMs = Math.max(0, ...left.alarmedAtMs.values());
    if (roseAtMs !== null && newestAlarmMs < roseAtMs - RISE_SLACK_MS) {
      this.#risesWithoutAlarm.push(`kill ${round}`);
    }
    const phase = phaseOf(left, acknowledged, brokerUp, this.#crossingUnderWay(left, killedAtMs));
    this.#phases[phase] += 1;
    await brokerBack;
    return phase;
  }

  async #kill(): Promise<Kill> {
    const aim = this.#random.next();
    if (aim < AT_RISE) return this.#killOnRise(LONGEST_DELAY_MS * this.#random.next() ** 2);
    await pause(200 * this.#random.next());
    const killedAtMs = Date.now();
    await this.#unit.end('SIGKILL');
    if (aim >= AT_RISE + AT_START) return { roseAtMs: null, killedAtMs };
    // Once more, while what the first kill left behind is being taken over.
    this.#collect();
    this.#unit.launch();
    await pause(START_MS * this.#random.next());
    const killedAgainAtMs = Date.now();
    await this.#unit.end('SIGKILL');
    this.#killsAtStart += 1;
    return { roseAtMs: null, killedAtMs: killedAgainAtMs };
  }

  /** A board had begun to report smoke of which nothing is recorded yet. */
  #crossingUnderWay({ alarmedAtMs }: Left, killedAtMs: number): boolean {
    const smoke = this.#scene.newestCrossing(killedAtMs);
    if (smoke === null || killedAtMs - smoke.atMs > CROSSING_MS) return false;
    return (alarmedAtMs.get(smoke.zone) ?? 0) < smoke.atMs;
  }

  #collect(): Left {
    const left = evidenceOf(this.#unit.ringFile, this.#unit.stateFolder);
    for (const id of [...left.inRing, ...left.inJournal]) this.#decided.add(id);
    return left;
  }

  async #restartBroker(): Promise<void> {
    this.#brokerRestarts += 1;
    await this.#broker.stop();
    await pause(400 * this.#random.next());
    await this.#broker.start();
  }

  async #killOnRise(delayMs: number): Promise<Kill> {
    const program = fileURLToPath(import.meta.url);
    const args = [program, 'trigger', String(this.#unit.pid), this.#unit.sirenFile];
    const trigger = spawn(process.execPath, [...args, delayMs.toFixed(3)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    own(trigger);
    let said = '';
    trigger.stdout.on('data', (part: Buffer) => (said += part.toString()));
    const closed = new Promise((resolve) => trigger.once('close', resolve));
    await this.#unit.gone();
    await closed;
    const [roseAtMs = 0, killedAtMs = Number.NaN] = said.split(' ').map(Number);
    return { roseAtMs: roseAtMs === 0 ? null : roseAtMs, killedAtMs };
  }

  #watchSiren(): ReturnType<typeof watch> {
    const { sirenFile } = this.#unit;
    let was = active(sirenFile);
    return watch(sirenFile, () => {
      const is = active(sirenFile);
      if (is && !was) this.#sirenRises += 1;
      was = is;
    });
  }

  /** Lets everything be delivered, ends the appliance cleanly, and compares. */
  async #settle(subscriber: Subscriber): Promise<Judgement> {
    this.#scene.airAndReset();
    await until('everything is delivered', () => this.#unit.drained());
    await this.#unit.end('SIGTERM');
    await this.#scene.stop();
    this.#collect();
    let judgement = judge(this.#account(subscriber));
    const endMs = performance.now() + 10_000;
    while (judgement.violations.missing.length > 0 && performance.now() < endMs) {
      await pause(200);
      judgement = judge(this.#account(subscriber));
    }
    return judgement;
  }

  #account(subscriber: Subscriber): Account {
    return {
      ...readSubscriber(subscriber.lines),
      decided: this.#decided,
      acknowledged: this.#tap.acknowledged,
      risesWithoutAlarm: this.#risesWithoutAlarm,
    };
  }
}

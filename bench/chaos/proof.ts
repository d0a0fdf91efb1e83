/** The rounds of one kind, and what is made of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/simulator/random.ts';
import { pause, until } from '../kill/children.ts';
import { FINDINGS, judgeAccount, type Judged } from './account.ts';
import { Cleanup } from './cleanup.ts';
import type { Kind } from './kind.ts';
import { type Distribution, distributionOf } from './latency.ts';
import { damageOf } from './live.ts';
import { type Histogram, histogramOf } from './moment.ts';
import { Round, type Tally } from './round.ts';
import { makeFolders, Stage } from './stage.ts';

export interface ProofOptions {
  readonly kind: Kind;
  readonly rounds: number;
  readonly seed: string;
  /** The bundle of the proof: serves as the probe. */
  readonly program: string;
  /** Files of rounds with violations go here. */
  readonly out: string;
  readonly say: (line: string) => void;
}

export interface ProofResult {
  readonly kind: string;
  readonly what: string;
  readonly seed: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Why it did not run; null when it did. */
  readonly skipped: string | null;
  readonly lost: number;
  /** Two events with one number or one id. */
  readonly duplicates: number;
  readonly judged: Omit<Judged, 'findings'>;
  readonly outputs: Distribution;
  readonly moments: Histogram;
  readonly betweenRequired: number;
  readonly slowestStartMs: number;
  readonly exercised: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
  readonly ok: boolean;
}

/** Rounds with violations after which nothing new is to be learnt. */
const ENOUGH = 10;
const DELIVERED_WITHIN_MS = 45_000;
/** The link may wait for 30 s before it tries again, and its backlog is not counted meanwhile. */
const SUBSCRIBER_LAG_MS = 40_000;
const CHECKED_WITHIN_MS = 8000;

export async function runProof(options: ProofOptions): Promise<ProofResult> {
  const skipped = options.kind.missing();
  const tally: Tally = { crossings: [], moments: [], startsMs: [], exercised: new Map() };
  if (skipped !== null) return new Rounds(options, tally).result(0, skipped);
  const cleanup = new Cleanup(options.say);
  try {
    const folders = makeFolders(cleanup);
    const acting = options.kind.prepare(folders, cleanup);
    const stage = await Stage.open(acting.setting, folders, options.program, cleanup);
    try {
      return await new Rounds(options, tally).run(stage, (round) => acting.round(round));
    } finally {
      await stage.close();
    }
  } finally {
    cleanup.run();
  }
}

class Rounds {
  readonly #options: ProofOptions;
  readonly #tally: Tally;
  readonly #violations: string[] = [];
  readonly #known = new Set<string>();
  #judged: Judged | null = null;
  #badRounds = 0;

  constructor(options: ProofOptions, tally: Tally) {
    this.#options = options;
    this.#tally = tally;
  }

  async run(stage: Stage, act: (round: Round) => Promise<void>): Promise<ProofResult> {
    const { kind, rounds, seed, say } = this.#options;
    const startedMs = performance.now();
    const random = seededRandom(`chaos/${kind.name}/${seed}`);
    this.#tally.startsMs.push(await stage.start());
    await stage.boardsConnected();
    await pause(300);
    let number = 0;
    while (number < rounds && this.#badRounds < ENOUGH) {
      number += 1;
      const round = new Round(number, stage, random.fork(`round ${number}`), this.#tally);
      await this.#one(round, act);
      if (number % 10 === 0) say(`${kind.name}: ${number} of ${rounds}`);
      // Nothing more can be learnt from one that does not run.
      if (!stage.unit.running && !(await this.#revive(stage))) break;
    }
    await this.#end(stage, number);
    return this.result((performance.now() - startedMs) / 1000, null, number, stage);
  }

  async #one(round: Round, act: (round: Round) => Promise<void>): Promise<void> {
    try {
      await act(round);
      await this.#settle(round);
    } catch (error) {
      round.fail(error instanceof Error ? error.message : String(error));
    }
    this.#book(round);
  }

  async #settle(round: Round): Promise<void> {
    const { stage } = round;
    if (!stage.unit.running) {
      round.fail('the appliance ended by itself');
      return;
    }
    await stage.reset();
    await until('everything is delivered', () => stage.unit.drained(), DELIVERED_WITHIN_MS);
    await this.#judge(round);
    round.settle();
    for (const text of round.untold()) round.fail(text);
    const damage = await soundWithin(stage.unit.stateFolder, CHECKED_WITHIN_MS);
    for (const text of damage) round.fail(`database in use: ${text}`);
  }

  /** The subscriber's own process may be a moment behind, and the link a pause between two tries. */
  async #judge(round: Round): Promise<void> {
    const { stage } = round;
    const endMs = performance.now() + SUBSCRIBER_LAG_MS;
    for (;;) {
      stage.hear();
      const judged = judgeAccount(stage.ledger.account(stage.tap.acknowledged));
      this.#judged = judged;
      const fresh = this.#fresh(judged);
      if (fresh.length === 0 && round.untold().length === 0) return;
      if (performance.now() < endMs) {
        await pause(50);
        continue;
      }
      for (const text of fresh) {
        this.#known.add(text);
        round.fail(text);
      }
      return;
    }
  }

  /** Findings that no round before this one had. */
  #fresh({ findings }: Judged): readonly string[] {
    const all = FINDINGS.flatMap((name) => findings[name].map((text) => `${name}: ${text}`));
    return all.filter((text) => !this.#known.has(text));
  }

  #book(round: Round): void {
    if (round.violations.length === 0) return;
    const { kind, seed, out, say } = this.#options;
    this.#badRounds += 1;
    const folder = join(out, `${kind.name}-${seed}-${round.number}`);
    mkdirSync(folder, { recursive: true });
    const account = round.stage.ledger.account(round.stage.tap.acknowledged);
    const { received, gaps, decided } = account;
    const { violations, notes, crossings } = round;
    const scene = { kind: kind.name, seed, round: round.number, violations, notes, crossings };
    const evidence = { received: received.slice(-200), gaps, decided: decided.slice(-200) };
    writeFileSync(join(folder, 'round.json'), JSON.stringify({ ...scene, ...evidence }, null, 1));
    round.stage.keep(folder);
    for (const text of violations) {
      const line = `round ${round.number}: ${text}`;
      this.#violations.push(line);
      say(`${kind.name}: VIOLATION ${line} (files in ${folder})`);
    }
  }

  /** After a round that broke off: one more try, so that the other rounds can be had. */
  async #revive(stage: Stage): Promise<boolean> {
    try {
      await stage.unit.end('SIGKILL');
      await stage.start();
      await stage.boardsConnected();
      return true;
    } catch (error) {
      this.#violations.push(`no further start: ${String(error)}`);
      return false;
    }
  }

  /** A clean end, and a last look at everything. */
  async #end(stage: Stage, number: number): Promise<void> {
    if (!stage.unit.running) return;
    const round = new Round(number + 1, stage, seededRandom('end'), this.#tally);
    await stage.unit.end('SIGTERM');
    try {
      round.collect();
      await this.#judge(round);
    } catch (error) {
      round.fail(error instanceof Error ? error.message : String(error));
    }
    this.#book(round);
  }

  result(seconds: number, skipped: string | null, rounds = 0, stage?: Stage): ProofResult {
    const { kind, seed } = this.#options;
    const { crossings, moments, startsMs, exercised } = this.#tally;
    const findings = this.#judged?.findings;
    const count = (...names: (typeof FINDINGS)[number][]): number =>
      names.reduce((sum, name) => sum + (findings?.[name].length ?? 0), 0);
    const histogram = histogramOf(moments);
    const violations = [...this.#violations];
    if (skipped === null && histogram.betweenShare < kind.betweenShare) {
      const share = (histogram.betweenShare * 100).toFixed(0);
      violations.push(`only ${share} % of the faults fell between output and acknowledgement`);
    }
    const { repeated = 0, received = 0, declaredLost = 0 } = this.#judged ?? {};
    const counts = { ...Object.fromEntries(exercised) };
    for (const [type, of] of Object.entries(stage?.ledger.types ?? {}))
      counts[`event ${type}`] = of;
    for (const [why, of] of Object.entries(stage?.ledger.gapReasons ?? {}))
      counts[`gap ${why}`] = of;
    return {
      ...{ kind: kind.name, what: kind.what, seed, rounds, seconds, skipped, violations },
      lost: count('lost', 'undeclared'),
      duplicates: count('clash', 'differing'),
      judged: { repeated, received, declaredLost },
      outputs: distributionOf(crossings),
      moments: histogram,
      betweenRequired: kind.betweenShare,
      slowestStartMs: Math.max(0, ...startsMs),
      exercised: counts,
      ok: violations.length === 0,
    };
  }
}

/** What SQLite's check still finds after the appliance had time to find it too. */
async function soundWithin(stateFolder: string, patienceMs: number): Promise<readonly string[]> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const damage = looked(stateFolder);
    if (damage.length === 0 || performance.now() > endMs) return damage;
    await pause(100);
  }
}

function looked(stateFolder: string): readonly string[] {
  try {
    return damageOf(stateFolder);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

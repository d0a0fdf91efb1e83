import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Opinion } from '../../src/domain/opinion.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { ModelClassifier } from '../../src/model-classifier.ts';
import type { SimulatedModelTrouble } from '../../src/model-simulated.ts';
import { alwaysSure, SimulatedModel } from '../../src/model-simulated.ts';
import type { ClassifierAnswer } from '../../src/vision/classifier.ts';
import { ManualClock, seededRandom, settle } from '../hal/manual-clock.ts';

const WIDTH = 3;
const DEADLINE_MS = 500;
const ROW = Float32Array.of(1, 2, 3);

class Rig {
  readonly clock = new ManualClock();
  readonly faults: string[] = [];
  readonly details: string[] = [];
  readonly totals: number[] = [];
  /** What the process was asked. */
  readonly rows: number[][] = [];
  judge: (row: Float32Array) => Opinion = alwaysSure('fire');
  readonly model: SimulatedModel;
  readonly classifier: ModelClassifier;

  constructor(fault: SimulatedModelTrouble = 'none') {
    const { clock } = this;
    const judge = (row: Float32Array) => {
      this.rows.push([...row]);
      return this.judge(row);
    };
    this.model = new SimulatedModel({ answerMs: 2, lateMs: 700, judge });
    this.model.trouble = fault;
    const wanted = { file: '/m.onnx', sha256: null, schema: 's', width: WIDTH, threads: 1 };
    this.classifier = new ModelClassifier(
      { wanted, deadlineMs: DEADLINE_MS },
      {
        clock,
        random: seededRandom(1),
        start: this.model.startOn(clock),
        onFault: (notice) => this.#note(notice),
        onAnswered: (total) => this.totals.push(total),
      },
    );
  }

  #note({ fault, subject, raised, detail }: FaultNotice): void {
    expect(subject).toBe('model');
    this.faults.push(`${raised ? '+' : '-'}${fault}`);
    this.details.push(detail);
  }

  /** Asks once and gives the answer time. */
  async ask(features = ROW): Promise<ClassifierAnswer> {
    const answer = this.classifier.classify(features);
    await this.clock.run(DEADLINE_MS + 1);
    return answer;
  }
}

const kindOf = (answer: ClassifierAnswer): string => (answer.ok ? 'ok' : answer.kind);

async function started(): Promise<Rig> {
  const rig = new Rig();
  await rig.clock.run(10);
  return rig;
}

describe('a model that works', () => {
  it('is not waited for, answers once it is loaded, and needs no fault', async () => {
    const rig = new Rig();
    expect(kindOf(await rig.classifier.classify(ROW))).toBe('gone');
    await rig.clock.run(10);
    expect((await rig.classifier.ready()).ok).toBe(true);
    const answer = await rig.ask();
    expect(answer).toMatchObject({ ok: true, opinion: { fire: 1, other: 0 } });
    expect(rig.totals).toEqual([0.002]);
    await rig.clock.run(3_600_000);
    expect(rig.faults).toEqual([]);
    expect(rig.classifier.counters).toMatchObject({ answered: 1, restarts: 0 });
  });

  it('answers many at once in one run, and keeps what came meanwhile for the next', async () => {
    const rig = await started();
    const before = rig.model.asked;
    const answers = Array.from({ length: 40 }, () => rig.classifier.classify(ROW));
    await rig.clock.run(10);
    expect((await Promise.all(answers)).map(kindOf)).toEqual(Array(40).fill('ok'));
    expect(rig.model.asked - before).toBe(2);
  });

  it('is asked no more than it can be: the rest is told at once', async () => {
    const rig = await started();
    rig.model.trouble = 'hangs';
    const answers = Array.from({ length: 140 }, () => rig.classifier.classify(ROW));
    await settle();
    expect(rig.classifier.counters.dropped.busy).toBe(11);
    await rig.clock.run(DEADLINE_MS);
    const kinds = (await Promise.all(answers)).map(kindOf);
    expect(kinds.filter((kind) => kind === 'late')).toHaveLength(129);
  });

  it('is asked what was asked, whatever becomes of the row', async () => {
    const rig = await started();
    const rows = [ROW.slice(), ROW.slice()];
    const answers = rows.map((row) => rig.classifier.classify(row));
    for (const row of rows) row.fill(99);
    await rig.clock.run(10);
    await Promise.all(answers);
    expect(rig.rows.slice(-2)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('does not send a row of another width', async () => {
    const rig = await started();
    expect(kindOf(await rig.ask(new Float32Array(WIDTH + 1)))).toBe('bad');
    expect(rig.faults).toEqual([]);
  });

  it('ends with its process when it is closed; who waits is told', async () => {
    const rig = await started();
    const open = rig.classifier.classify(ROW);
    const closed = rig.classifier.close();
    await rig.clock.run(1);
    await closed;
    expect(kindOf(await open)).toBe('gone');
    expect(kindOf(await rig.ask())).toBe('gone');
    expect(rig.clock.pending).toBe(0);
    expect(rig.faults).toEqual([]);
  });
});

describe('a model that is late', () => {
  it('is forgiven once; in a row it is a fault until three trial answers are in time', async () => {
    const rig = await started();
    rig.model.trouble = 'late';
    expect(kindOf(await rig.ask())).toBe('late');
    await rig.clock.run(1_000);
    rig.model.trouble = 'none';
    expect(kindOf(await rig.ask())).toBe('ok');
    expect(rig.faults).toEqual([]);

    rig.model.trouble = 'late';
    for (let i = 0; i < 3; i++) {
      expect(kindOf(await rig.ask())).toBe('late');
      await rig.clock.run(300);
    }
    expect(rig.faults).toEqual(['+modelLate']);
    expect(rig.details[0]).toMatch(/longer than 500 ms.*model.deadlineMs.*the rules decide alone/);
    const { asked } = rig.model;
    expect(kindOf(await rig.classifier.classify(ROW))).toBe('late');
    expect(rig.model.asked).toBe(asked);

    await rig.clock.run(60_000);
    expect(rig.faults).toEqual(['+modelLate']);
    rig.model.trouble = 'none';
    await rig.clock.run(5_000);
    expect(rig.faults).toEqual(['+modelLate', '-modelLate']);
    expect(kindOf(await rig.ask())).toBe('ok');
  });

  it('counts many questions that wait for one slow answer once', async () => {
    const rig = await started();
    rig.model.trouble = 'late';
    const answers = Array.from({ length: 20 }, () => rig.classifier.classify(ROW));
    await rig.clock.run(600);
    expect((await Promise.all(answers)).map(kindOf)).toEqual(Array(20).fill('late'));
    rig.model.trouble = 'none';
    expect(rig.faults).toEqual([]);
  });

  it('gives no answer later than the deadline, and its late answer counts for nothing', async () => {
    const rig = await started();
    rig.model.trouble = 'late';
    let kind = '';
    void rig.classifier.classify(ROW).then((answer) => (kind = kindOf(answer)));
    await rig.clock.run(DEADLINE_MS - 1);
    expect(kind).toBe('');
    await rig.clock.run(1);
    expect(kind).toBe('late');
    await rig.clock.run(1_000);
    expect(rig.totals).toEqual([]);
  });
});

describe('a model that fails', () => {
  const failing: readonly [SimulatedModelTrouble, why: RegExp][] = [
    ['dies', /its process is gone: it was ended by SIGSEGV/],
    ['hangs', /did not answer within 5 s/],
    ['nan', /nonsense: the share of fire is NaN/],
    ['nonsense', /nonsense: the shares add up to 3.000, not to 1/],
  ];
  it.each(failing)('%s: one fault, started again, trusted after trials', async (fault, why) => {
    const rig = await started();
    rig.model.trouble = fault;
    const answer = rig.ask();
    await rig.clock.run(30_000);
    expect(kindOf(await answer)).not.toBe('ok');
    expect(rig.faults[0]).toMatch(/modelFailing|modelLate/);
    expect(rig.faults.filter((each) => each === '+modelFailing')).toHaveLength(1);
    expect(rig.details.join()).toMatch(why);
    expect(rig.details.join()).toMatch(/embereye model check \/m.onnx; the rules decide alone/);
    expect(kindOf(await rig.ask())).not.toBe('ok');
    const wasStarted = rig.model.starts;
    expect(wasStarted).toBeGreaterThan(1);

    rig.model.trouble = 'none';
    await rig.clock.run(90_000);
    expect(rig.faults.at(-1)).toBe('-modelFailing');
    expect(kindOf(await rig.ask())).toBe('ok');
    expect(rig.classifier.counters.restarts).toBe(rig.model.starts - 1);
  });

  it('is found out by a trial when nobody asks', async () => {
    const rig = await started();
    rig.model.trouble = 'nan';
    await rig.clock.run(11_000);
    expect(rig.faults).toEqual(['+modelFailing']);
  });

  it('is found out when it answers a known question otherwise than before', async () => {
    const rig = await started();
    rig.judge = alwaysSure('other');
    await rig.clock.run(11_000);
    expect(rig.faults).toEqual(['+modelFailing']);
    expect(rig.details[0]).toMatch(/a known question otherwise than when it was loaded/);
  });

  it('is ended when it takes too much memory', async () => {
    const rig = await started();
    rig.model.residentBytes = 500_000_000;
    await rig.ask();
    expect(rig.faults).toEqual(['+modelFailing']);
    expect(rig.details[0]).toMatch(/its process holds 500 MB/);
  });

  it('is started ever less often, at least once a minute', async () => {
    const rig = new Rig('dies');
    await rig.clock.run(3_600_000);
    expect(rig.model.starts).toBeGreaterThan(60);
    expect(rig.model.starts).toBeLessThan(140);
    expect(rig.faults).toEqual(['+modelFailing']);
    expect((await rig.classifier.ready()).ok).toBe(false);
  });

  it('that is refused is named, and taken once the file is replaced', async () => {
    const rig = new Rig('refuses');
    await rig.clock.run(1_000);
    expect(rig.faults).toEqual(['+modelUnavailable']);
    expect(rig.details[0]).toBe('/m.onnx: is not there: put it there; the rules decide alone');
    expect(await rig.classifier.ready()).toMatchObject({
      ok: false,
      refusal: { problem: 'is not there' },
    });
    rig.model.trouble = 'none';
    await rig.clock.run(320_000);
    expect(rig.faults).toEqual(['+modelUnavailable', '-modelUnavailable']);
    expect(kindOf(await rig.ask())).toBe('ok');
  });

  it('that does not load in time has failed', async () => {
    const rig = new Rig('hangs');
    await rig.clock.run(31_000);
    expect(rig.details[0]).toMatch(/did not load within 30 s/);
  });
});

describe('whatever happens', () => {
  const faults: readonly SimulatedModelTrouble[] = [
    ...(['none', 'late', 'dies', 'hangs', 'nan', 'nonsense', 'refuses'] as const),
  ];
  const act = fc.record({
    fault: fc.constantFrom(...faults),
    questions: fc.nat(5),
    waitMs: fc.integer({ min: 1, max: 40_000 }),
  });

  it('each question is answered in time, faults pair up, and nobody is believed in a fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        const rig = new Rig();
        await rig.clock.run(50);
        for (const { fault, questions, waitMs } of acts) {
          rig.model.trouble = fault;
          const standing = isStanding(rig.faults);
          const open = new Set<number>();
          for (let i = 0; i < questions; i++) {
            open.add(i);
            void rig.classifier.classify(ROW).then((answer) => {
              open.delete(i);
              if (standing) expect(answer.ok).toBe(false);
            });
          }
          await rig.clock.run(DEADLINE_MS);
          expect(open.size).toBe(0);
          await rig.clock.run(waitMs);
          isStanding(rig.faults);
        }
        rig.model.trouble = 'none';
        await rig.clock.run(600_000);
        expect(isStanding(rig.faults)).toBe(false);
        expect(kindOf(await rig.ask())).toBe('ok');
      }),
      { numRuns: 100 },
    );
  });
});

/** Whether a fault stands after these; fails where one is raised twice or restored without. */
function isStanding(notices: readonly string[]): boolean {
  const standing = new Set<string>();
  for (const notice of notices) {
    const name = notice.slice(1);
    expect(standing.has(name)).toBe(notice.startsWith('-'));
    if (notice.startsWith('+')) standing.add(name);
    else standing.delete(name);
  }
  expect(standing.size).toBeLessThanOrEqual(1);
  return standing.size > 0;
}

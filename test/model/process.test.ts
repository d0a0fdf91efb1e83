import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { ModelClassifier } from '../../src/model-classifier.ts';
import { forkModelProcess } from '../../src/model-process.ts';
import type { ModelVerdict } from '../../src/model-terms.ts';
import { embereyeProgram, eventually } from '../e2e/processes.ts';
import { ENDLESS, modelBytes, NAN_BELOW } from './onnx-writer.ts';

const PROGRAM = join(dirname(embereyeProgram()), 'inference.js');
const ROW = Float32Array.of(0.5, 1, 1.5, 2);

let folder = '';
let file = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'model-process-'));
  file = join(folder, 'model.onnx');
  writeFileSync(file, modelBytes());
});
afterAll(() => rmSync(folder, { recursive: true }));

const opened: ModelClassifier[] = [];
afterEach(async () => {
  for (const classifier of opened.splice(0)) await classifier.close();
});

function start(path = file, deadlineMs = 2_000, program = PROGRAM) {
  const faults: FaultNotice[] = [];
  const classifier = new ModelClassifier(
    { wanted: { file: path, sha256: null, schema: 'test-1', width: 4, threads: 1 }, deadlineMs },
    {
      clock: systemClock(),
      random: systemRandom(),
      start: forkModelProcess(program),
      onFault: (notice) => faults.push(notice),
    },
  );
  opened.push(classifier);
  const raised = (): string[] => faults.filter((each) => each.raised).map(({ fault }) => fault);
  return { classifier, faults, raised };
}

/** Processes of models that this one has started. */
function childPids(): number[] {
  const text = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const pids = text.split(' ').filter((pid) => pid !== '');
  return pids.map(Number).filter((pid) => commandOf(pid).includes('inference.js'));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // gone
  }
}

function detailOf(verdict: ModelVerdict): string {
  return verdict.ok ? 'ok' : verdict.detail;
}

describe('the process of the model', () => {
  it('answers, below the main process in every respect and without its secrets', async () => {
    process.env['EMBEREYE_TEST_SECRET'] = 'do not pass on';
    const { classifier } = start();
    expect(detailOf(await classifier.ready())).toBe('ok');
    const answers = await Promise.all(Array.from({ length: 20 }, () => classifier.classify(ROW)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ ok: true });
    const [pid = 0] = childPids();
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(environment).toContain('ORT_DISABLE_TELEMETRY=1');
    expect(environment).not.toContain('SECRET');
    expect(environment).not.toContain('PATH=');
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('1000');
    // Field 19 of proc(5), counted behind the name in parentheses.
    const nice = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16];
    expect(Number(nice)).toBeGreaterThan(0);
    expect(classifier.counters.residentBytes).toBeGreaterThan(10_000_000);
    delete process.env['EMBEREYE_TEST_SECRET'];
  });

  it('is started again when it is killed', async () => {
    const { classifier, raised, faults } = start();
    await classifier.ready();
    process.kill(childPids()[0] ?? 0, 'SIGKILL');
    await eventually('the fault', () => raised().length > 0);
    expect(faults[0]?.detail).toMatch(/its process is gone: it was ended by SIGKILL/);
    await eventually('it is trusted again', () => faults.some((each) => !each.raised), 15_000);
    expect(await classifier.classify(ROW)).toMatchObject({ ok: true });
    expect(classifier.counters.restarts).toBe(1);
  });

  it('that works for ever at one question is killed', async () => {
    const endless = join(folder, 'endless.onnx');
    writeFileSync(endless, modelBytes({ body: ENDLESS }));
    const { classifier, faults } = start(endless, 300);
    expect(detailOf(await classifier.ready())).toBe('ok');
    const before = childPids();
    const answer = await classifier.classify(new Float32Array(4).fill(1e15));
    expect(answer).toMatchObject({ ok: false, kind: 'late' });
    await eventually('the fault', () => faults.length > 0, 15_000);
    expect(faults[0]).toMatchObject({ fault: 'modelFailing', raised: true });
    expect(faults[0]?.detail).toMatch(/did not answer within 5 s/);
    await eventually('it is gone', () => before.every((pid) => commandOf(pid) === ''));
  });

  it('that answers NaN is killed, and its answer is none', async () => {
    const odd = join(folder, 'odd.onnx');
    writeFileSync(odd, modelBytes({ body: NAN_BELOW }));
    const { classifier, faults } = start(odd);
    expect(detailOf(await classifier.ready())).toBe('ok');
    expect(await classifier.classify(ROW)).toMatchObject({ ok: true });
    const before = childPids();
    const answer = await classifier.classify(Float32Array.of(-9, 0, 0, 0));
    expect(answer).toMatchObject({ ok: false, kind: 'bad' });
    expect(faults[0]).toMatchObject({ fault: 'modelFailing', raised: true });
    expect(faults[0]?.detail).toMatch(/answers nonsense: the share of fire is NaN/);
    await eventually('it is gone', () => before.every((pid) => commandOf(pid) === ''));
  });

  it.each([
    ['missing', 'none.onnx', /is not there/],
    ['corrupt', 'corrupt.onnx', /is damaged, or no ONNX file/],
    ['cut short', 'short.onnx', /is damaged|cannot be loaded/],
  ])('refuses a %s file', async (_, name, why) => {
    writeFileSync(join(folder, 'corrupt.onnx'), Buffer.alloc(500, 0xff));
    writeFileSync(join(folder, 'short.onnx'), modelBytes().subarray(0, 150));
    const { classifier, faults } = start(join(folder, name));
    expect(detailOf(await classifier.ready())).toMatch(why);
    expect(faults.map(({ fault }) => fault)).toEqual(['modelUnavailable']);
    expect(await classifier.classify(ROW)).toMatchObject({ ok: false, kind: 'gone' });
  });

  it('that cannot be started is a fault', async () => {
    const { classifier, raised } = start(file, 500, join(folder, 'no-such-program.js'));
    expect(detailOf(await classifier.ready())).toMatch(/its process is gone: it ended with code 1/);
    await eventually('the fault', () => raised().length > 0);
    expect(raised()).toEqual(['modelFailing']);
  });

  it('ends when its parent is killed', async () => {
    const code = `import { fork } from 'node:child_process';
      const stdio = ['ignore', 'ignore', 'ignore', 'ipc'];
      const child = fork(${JSON.stringify(PROGRAM)}, [], { stdio, serialization: 'advanced' });
      child.on('spawn', () => console.log(child.pid));`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) => {
      parent.stdout.on('data', (data: Buffer) => resolve(Number(data.toString())));
    });
    await eventually('it runs', () => commandOf(pid).includes('inference.js'));
    parent.kill('SIGKILL');
    await eventually('it has ended', () => !existsSync(`/proc/${pid}`), 10_000);
  });

  it('says what it is for when a person starts it', async () => {
    const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect({ code, said }).toEqual({ code: 2, said: 'the appliance starts this program itself\n' });
  });
});

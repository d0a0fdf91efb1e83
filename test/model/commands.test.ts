import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { modelFindings } from '../../src/commands/doctor-model.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { runModelCheck } from '../../src/commands/model.ts';
import { forkModelProcess } from '../../src/model-process.ts';
import { alwaysSure, SimulatedModel } from '../../src/model-simulated.ts';
import { embereyeProgram } from '../e2e/processes.ts';
import { CONSTANT, modelBytes, UNKNOWN_OPERATOR } from './onnx-writer.ts';

const start = forkModelProcess(join(dirname(embereyeProgram()), 'inference.js'));
const deps = { clock: systemClock(), random: systemRandom(), start };

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'model-commands-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function wanted(name: string, bytes: Uint8Array | null = modelBytes()) {
  const file = join(folder, name);
  if (bytes !== null) writeFileSync(file, bytes);
  return { file, sha256: null, schema: 'test-1', width: 4, threads: 1 };
}

async function check(model: ReturnType<typeof wanted>, json = false) {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const exit = await runModelCheck(model, { json }, { ...deps, io });
  return { exit, out, err };
}

describe('embereye model check', () => {
  it('says what a usable model is', async () => {
    const metadata = { 'embereye.features': 'test-1', author: 'a site' };
    const { exit, out, err } = await check(wanted('good.onnx', modelBytes({ metadata })));
    expect({ exit, err }).toEqual({ exit: EXIT.ok, err: [] });
    expect(out[0]).toMatch(/good.onnx: usable: features test-1, kinds fire, overheating, warmBody/);
    expect(out[1]).toMatch(/^\d+ bytes, SHA-256 [0-9a-f]{64}, answers in [\d.]+ ms$/);
    expect(out[2]).toBe('author: a site');
  });

  it('notes what a person should know', async () => {
    const { exit, out } = await check(wanted('same.onnx', modelBytes({ body: CONSTANT })));
    expect(exit).toBe(EXIT.ok);
    expect(out.at(-1)).toBe('note: it gives the same answer to every trial question');
  });

  it('says what is wrong with another, in words and as JSON', async () => {
    const odd = wanted('odd.onnx', modelBytes({ body: UNKNOWN_OPERATOR }));
    const { exit, out, err } = await check(odd);
    expect({ exit, out }).toEqual({ exit: EXIT.badInput, out: [] });
    expect(err.join()).toMatch(/odd.onnx: cannot be loaded: .*Foresee.*: name another file/);
    const json = await check(wanted('none.onnx', null), true);
    expect(json.exit).toBe(EXIT.badInput);
    expect(JSON.parse(json.out[0] ?? '')).toMatchObject({ usable: false, sha256: null });
  });

  it('tells a process that does not get that far from a bad file', async () => {
    const judge = alwaysSure('fire');
    const model = new SimulatedModel({ answerMs: 0, lateMs: 0, judge });
    model.trouble = 'dies';
    const err: string[] = [];
    const io = { out: () => undefined, err: (line: string) => err.push(line) };
    const dying = { ...deps, start: model.startOn(deps.clock), io };
    expect(await runModelCheck(wanted('x.onnx'), { json: false }, dying)).toBe(EXIT.unavailable);
    expect(err.join()).toMatch(/its process is gone: it was ended by SIGSEGV/);
  });
});

describe('embereye doctor', () => {
  const config = { enabled: true, deadlineMs: 5_000 };

  it('finds a model that answers', async () => {
    const model = wanted('doctor.onnx');
    const [found] = await modelFindings(config, model, deps);
    expect(found).toMatchObject({ area: 'model', subject: model.file, state: 'ok', remedy: null });
    expect(found?.found).toMatch(/^usable, \d+ bytes, answers in [\d.]+ ms$/);
  });

  it('finds one that is late, one that is missing, and one that is not wanted', async () => {
    const [late] = await modelFindings({ ...config, deadlineMs: 0 }, wanted('late.onnx'), deps);
    expect(late).toMatchObject({ state: 'warning' });
    expect(late?.remedy).toMatch(/model.deadlineMs/);
    const [missing] = await modelFindings(config, wanted('none.onnx', null), deps);
    expect(missing).toMatchObject({ state: 'failed' });
    expect(missing?.found).toBe('is not there; the rules decide alone');
    const [off] = await modelFindings({ ...config, enabled: false }, wanted('off.onnx'), deps);
    expect(off).toMatchObject({ state: 'note' });
  });
});

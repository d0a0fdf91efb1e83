/** What the process of the model cannot do: tried on the kernel itself, and seen in the product. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEntry } from '../../scripts/build.mjs';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { ModelClassifier } from '../../src/model-classifier.ts';
import { forkModelProcess } from '../../src/model-process.ts';
import { hasRing } from '../../src/service/confine.ts';
import { filterOf } from '../../src/service/confine-filter.ts';
import { Child, embereyeProgram, eventually, PROJECT_ROOT, Scratch } from '../e2e/processes.ts';
import { modelBytes } from '../model/onnx-writer.ts';

function whyNot(): string | null {
  const status = readFileSync('/proc/self/status', 'utf8');
  if (!/^Seccomp:/m.test(status)) return 'needs a kernel with seccomp';
  if (hasRing()) return 'this Node keeps an io_uring: see docs/system.md';
  return process.arch === 'x64' || process.arch === 'arm64' ? null : 'needs x64 or arm64';
}
const missing = whyNot();
const words = missing === null ? '' : ` (${missing})`;

const listen = (server: Server, at: string | number): Promise<void> =>
  new Promise((resolve) => void server.listen(at, () => resolve()));

describe.skipIf(missing !== null)(`a confined process${words}`, () => {
  const scratch = new Scratch();
  const database = join(scratch.disk, 'journal.db');
  const unix = join(scratch.disk, 'sock');
  const servers = [createServer(), createServer()] as const;
  let folder = '';
  let program = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(PROJECT_ROOT, 'node_modules', '.cache', 'confined-'));
    program = await buildEntry('test/service/confined.ts', { outdir: folder });
    writeFileSync(database, 'secret');
    for (const server of servers) server.on('connection', (one) => one.destroy());
    await listen(servers[0], 0);
    await listen(servers[1], unix);
  });
  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
    scratch.remove();
  });

  async function tries(stage: 'none' | 'loading' | 'computing'): Promise<Record<string, string>> {
    const { port } = servers[0].address() as AddressInfo;
    const args = [program, stage, database, '/dev/null', unix, String(port)];
    const child = new Child(process.execPath, args);
    const { code } = await child.ended;
    expect(child.err).toBe('');
    expect(code).toBe(0);
    return JSON.parse(child.out) as Record<string, string>;
  }

  it('could do all of it before', async () => {
    const results = await tries('none');
    expect(results).toMatchObject({ 'remove a file': 'ENOENT' });
    const others = Object.entries(results).filter(([name]) => name !== 'remove a file');
    expect(others.filter(([, how]) => how !== 'done')).toEqual([]);
    expect(others).toHaveLength(12);
  });

  it('while it loads it reads files, and does nothing else', async () => {
    const { 'read a file': reading, ...others } = await tries('loading');
    expect(reading).toBe('done');
    expect(new Set(Object.values(others))).toEqual(new Set(['EPERM']));
  });

  it('while it computes it opens neither network, nor device, nor database', async () => {
    const results = await tries('computing');
    expect(Object.keys(results)).toHaveLength(13);
    expect(new Set(Object.values(results))).toEqual(new Set(['EPERM']));
  });
});

describe.skipIf(missing !== null)(`the process of the model${words}`, () => {
  it('answers, confined in every thread', async () => {
    const scratch = new Scratch();
    const file = join(scratch.disk, 'model.onnx');
    writeFileSync(file, modelBytes());
    const classifier = new ModelClassifier(
      { wanted: { file, sha256: null, schema: 'test-1', width: 4, threads: 2 }, deadlineMs: 2000 },
      {
        clock: systemClock(),
        random: systemRandom(),
        start: forkModelProcess(join(dirname(embereyeProgram()), 'inference.js')),
        onFault: () => undefined,
      },
    );
    const verdict = await classifier.ready();
    expect(verdict).toMatchObject({ ok: true });
    expect(verdict.ok ? verdict.facts.unconfined : 'refused').toBeUndefined();
    const answer = await classifier.classify(Float32Array.of(0.5, 1, 1.5, 2));
    expect(answer.ok).toBe(true);
    await eventually('its memory', () => classifier.counters.residentBytes > 20e6);
    const pids = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
    const pid = pids.split(' ').find((one) => one !== '' && isInference(one)) ?? '';
    const threads = readdirSync(`/proc/${pid}/task`);
    expect(threads.length).toBeGreaterThan(5);
    for (const thread of threads) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^Seccomp_filters:\t2$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    }
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    expect(limits).toMatch(/^Max core file size +0 +0/m);
    expect(limits).toMatch(/^Max file size +0 +0/m);
    await classifier.close();
    scratch.remove();
  });
});

function isInference(pid: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference.js');
}

describe('the filter of system calls', () => {
  /** What the kernel's machine does with the few instructions that are used here. */
  function verdict(program: Uint8Array, data: readonly number[]): number {
    const code = Buffer.from(program);
    let word = 0;
    for (let at = 0; ; at += 8) {
      const constant = code.readUInt32LE(at + 4);
      const jumped = (isTrue: boolean): number => code.readUInt8(at + (isTrue ? 2 : 3)) * 8;
      const operation = code.readUInt16LE(at);
      if (operation === 0x20) word = data[constant / 4] ?? 0;
      else if (operation === 0x15) at += jumped(word === constant);
      else if (operation === 0x35) at += jumped(word >= constant);
      else if (operation === 0x45) at += jumped((word & constant) !== 0);
      else if (operation === 0x06) return constant;
      else throw new Error(`instruction ${operation}`);
    }
  }
  const ALLOWED = 0x7fff0000;
  const REFUSED = 0x00050001;
  const call = (architecture: number, number: number, ...args: number[]): number[] => [
    ...[number, architecture, 0, 0],
    ...args.flatMap((value) => [value, 0]),
  ];
  const X64 = 0xc000003e;
  const ARM64 = 0xc00000b7;

  it.each<[string, number, number, number[]]>([
    ['read', 0, ALLOWED, []],
    ['openat to read', 257, ALLOWED, [0, 0, 0o2000000]],
    ['openat to write', 257, REFUSED, [0, 0, 1]],
    ['openat to make', 257, REFUSED, [0, 0, 0o100]],
    ['socket', 41, REFUSED, []],
    ['execve', 59, REFUSED, []],
    ['a thread', 56, ALLOWED, [0x3d0f00]],
    ['a process', 56, REFUSED, [0x1200011]],
    ['clone3', 435, 0x00050026, []],
    ['a signal to itself', 234, ALLOWED, [77]],
    ['a signal to others', 234, REFUSED, [1]],
    ['x32', 0x40000000, REFUSED, []],
  ])('x64, loading: %s', (_, number, expected, args) => {
    expect(verdict(filterOf('loading', 'x64', 77), call(X64, number, ...args))).toBe(expected);
  });

  it('opens nothing while it computes, on both machines, and serves no other', () => {
    const x64 = filterOf('computing', 'x64', 77);
    const arm64 = filterOf('computing', 'arm64', 77);
    for (const number of [2, 257, 437, 262]) expect(verdict(x64, call(X64, number))).toBe(REFUSED);
    for (const number of [56, 437, 79, 198]) {
      expect(verdict(arm64, call(ARM64, number, 0, 0, 0))).toBe(REFUSED);
    }
    expect(verdict(arm64, call(ARM64, 82))).toBe(ALLOWED);
    expect(verdict(arm64, call(X64, 63))).toBe(REFUSED);
    expect(verdict(filterOf('loading', 'arm64', 77), call(ARM64, 56, 0, 0, 0))).toBe(ALLOWED);
  });
});

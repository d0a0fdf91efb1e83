import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GUARD_EXIT_CODE } from '../../src/service/guard.ts';
import { Child, embereyeProgram, eventually, pause } from '../e2e/processes.ts';

/** Beats ten times a second for as long as it is told, in front of the guard of the bundle. */
const PROGRAM = `
import { Worker } from 'node:worker_threads';
const numbers = new SharedArrayBuffer(12);
const view = new Int32Array(numbers);
const workerData = { numbers, limitMs: 1000 };
new Worker(process.argv[1], { workerData, execArgv: [] });
let beating = true;
process.on('SIGUSR2', () => { beating = false; });
setInterval(() => {
  if (!beating) return;
  Atomics.add(view, 0, 1);
  Atomics.notify(view, 0);
}, 100);
process.on('SIGTERM', () => { Atomics.store(view, 1, 1); process.exit(0); });
console.log('runs');
`;

async function started(): Promise<Child> {
  const thread = join(dirname(embereyeProgram()), 'guard-thread.js');
  const child = new Child(process.execPath, ['--input-type=module', '-e', PROGRAM, thread]);
  await eventually('it runs', () => child.out.includes('runs'));
  return child;
}

describe('the guard of a process', () => {
  it('ends it once there are no more beats, with its reason and an exit code', async () => {
    const child = await started();
    process.kill(child.pid, 'SIGUSR2');
    expect(await child.ended).toEqual({ code: GUARD_EXIT_CODE, signal: null });
    expect(child.err).toContain('no step ended for 1 s');
  });

  it('leaves one alone that beats, that was stopped and goes on, or that ends', async () => {
    const child = await started();
    await pause(1500);
    process.kill(child.pid, 'SIGSTOP');
    await pause(1500);
    process.kill(child.pid, 'SIGCONT');
    await pause(500);
    expect(child.running).toBe(true);
    expect(await child.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { loadLibc } from '../../src/hal/native/libc.ts';
import { failed } from '../../src/hal/ports.ts';
import { GUARD_EXIT_CODE } from '../../src/service/guard.ts';
import { notifyTerms, openNotifier } from '../../src/service/notify.ts';
import { eventually, Scratch } from '../e2e/processes.ts';
import { Unit } from '../e2e/unit.ts';
import { BROKEN_LINES, managerEar, PYTHON, STUCK_LOOP } from './manager.ts';

describe('what the environment of a service says', () => {
  it.each<[Record<string, string>, unknown]>([
    [{}, { ok: true, value: null }],
    [{ NOTIFY_SOCKET: '/run/x' }, { ok: true, value: { socket: '/run/x', watchdogMs: null } }],
    [
      { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '15000000', WATCHDOG_PID: '7' },
      { ok: true, value: { socket: '@x', watchdogMs: 15_000 } },
    ],
    [
      { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '15000000', WATCHDOG_PID: '8' },
      { ok: true, value: { socket: '@x', watchdogMs: null } },
    ],
  ])('%j', (environment, expected) => {
    expect(notifyTerms(environment, 7)).toEqual(expected);
  });

  it.each<[Record<string, string>, RegExp]>([
    [{ NOTIFY_SOCKET: 'vsock:2:1' }, /only paths and @names/],
    [{ NOTIFY_SOCKET: `/${'x'.repeat(120)}` }, /only paths and @names/],
    [{ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: 'often' }, /WatchdogSec=/],
    [{ WATCHDOG_USEC: '5' }, /Type=notify/],
  ])('refuses %j', (environment, why) => {
    const read = notifyTerms(environment, 7);
    expect(read.ok ? '' : read.error.message).toMatch(why);
  });

  it('a watchdog that cannot be fed keeps the appliance from starting; without one it runs', async () => {
    const load = () => Promise.resolve(failed('other', 'koffi does not load'));
    const log = () => undefined;
    const fed = await openNotifier({ socket: '@x', watchdogMs: 1000 }, load, log);
    expect(fed.ok ? '' : fed.error.message).toMatch(/koffi does not load.*WatchdogSec=/);
    expect(await openNotifier({ socket: '@x', watchdogMs: null }, load, log)).toEqual({
      ok: true,
      value: null,
    });
  });

  it('a manager that is not there is told once, and holds nothing up', async () => {
    const lines: string[] = [];
    const log = (_: string, message: string) => void lines.push(message);
    const opened = await openNotifier({ socket: '/nowhere/x', watchdogMs: 1000 }, loadLibc, log);
    if (!opened.ok) throw opened.error;
    for (let i = 0; i < 5; i++) opened.value?.alive();
    opened.value?.close();
    opened.value?.alive();
    expect(lines).toEqual(['service manager not told']);
  });
});

describe.skipIf(!existsSync(PYTHON))('an appliance under a manager (needs python3)', () => {
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
  });

  async function started(isAbstract: boolean, environment: Record<string, string> = {}) {
    const scratch = new Scratch();
    const ear = managerEar(scratch.memory, isAbstract);
    await eventually('it listens', () => ear.heard().includes('listening'));
    const unit = await Unit.prepare({ service: { exitAfterSeconds: 5 } });
    endings.push(
      () => unit.remove(),
      () => ear.end(),
      () => scratch.remove(),
    );
    unit.launch({ NOTIFY_SOCKET: ear.name, WATCHDOG_USEC: '900000', ...environment });
    await eventually(
      () => `beats: ${unit.said}`,
      () => ear.alive() > 3,
    );
    return { ear, unit };
  }

  /** Its watchdog hears nothing more, and its guard ends it. */
  async function breaks(trouble: Record<string, string>, why: string) {
    const { ear, unit } = await started(false, trouble);
    process.kill(unit.process.pid, 'SIGUSR2');
    const beatsBefore = ear.alive();
    const { code, signal } = await unit.process.ended;
    expect({ code, signal }).toEqual({ code: GUARD_EXIT_CODE, signal: null });
    expect(unit.said).toContain(`ended: ${why} for 5 s (service.exitAfterSeconds)`);
    return { ear, beatsBefore };
  }

  it('it is ready after its first step, beats, and says that it stops', async () => {
    const { ear, unit } = await started(true);
    await unit.end();
    const heard = ear.heard();
    const at = (start: string): number => heard.findIndex((line) => line.startsWith(start));
    expect(at('EXTEND_TIMEOUT_USEC=')).toBeGreaterThan(0);
    expect(at('READY=1')).toBeGreaterThan(at('EXTEND_TIMEOUT_USEC='));
    expect(at('WATCHDOG=1')).toBeGreaterThan(at('READY=1'));
    expect(heard.some((line) => /^STATUS=.*2 zones/.test(line))).toBe(true);
    expect(at('STOPPING=1')).toBeGreaterThan(at('WATCHDOG=1'));
  });

  it('once its outputs cannot be written it beats no more, and ends', async () => {
    const { ear } = await breaks(BROKEN_LINES, 'no output was written');
    const heard = ear.heard();
    const told = heard.findIndex((line) => line === 'STATUS=not well: no output was written');
    expect(told).toBeGreaterThan(0);
    expect(heard.slice(told)).not.toContain('WATCHDOG=1');
  });

  it('once its step is stuck it beats no more, and ends', async () => {
    const { ear, beatsBefore } = await breaks(STUCK_LOOP, 'no step ended');
    // It lived for five more seconds; beats that were on their way are two at most.
    expect(ear.alive()).toBeLessThanOrEqual(beatsBefore + 2);
  });

  it('with a watchdog and nobody to tell it does not start, and says why in one line', async () => {
    const unit = await Unit.prepare();
    endings.push(() => unit.remove());
    const { code } = await unit.launch({ WATCHDOG_USEC: '900000', NOTIFY_SOCKET: '' }).ended;
    expect(code).toBe(4);
    expect(unit.said.trim().split('\n')).toHaveLength(1);
    expect(unit.said).toContain('Type=notify');
    expect(existsSync(unit.runFolder)).toBe(false);
  });
});

import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { HolderClient } from '../../src/hal/holder/client.ts';
import { HolderPulse } from '../../src/hal/holder/pulse.ts';
import type { OpenHolderOptions } from '../../src/hal/holder/start.ts';
import { openHolder } from '../../src/hal/holder/start.ts';
import type { Libc } from '../../src/hal/native/libc.ts';
import { DONE, failed } from '../../src/hal/ports.ts';
import { eventually, pause } from '../e2e/processes.ts';
import { holderProgram, HolderRig, realLibc } from './holder-rig.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';

let libc: Libc;
beforeAll(async () => {
  libc = await realLibc();
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The client of a rig, in time that the test moves: one step a second. */
function clientOf(path: string, start: (() => typeof DONE) | null = null) {
  const clock = new ManualClock();
  const client = HolderClient.connect({ path, libc, clock, random: seededRandom(3), start });
  ends.push(() => client.close());
  const pulse = new HolderPulse(client);
  const faults: FaultNotice[] = [];
  const second = (): void => {
    clock.advance(1000);
    faults.push(...pulse.beat(clock.monotonicMs()));
  };
  /** Steps of a second until something is so; the holder is a process and takes real time. */
  const until = (what: string, look: () => boolean) =>
    eventually(what, () => {
      second();
      return look();
    });
  return { client, clock, faults, second, until };
}

async function rigWithLine() {
  const rig = await HolderRig.start();
  ends.push(() => rig.remove());
  const line = openSync(rig.file('line', ''), 'r+');
  ends.push(() => closeSync(line));
  return { rig, line };
}

describe('the runtime’s side of the holder', () => {
  it('notices the death of the holder, and hands everything over to the next one', async () => {
    const { rig, line } = await rigWithLine();
    const relay = rig.file('relay', '1\n');
    const { client, faults, until } = clientOf(rig.path);
    expect(client.keeper.keep('siren', line, { set: null })).toEqual(DONE);
    expect(client.keeper.keepFile('relay', relay, { write: '0\n' })).toEqual(DONE);
    expect(client.settled()).toEqual(DONE);
    await rig.holder.end('SIGKILL');
    await until('the fault', () => faults.length > 0);
    expect(faults[0]).toMatchObject({ fault: 'gpioHolderDown', subject: 'gpio', raised: true });
    expect(client.keeper.take('siren').ok).toBe(false);
    await rig.startHolder();
    await until('the fault ends', () => faults.at(-1)?.raised === false);
    expect(rig.read('relay')).toBe('1\n');
    client.close();
    await eventually('the relay drops', () => rig.read('relay') === '0\n');
    const next = clientOf(rig.path);
    const taken = next.client.keeper.take('siren');
    expect(taken.ok && taken.value !== null).toBe(true);
    if (taken.ok && taken.value !== null) closeSync(taken.value);
  });

  it('hands over later what was kept while no holder was there', async () => {
    const rig = new HolderRig();
    ends.push(() => rig.remove());
    const relay = rig.file('relay', '1\n');
    const { client, faults, second, until } = clientOf(rig.path);
    const kept = client.keeper.keepFile('relay', relay, { write: '0\n' });
    expect(!kept.ok && kept.error.message).toContain(`no GPIO holder listens at ${rig.path}`);
    second();
    expect(faults).toMatchObject([{ fault: 'gpioHolderDown', raised: true }]);
    await rig.startHolder();
    await until('all is kept', () => client.trouble === null);
    expect(faults).toHaveLength(2);
    client.close();
    await eventually('the relay drops', () => rig.read('relay') === '0\n');
  });

  it('tells of a holder that hangs, and comes back when it goes on', async () => {
    const { rig, line } = await rigWithLine();
    const { client, faults, until } = clientOf(rig.path);
    client.keeper.keep('siren', line, { set: null });
    process.kill(rig.pid, 'SIGSTOP');
    await until('the fault', () => faults.length > 0);
    expect(faults[0]?.detail).toContain('does not answer: restart it');
    process.kill(rig.pid, 'SIGCONT');
    await until('the fault ends', () => client.trouble === null);
    expect(client.keeper.drop('siren')).toEqual(DONE);
  });

  it('waits a bounded time for a holder that takes connections and says nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mute-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'mute.sock');
    const mute = libc.unixSocket(true);
    if (!mute.ok) throw new Error(mute.code);
    ends.push(() => closeSync(mute.value));
    libc.bind(mute.value, path);
    libc.listen(mute.value, 1);
    const { client } = clientOf(path);
    expect(client.trouble?.kind).toBe('timeout');
    expect(client.keeper.take('siren')).toMatchObject({ ok: false });
  });

  it('says which line the holder refused, until it is dropped', async () => {
    const { rig } = await rigWithLine();
    const { client, faults, second } = clientOf(rig.path);
    const kept = client.keeper.keepFile('relay', '/nowhere', { write: '0' });
    expect(!kept.ok && kept.error.message).toContain('/nowhere cannot be written');
    second();
    expect(faults[0]?.detail).toContain('/nowhere cannot be written');
    expect(client.keeper.drop('relay')).toEqual(DONE);
    second();
    expect(faults.map(({ raised }) => raised)).toEqual([true, false]);
    const notOpen = client.keeper.keep('siren', 999_999, { set: null });
    expect(!notOpen.ok && notOpen.error.message).toContain(
      'descriptor 999999 cannot be handed over',
    );
    expect(client.keeper.drop('siren')).toEqual(DONE);
    expect(client.beat()).toEqual(DONE);
  });

  it('has a line set on loss as it said last, whoever died or hung meanwhile', async () => {
    type Act = boolean | 'holder' | 'runtime' | 'frozen';
    const act = fc.constantFrom<Act>(true, false, true, false, 'holder', 'runtime', 'frozen');
    const rig = await HolderRig.start();
    ends.push(() => rig.remove());
    const path = rig.file('siren', '');
    let runtime = clientOf(rig.path);
    const up = () => runtime.until('all is kept', () => runtime.client.trouble === null);
    const keep = () => runtime.client.keeper.keepFile('siren', path, { write: null });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 6 }), async (acts) => {
        let last: boolean | null = null;
        keep();
        for (const each of acts) {
          if (typeof each === 'boolean') {
            last = each;
            runtime.client.keeper.onLoss('siren', each);
          } else if (each === 'holder') {
            await rig.holder.end('SIGKILL');
            await rig.startHolder();
          } else if (each === 'frozen') {
            process.kill(rig.pid, 'SIGSTOP');
            for (let second = 0; second < 7; second++) runtime.second();
            process.kill(rig.pid, 'SIGCONT');
          } else {
            // The next run has another opinion, or none yet.
            runtime.client.close();
            runtime = clientOf(rig.path);
            last = null;
            keep();
          }
        }
        await up();
        const before = last === null ? 'untouched' : last ? '0\n' : '1\n';
        rig.file('siren', before);
        runtime.client.close();
        // The next one is taken after the loss of this one.
        runtime = clientOf(rig.path);
        await up();
        expect(rig.read('siren')).toBe(last === null ? before : last ? '1\n' : '0\n');
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('starts a holder where none is, each time less eagerly', () => {
    const startedAtMs: number[] = [];
    const clock = new ManualClock();
    const client = HolderClient.connect({
      ...{ path: '/nowhere/holder.sock', libc, clock, random: seededRandom(3) },
      start: () => {
        startedAtMs.push(clock.monotonicMs());
        return DONE;
      },
    });
    for (let at = 0; at < 3600; at++) {
      clock.advance(1000);
      client.beat();
    }
    const waits = startedAtMs.slice(1).map((atMs, i) => atMs - (startedAtMs[i] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(31_000);
    expect(Math.min(...waits.slice(8))).toBeGreaterThanOrEqual(15_000);
    expect(client.trouble?.message).toContain('no GPIO holder listens at /nowhere/holder.sock');
    client.close();
  });
});

describe('opening a holder', () => {
  const folders: string[] = [];
  const options = (more: Partial<OpenHolderOptions> = {}): OpenHolderOptions => {
    const runDirectory = mkdtempSync(join(tmpdir(), 'run-'));
    folders.push(runDirectory);
    return {
      mode: 'auto',
      socketPath: null,
      runDirectory,
      holder: { command: process.execPath, args: [holderProgram()] },
      clock: systemClock(),
      random: seededRandom(3),
      ...more,
    };
  };
  /** Ends a holder that was started on demand, by the process id in its log. */
  const endHolder = async (runDirectory: string): Promise<void> => {
    const log = readFileSync(join(runDirectory, 'gpio-holder.log'), 'utf8');
    for (const [, pid] of log.matchAll(/"pid":(\d+),"hangMs"/g)) {
      if (existsSync(`/proc/${pid ?? ''}`)) process.kill(Number(pid), 'SIGTERM');
    }
    await eventually('it ends', () => !existsSync(join(runDirectory, 'gpio-holder.sock')));
    rmSync(runDirectory, { recursive: true });
  };

  it('starts one, which outlives the runtime, and finds it again', async () => {
    const opened = options();
    ends.push(() => endHolder(opened.runDirectory));
    const first = await openHolder(opened);
    if (first === null || !first.ok) throw new Error('not opened');
    expect(first.value.trouble).toBeNull();
    const relay = join(opened.runDirectory, 'gpio-holder.log');
    expect(first.value.keeper.keepFile('log', relay, { write: null })).toEqual(DONE);
    first.value.close();
    await pause(50);
    const again = await openHolder({ ...opened, mode: 'external' });
    if (again === null || !again.ok) throw new Error('not found again');
    expect(again.value.trouble).toBeNull();
    again.value.close();
  });

  it('starts another one when it is killed while the runtime lives', async () => {
    const opened = options();
    ends.push(() => endHolder(opened.runDirectory));
    const holder = await openHolder(opened);
    if (holder === null || !holder.ok) throw new Error('not opened');
    const { value: client } = holder;
    const log = join(opened.runDirectory, 'gpio-holder.log');
    client.keeper.keepFile('log', log, { write: null });
    const [, pid] = /"pid":(\d+),"hangMs"/.exec(readFileSync(log, 'utf8')) ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await eventually('the loss is noticed', () => !client.beat().ok);
    await eventually('all is kept again', () => client.beat().ok);
    expect(readFileSync(log, 'utf8').match(/"listening"/g)).toHaveLength(2);
    client.close();
  });

  it('without one to start, or on a machine that cannot, is a value with a reason', async () => {
    expect(await openHolder(options({ mode: 'off' }))).toBeNull();
    const nobody = await openHolder(options({ mode: 'external' }));
    expect(nobody?.ok === true && nobody.value.trouble?.kind).toBe('absent');
    const wrong = await openHolder(options({ holder: { command: '/no/such/node', args: [] } }));
    expect(wrong?.ok === true && wrong.value.trouble?.message).toBe(
      'the GPIO holder does not start: /no/such/node cannot be executed',
    );
    const long = await openHolder(options({ socketPath: `/${'x'.repeat(100)}` }));
    expect(long?.ok === false && long.error.message).toContain('at most 88 bytes (it has 101)');
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
});

describe('the fault of the holder', () => {
  it('is raised once per kind of trouble, and restored once', () => {
    const answers = [DONE, failed('absent', 'none'), failed('absent', 'none'), DONE, DONE];
    const pulse = new HolderPulse({ beat: () => answers.shift() ?? failed('timeout', 'mute') });
    const heard: string[] = [];
    for (let atMs = 0; atMs < 7000; atMs += 100) {
      for (const { raised, detail } of pulse.beat(atMs)) heard.push(`${raised} ${detail}`);
    }
    expect(heard).toEqual([
      expect.stringMatching(/^true none; outputs work, but would not keep their level/),
      'false the GPIO holder keeps every output again',
      expect.stringMatching(/^true mute; outputs work/),
    ]);
  });
});

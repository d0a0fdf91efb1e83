/** The holder's own rules in time that moves only when told to, over real sockets. */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Clock, Log } from '../../src/domain/ports.ts';
import type { HolderOptions } from '../../src/hal/holder/holder.ts';
import { Holder } from '../../src/hal/holder/holder.ts';
import { HolderLink } from '../../src/hal/holder/link.ts';
import type { Reply, Request } from '../../src/hal/holder/protocol.ts';
import type { Libc } from '../../src/hal/native/libc.ts';
import { realLibc } from './holder-rig.ts';
import { ManualClock } from './manual-clock.ts';

let libc: Libc;
beforeAll(async () => {
  libc = await realLibc();
});

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function opened(more: Partial<HolderOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'holder-clock-'));
  const path = join(folder, 'holder.sock');
  const clock = new ManualClock();
  const told: string[] = [];
  const log: Log = (_, message) => void told.push(message);
  const holder = Holder.open({
    ...{ path, clock, log, libc, watch: null, hangMs: 5000, onDemand: false, pid: 1 },
    uid: process.getuid?.() ?? 0,
    ended: () => void told.push('ended'),
    ...more,
  });
  if (!holder.ok) throw holder.error;
  const relay = join(folder, 'relay');
  writeFileSync(relay, '1\n');
  ends.push(() => {
    holder.value.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, clock, told, relay, level: () => readFileSync(relay, 'utf8') };
}

/** A runtime that says what it is told to, and gives the holder its time to answer. */
function runtime(path: string, clock: ManualClock) {
  const link = HolderLink.open(libc, path);
  if (!link.ok) throw link.error;
  const replies: Reply[] = [];
  return {
    link: link.value,
    say: (request: Request): Reply | undefined => {
      link.value.send(request, null, (reply, descriptor) => {
        replies.push(reply);
        if (descriptor !== null) closeSync(descriptor);
      });
      clock.advance(50);
      link.value.poll();
      return replies.at(-1);
    },
  };
}

function connected(more: Partial<HolderOptions> = {}) {
  const site = opened(more);
  const { link, say } = runtime(site.path, site.clock);
  expect(say({ op: 'hello', version: 1 })).toEqual({ ok: true, version: 1, pid: 1 });
  const reply = say({ op: 'keepFile', key: 'relay', path: site.relay, write: '0\n' });
  expect(reply).toEqual({ ok: true });
  return { ...site, link, say };
}

describe('a runtime that is silent', () => {
  it('hangs after the given time, not before, and only once', () => {
    const { clock, level, told, relay, say } = connected();
    clock.advance(4900);
    expect(level()).toBe('1\n');
    clock.advance(150);
    expect(level()).toBe('0\n');
    writeFileSync(relay, '1\n');
    clock.advance(60_000);
    expect(level()).toBe('1\n');
    say({ op: 'beat' });
    expect(told.filter((message) => message === 'runtime hangs')).toHaveLength(1);
    expect(told.at(-1)).toBe('runtime beats again');
    clock.advance(5050);
    expect(level()).toBe('0\n');
  });

  it('does not hang while it beats, each five seconds less a little', () => {
    const { clock, level, say } = connected();
    for (let beat = 0; beat < 20; beat++) {
      clock.advance(4900);
      expect(say({ op: 'beat' })).toEqual({ ok: true });
    }
    expect(level()).toBe('1\n');
  });

  it('is not blamed for a pause of the holder: what waits is read first', () => {
    const manual = new ManualClock();
    let pausedMs = 0;
    const clock: Clock = {
      monotonicMs: () => manual.monotonicMs() + pausedMs,
      wallMs: () => manual.wallMs(),
      after: (delayMs, run) => manual.after(delayMs, run),
      soon: (run) => manual.soon(run),
    };
    const site = opened({ clock });
    const { link, say } = runtime(site.path, manual);
    say({ op: 'hello', version: 1 });
    say({ op: 'keepFile', key: 'relay', path: site.relay, write: '0\n' });
    link.send({ op: 'beat' }, null, () => undefined);
    pausedMs = 60_000;
    manual.advance(1000);
    expect(site.level()).toBe('1\n');
    expect(site.told).not.toContain('runtime hangs');
  });

  it('that never said hello is put out, and is no runtime that got lost', () => {
    const { path, clock, told } = opened();
    const { link } = runtime(path, clock);
    clock.advance(5200);
    expect(told).toEqual(['connection closed: no hello']);
    expect(link.poll()).toMatchObject({ ok: false });
  });
});

describe('a holder on demand', () => {
  it('ends ten seconds after the last runtime, where nothing is left to keep', () => {
    const { clock, link, level, told } = connected({ onDemand: true });
    clock.advance(4000);
    link.close();
    clock.advance(9900);
    expect(told).not.toContain('ended');
    clock.advance(300);
    expect(told).toContain('ended');
    expect(level()).toBe('0\n');
    expect(clock.pending).toBe(0);
  });

  it('ends when no runtime ever comes', () => {
    const { clock, told } = opened({ onDemand: true });
    clock.advance(10_100);
    expect(told).toContain('ended');
  });

  it('stays while a runtime is connected, or a level is still to be set', () => {
    const { clock, link, relay, say, told } = connected({ onDemand: true });
    for (let second = 0; second < 60; second++) {
      clock.advance(1000);
      say({ op: 'beat' });
    }
    expect(told).not.toContain('ended');
    rmSync(relay);
    link.close();
    clock.advance(60_000);
    expect(told).not.toContain('ended');
    writeFileSync(relay, '1\n');
    clock.advance(100);
    expect(told.slice(-2)).toEqual(['ends: no runtime, and nothing to keep', 'ended']);
  });

  it('stays as long as it keeps an open line', () => {
    const { clock, link, path, relay } = connected({ onDemand: true });
    const descriptor = openSync(relay, 'r');
    link.send({ op: 'keep', key: 'siren', set: null }, descriptor, () => undefined);
    clock.advance(100);
    closeSync(descriptor);
    link.close();
    clock.advance(3_600_000);
    expect(runtime(path, clock).say({ op: 'hello', version: 1 })).toMatchObject({ ok: true });
  });
});

describe('a successor', () => {
  it('is taken though the end of the one before it has not been read yet', () => {
    const { path, clock, link } = connected();
    link.close();
    const hello = runtime(path, clock).say({ op: 'hello', version: 1 });
    expect(hello).toMatchObject({ ok: true });
  });

  it('gets the lines that it claims, and releases the others when it is settled', () => {
    const { path, clock, link, say, relay, told } = connected();
    const descriptor = openSync(relay, 'r');
    for (const key of ['siren', 'old']) {
      link.send({ op: 'keep', key, set: null }, descriptor, () => undefined);
    }
    // Its own settling releases nothing: it has just kept them all.
    expect(say({ op: 'settled' })).toEqual({ ok: true });
    closeSync(descriptor);
    link.close();
    const next = runtime(path, clock);
    next.say({ op: 'hello', version: 1 });
    expect(next.say({ op: 'take', key: 'siren' })).toEqual({ ok: true, kept: true, set: null });
    next.say({ op: 'settled' });
    expect(told.at(-1)).toBe('lines released: no longer configured');
    expect(next.say({ op: 'take', key: 'siren' })).toMatchObject({ kept: true });
    expect(next.say({ op: 'take', key: 'old' })).toMatchObject({ kept: false });
  });
});

describe('what a runtime says', () => {
  it('is refused before hello, and in a version that is none', () => {
    const { path, clock, told } = opened();
    const { say } = runtime(path, clock);
    expect(say({ op: 'beat' })).toEqual({ ok: false, kind: 'other', error: 'say hello first' });
    for (const version of [0, -1, 1.5, 1e308 * 10]) {
      expect(say({ op: 'hello', version })).toMatchObject({ ok: false });
    }
    expect(told).not.toContain('ended');
    expect(say({ op: 'hello', version: 1 })).toMatchObject({ ok: true });
  });

  it('in another version: the lines are free when it hears so, and the holder ends', () => {
    const { path, clock, told, link, relay } = connected();
    const kept = openSync(relay, 'r');
    link.send({ op: 'keep', key: 'siren', set: null }, kept, () => undefined);
    closeSync(kept);
    clock.advance(50);
    link.poll();
    const holding = () => readdirSync('/proc/self/fd').filter((fd) => leadsTo(fd, relay)).length;
    expect(holding()).toBe(1);
    link.close();
    clock.advance(50);
    const newer = runtime(path, clock).say({ op: 'hello', version: 2 });
    expect(holding()).toBe(0);
    expect(newer).toMatchObject({ ok: false, kind: 'other' });
    expect(JSON.stringify(newer)).toContain('it has released its lines and ends');
    expect(told.slice(-2)).toEqual(['ends: the runtime is of another version', 'ended']);
    expect(existsSync(path)).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('is refused where a descriptor is missing or a file is not there', () => {
    const { say } = connected();
    expect(say({ op: 'keep', key: 'siren', set: null })).toEqual({
      ok: false,
      kind: 'other',
      error: 'siren is not kept: no descriptor came along',
    });
    const nowhere = say({ op: 'keepFile', key: 'x', path: '/nowhere/value', write: '0' });
    expect(nowhere).toMatchObject({ ok: false, kind: 'absent' });
    expect(JSON.stringify(nowhere)).toContain('/nowhere/value cannot be written');
  });
});

function leadsTo(descriptor: string, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
  } catch {
    return false; // it was the listing's own
  }
}

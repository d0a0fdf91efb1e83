import { spawnSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptLines, LINES_LIMIT, SET_LINE_VALUES } from '../../src/hal/holder/kept-lines.ts';
import { boundedLog } from '../../src/hal/holder/log.ts';
import type { Libc, SystemResult } from '../../src/hal/native/libc.ts';
import { realLibc } from './holder-rig.ts';
import { ManualClock } from './manual-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lines-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function lines(answer: () => SystemResult = () => ({ ok: true, value: 0 })) {
  const calls: { fd: number; request: number; values: bigint; mask: bigint }[] = [];
  const libc: Libc = {
    ...(await realLibc()),
    ioctl: (fd, request, argument) => {
      const bytes = Buffer.from(argument);
      const [values, mask] = [bytes.readBigUInt64LE(0), bytes.readBigUInt64LE(8)];
      calls.push({ fd, request, values, mask });
      return answer();
    },
  };
  const told: string[] = [];
  const kept = new KeptLines(libc, (_, message) => void told.push(message));
  return { kept, calls, told };
}

const descriptor = (): number => {
  const path = join(folder, 'line');
  writeFileSync(path, '');
  return openSync(path, 'r+');
};
const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

describe('lines that the holder keeps', () => {
  it('are set on loss by the kernel’s call, those that have a level for that', async () => {
    const { kept, calls } = await lines();
    const [siren, relay, inverted] = [descriptor(), descriptor(), descriptor()];
    kept.keep('siren', siren, null);
    kept.keep('relay', relay, false);
    kept.keep('inverted', inverted, true);
    kept.lose();
    expect(calls).toEqual([
      { fd: relay, request: SET_LINE_VALUES, values: 0n, mask: 1n },
      { fd: inverted, request: SET_LINE_VALUES, values: 1n, mask: 1n },
    ]);
    kept.setDue();
    expect(calls).toHaveLength(2);
    expect([siren, relay, inverted].every(isOpen)).toBe(true);
    kept.releaseAll();
    expect([siren, relay, inverted].some(isOpen)).toBe(false);
  });

  it('take another level for the loss, and leave the line alone until then', async () => {
    const { kept, calls } = await lines();
    const siren = descriptor();
    const path = join(folder, 'strobe');
    writeFileSync(path, '0\n');
    kept.keep('siren', siren, null);
    kept.keepFile('strobe', path, null);
    for (const key of ['siren', 'strobe', 'unknown']) kept.onLoss(key, true);
    expect(calls).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('0\n');
    kept.lose();
    expect(calls).toEqual([{ fd: siren, request: SET_LINE_VALUES, values: 1n, mask: 1n }]);
    expect(readFileSync(path, 'utf8')).toBe('1\n');
    kept.onLoss('siren', null);
    kept.lose();
    expect(calls).toHaveLength(1);
    kept.releaseAll();
  });

  it('are tried again while the kernel refuses, until the runtime is back', async () => {
    let answer: SystemResult = { ok: false, code: 'EIO' };
    const { kept, calls, told } = await lines(() => answer);
    kept.keep('relay', descriptor(), false);
    kept.lose();
    kept.setDue();
    expect(calls).toHaveLength(2);
    expect(told).toEqual(['line not set on loss', 'line not set on loss']);
    kept.regain();
    kept.setDue();
    expect(calls).toHaveLength(2);
    kept.lose();
    answer = { ok: true, value: 0 };
    kept.setDue();
    kept.setDue();
    expect(calls).toHaveLength(4);
    kept.lose();
    kept.begin();
    kept.setDue();
    expect(calls).toHaveLength(5);
    kept.releaseAll();
  });

  it('replace one another under one key, and are at most 64', async () => {
    const { kept } = await lines();
    const first = descriptor();
    kept.keep('line', first, null);
    const second = descriptor();
    kept.keep('line', second, true);
    expect(isOpen(first)).toBe(false);
    expect(kept.take('line')).toMatchObject({ descriptor: second, set: true });
    for (let at = 1; at < LINES_LIMIT; at++) {
      expect(kept.keep(`line${at}`, descriptor(), null).ok).toBe(true);
    }
    const surplus = descriptor();
    const refused = kept.keep('surplus', surplus, null);
    expect(!refused.ok && refused.error.message).toContain('keeps at most 64 lines');
    expect(isOpen(surplus)).toBe(false);
    expect(kept.keepFile('surplus', '/dev/null', '0').ok).toBe(false);
    expect(kept.keep('line', descriptor(), null).ok).toBe(true);
    kept.releaseAll();
    expect(kept.size).toBe(0);
  });

  it('are needed while a descriptor is open or a level is to be set', async () => {
    const { kept } = await lines();
    const path = join(folder, 'relay');
    writeFileSync(path, '1\n');
    kept.keepFile('relay', path, '0\n');
    expect(kept.needed).toBe(false);
    rmSync(path);
    kept.lose();
    expect(kept.needed).toBe(true);
    writeFileSync(path, '1\n');
    kept.setDue();
    expect(readFileSync(path, 'utf8')).toBe('0\n');
    expect(kept.needed).toBe(false);
    kept.keep('siren', descriptor(), null);
    expect(kept.needed).toBe(true);
    kept.drop('siren');
    expect(kept.needed).toBe(false);
  });

  it('that are a pipe without a reader do not stop the holder', async () => {
    const { kept, told } = await lines();
    const path = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [path]).status).toBe(0);
    const refused = kept.keepFile('pipe', path, '0');
    expect(!refused.ok && refused.error.kind).toBe('absent');
    expect(told).toEqual([]);
  });

  it('report a descriptor that was closed under them', async () => {
    const { kept, told } = await lines();
    const fd = descriptor();
    kept.keep('line', fd, null);
    closeSync(fd);
    kept.drop('line');
    expect(told).toEqual(['line not released']);
  });
});

describe('the log of the holder', () => {
  it('is bounded, and says how much it held back', () => {
    const clock = new ManualClock();
    const written: string[] = [];
    const log = boundedLog(clock, (line) => void written.push(line));
    for (let line = 0; line < 1000; line++) log('warn', 'message refused', { peer: 7 });
    expect(written).toHaveLength(60);
    clock.advance(10_000);
    log('error', 'runtime hangs', { peer: 7 });
    expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({
      level: 'error',
      msg: 'runtime hangs',
      peer: 7,
      heldBack: 940,
    });
    clock.advance(86_400_000);
    for (let line = 0; line < 1000; line++) log('warn', 'message refused');
    expect(written).toHaveLength(121);
  });
});

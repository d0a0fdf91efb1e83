import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { DisturbVerdict } from '../../src/service/disturb.ts';
import { UpdateLock, wantsUpdateLock } from '../../src/service/update-lock.ts';

const QUIET: DisturbVerdict = { ok: true, reasons: [] };
const ALARM: DisturbVerdict = {
  ok: false,
  reasons: [{ kind: 'alarm', subject: 'zone:a', untilMs: null }],
};

let folder = '';
let file = '';
let faults: FaultNotice[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'update-lock-'));
  file = join(folder, 'updates.lock');
  faults = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lock = (): UpdateLock =>
  new UpdateLock({ file, log: () => undefined, onFault: (notice) => faults.push(notice) });

describe("balena's update lock", () => {
  it('is held while somebody must not be disturbed, with the reason in it', () => {
    const own = lock();
    own.follow(QUIET);
    expect(existsSync(file)).toBe(false);
    own.follow(ALARM);
    own.follow(ALARM);
    expect(readFileSync(file, 'utf8')).toBe('embereye alarm in zone:a\n');
    expect(own.held).toBe(true);
    own.follow(QUIET);
    expect(existsSync(file)).toBe(false);
    expect(faults).toEqual([]);
  });

  it('is made again where somebody removed it', () => {
    const own = lock();
    own.follow(ALARM);
    rmSync(file);
    own.follow(ALARM);
    expect(existsSync(file)).toBe(true);
  });

  it('of the supervisor is neither taken nor removed', () => {
    writeFileSync(file, '');
    const own = lock();
    own.follow(ALARM);
    expect(own.held).toBe(false);
    own.follow(QUIET);
    expect(readFileSync(file, 'utf8')).toBe('');
    rmSync(file);
    own.follow(ALARM);
    expect(own.held).toBe(true);
  });

  it('of a run that crashed is taken over: kept while it must be, else given back', () => {
    lock().follow(ALARM);
    const next = lock();
    next.follow(ALARM);
    expect(next.held).toBe(true);
    const last = lock();
    last.follow(QUIET);
    expect(existsSync(file)).toBe(false);
  });

  it('that cannot be made is a fault until it can', () => {
    rmSync(folder, { recursive: true });
    const own = lock();
    own.follow(ALARM);
    own.follow(ALARM);
    mkdirSync(folder);
    own.follow(ALARM);
    expect(faults.map(({ fault, raised }) => [fault, raised])).toEqual([
      ['updateLockFailed', true],
      ['updateLockFailed', false],
    ]);
    expect(faults[0]?.detail).toContain('service.updateLock.mode');
  });

  it('is kept on balena, where its folder is there, or where it is wanted', () => {
    const absent = join(folder, 'none', 'updates.lock');
    expect(wantsUpdateLock('auto', absent, {})).toBe(false);
    expect(wantsUpdateLock('auto', absent, { BALENA: '1' })).toBe(true);
    expect(wantsUpdateLock('auto', file, {})).toBe(true);
    expect(wantsUpdateLock('off', file, { BALENA: '1' })).toBe(false);
    expect(wantsUpdateLock('on', absent, {})).toBe(true);
  });
});

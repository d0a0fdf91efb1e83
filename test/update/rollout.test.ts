import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRollout } from '../../src/domain/command-service.ts';
import {
  isAmong,
  isWithin,
  minuteOfDay,
  placeOf,
  windowOf,
  windowText,
} from '../../src/update/rollout.ts';

const id = fc.stringMatching(/^[a-z0-9_-]{1,48}$/);
const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0-rc.1');

describe('stages of a roll-out', () => {
  it('whoever is among the first few percent is among any more', () => {
    const share = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(id, version, share, share, (device, release, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        if (isAmong(device, release, less)) expect(isAmong(device, release, more)).toBe(true);
        expect(isAmong(device, release, 0)).toBe(false);
        expect(isAmong(device, release, 100)).toBe(true);
      }),
    );
  });

  it('places are spread evenly: chi-square of 20,000 appliances over 20 stages', () => {
    const stages = Array.from({ length: 20 }, () => 0);
    for (let i = 0; i < 20_000; i += 1) {
      const stage = Math.floor(placeOf(`site-${i}`, '1.2.0') / 5);
      stages[stage] = (stages[stage] ?? 0) + 1;
    }
    const chi = stages.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 19 degrees of freedom: above 43.8 in one of a thousand; the input is always the same.
    expect(chi).toBeLessThan(43.8);
  });

  it('the same appliance has its place for good, and another one for another version', () => {
    expect(placeOf('site-1', '1.2.0')).toBe(placeOf('site-1', '1.2.0'));
    const places = ['1.2.0', '1.2.1', '1.3.0'].map((release) => placeOf('site-1', release));
    expect(new Set(places).size).toBe(3);
  });
});

describe('daily hours', () => {
  const minute = fc.nat({ max: 1439 });
  it('every minute lies in a window or in the rest of the day', () => {
    fc.assert(
      fc.property(minute, minute, minute, (fromMinute, toMinute, now) => {
        fc.pre(fromMinute !== toMinute);
        const window = { fromMinute, toMinute, utc: true };
        const rest = { fromMinute: toMinute, toMinute: fromMinute, utc: true };
        expect(isWithin(window, now)).toBe(!isWithin(rest, now));
        expect(isWithin(window, fromMinute)).toBe(true);
        expect(isWithin(window, toMinute)).toBe(false);
      }),
    );
  });

  it('are written as HH:MM, two different ones', () => {
    expect(windowOf('02:00', '04:30', true)).toEqual({
      ...{ fromMinute: 120, toMinute: 270, utc: true },
    });
    const night = windowOf('22:05', '01:00', false);
    expect(night && windowText(night)).toBe('22:05..01:00 local time');
    for (const [from, to] of [
      ['2:00', '04:00'],
      ['02:00', '24:00'],
      ['02:00', '02:00'],
      [1, 2],
    ]) {
      expect(windowOf(from, to, true), `${String(from)} ${String(to)}`).toBeNull();
    }
  });

  it('are local where they say so, through summer time', () => {
    const utc = windowOf('00:00', '01:00', true);
    const local = windowOf('00:00', '01:00', false);
    if (utc === null || local === null) throw new Error('the hours of the test are none');
    const winter = Date.parse('2026-01-10T23:30:00Z');
    const summer = Date.parse('2026-07-10T23:30:00Z');
    expect(minuteOfDay(winter, utc, 'Europe/Berlin')).toBe(23 * 60 + 30);
    expect(minuteOfDay(winter, local, 'Europe/Berlin')).toBe(30);
    expect(minuteOfDay(summer, local, 'Europe/Berlin')).toBe(90);
    expect(minuteOfDay(Date.parse('2026-01-10T00:00:00Z'), utc, null)).toBe(0);
  });
});

describe('the command', () => {
  const good = { url: 'https://x.example/r.tar.gz', version: '1.2.0' };
  it('is read with all its fields, and with the two that it needs', () => {
    expect(readRollout(good)).toEqual({ ...good, percentage: null, window: null });
    const window = { from: '02:00', to: '04:00' };
    expect(readRollout({ ...good, percentage: 10, window })).toEqual({
      ...{ ...good, percentage: 10 },
      window: { ...window, utc: false },
    });
  });

  it.each([
    [{ url: 'ftp://x/r' }, '"url"'],
    [{ url: undefined }, '"url"'],
    [{ version: 'one two' }, '"version"'],
    [{ percentage: 101 }, '"percentage"'],
    [{ percentage: '10' }, '"percentage"'],
    [{ window: { from: '02:00' } }, '"window"'],
    [{ window: { from: '02:00', to: '04:00', zone: 'x' } }, '"window"'],
    [{ window: '02:00-04:00' }, '"window"'],
  ])('%j is refused', (fields, why) => {
    const read = readRollout({ ...good, ...fields });
    expect(read).toMatchObject({ error: 'badArgument' });
    expect('detail' in read ? read.detail : '').toContain(why);
  });
});

import { describe, expect, it } from 'vitest';
import type { ClockSources } from '../../src/hal/box/clock-state.ts';
import { clockQualityOf, clockStateOf, TIMEX_BYTES } from '../../src/hal/box/clock-state.ts';
import { mountOf, parseMounts } from '../../src/hal/box/mounts.ts';
import { ManualClock } from './manual-clock.ts';

const MARK = '/run/systemd/timesync/synchronized';
const FOLDER = '/run/systemd/timesync';

function stateWith(sources: Partial<ClockSources>): string {
  const none = { clock: new ManualClock(), adjtimex: null, exists: () => false };
  const state = clockStateOf({ ...none, ...sources });
  expect(clockQualityOf(state)()).toBe(
    state() === 'synchronised' ? 'synchronised' : 'unsynchronised',
  );
  return state();
}

describe('whether the clock is synchronised', () => {
  it('the kernel knows, whatever the marks say', () => {
    expect(stateWith({ adjtimex: () => 0 })).toBe('synchronised');
    expect(stateWith({ adjtimex: () => 5, exists: () => true })).toBe('unsynchronised');
    // A leap second is near: the clock is set all the same.
    expect(stateWith({ adjtimex: () => 1 })).toBe('synchronised');
  });

  it('the kernel is given a whole structure', () => {
    const lengths: number[] = [];
    stateWith({ adjtimex: (timex) => lengths.push(timex.length) });
    expect(lengths[0]).toBe(TIMEX_BYTES);
  });

  it('without the kernel the mark of the time service tells, and its absence nothing', () => {
    const marks = (...present: string[]) => ({ exists: (path: string) => present.includes(path) });
    expect(stateWith(marks(MARK, FOLDER))).toBe('synchronised');
    expect(stateWith(marks(FOLDER))).toBe('unsynchronised');
    expect(stateWith(marks())).toBe('unknown');
    expect(stateWith({ ...marks(MARK), adjtimex: () => null })).toBe('synchronised');
  });

  it('is looked at every ten seconds only', () => {
    const clock = new ManualClock();
    let looks = 0;
    let answer = 5;
    const adjtimex = () => {
      looks += 1;
      return answer;
    };
    const state = clockStateOf({ clock, adjtimex, exists: () => false });
    for (let stamp = 0; stamp < 100; stamp++) expect(state()).toBe('unsynchronised');
    expect(looks).toBe(1);
    answer = 0;
    clock.advance(10_000);
    expect(state()).toBe('synchronised');
    expect(looks).toBe(2);
  });
});

describe('mounts', () => {
  const mounts = parseMounts(
    [
      '/dev/root / ext4 rw,noatime 0 0',
      '/dev/sda1 /var/lib/ember\\040eye ext4 ro,errors=remount-ro 0 0',
      'tmpfs /var/lib tmpfs rw 0 0',
      'tmpfs /var/lib tmpfs ro 0 0',
      'nonsense',
    ].join('\n'),
  );

  it('the deepest holds a path, and of two at one place the later', () => {
    expect(mountOf(mounts, '/var/lib/ember eye/x')).toMatchObject({ device: '/dev/sda1' });
    expect(mountOf(mounts, '/var/lib')).toMatchObject({ point: '/var/lib', readOnly: true });
    expect(mountOf(mounts, '/var/library')).toMatchObject({ point: '/', readOnly: false });
    expect(mountOf([], '/var')).toBeNull();
  });
});

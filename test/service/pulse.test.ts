import { describe, expect, it } from 'vitest';
import type { Guard } from '../../src/service/guard.ts';
import type { Notifier } from '../../src/service/notify.ts';
import { ServicePulse, TRANSITION_LIMIT_MS } from '../../src/service/pulse.ts';
import { ManualClock } from '../hal/manual-clock.ts';

function rig(watchdogMs: number | null = 3000) {
  const clock = new ManualClock();
  const told: string[] = [];
  const beats: string[] = [];
  const notifier: Notifier = {
    watchdogMs,
    ready: () => void told.push('ready'),
    status: (text) => void told.push(`status ${text}`),
    alive: () => void told.push('alive'),
    extend: () => void told.push('extend'),
    stopping: () => void told.push('stopping'),
    close: () => void told.push('close'),
  };
  const guard: Guard = {
    beat: () => void beats.push('beat'),
    miss: (reason) => void beats.push(reason),
    close: () => undefined,
  };
  const pulse = new ServicePulse({ clock, notifier });
  pulse.guardedBy(guard);
  let detail = { stepping: true, driving: true };
  const run = (): void =>
    pulse.running({
      health: () => ({ ok: detail.stepping && detail.driving, detail }),
      status: () => 'normal',
    });
  const since = (): string[] => told.splice(0);
  return {
    ...{ clock, pulse, since, beats, run },
    set: (next: typeof detail) => {
      detail = next;
    },
  };
}

const count = (list: readonly string[], what: string): number =>
  list.filter((one) => one === what).length;

describe('the pulse of a service', () => {
  it('is not ready before the first step, and asks for more time until then', () => {
    const { clock, pulse, since } = rig();
    clock.advance(12_000);
    const start = since();
    expect(count(start, 'extend')).toBe(3);
    expect(start).not.toContain('ready');
    expect(start).not.toContain('alive');
    pulse.stepped();
    pulse.stepped();
    expect(since()).toEqual(['ready']);
  });

  it('beats three times in the time of the watchdog, while step and outputs work', () => {
    const { clock, pulse, run, since } = rig(900);
    pulse.stepped();
    run();
    since();
    clock.advance(9000);
    expect(count(since(), 'alive')).toBe(30);
  });

  it.each([
    [{ stepping: false, driving: true }, 'no step ended'],
    [{ stepping: true, driving: false }, 'no output was written'],
  ])('stops with %j, and says why', (detail, why) => {
    const { clock, pulse, run, since, beats, set } = rig();
    pulse.stepped();
    run();
    since();
    set(detail);
    clock.advance(10_000);
    beats.splice(0, beats.lastIndexOf('beat') + 1);
    expect(since()).toEqual([`status not well: ${why}`]);
    expect(new Set(beats)).toEqual(new Set([why]));
    set({ stepping: true, driving: true });
    clock.advance(1000);
    expect(since()).toContain('alive');
    expect(beats.at(-1)).toBe('beat');
  });

  it('bridges a change of configuration, but not for ever', () => {
    const { clock, pulse, run, since, beats } = rig();
    pulse.stepped();
    run();
    pulse.changing('configured');
    since();
    beats.splice(0);
    clock.advance(TRANSITION_LIMIT_MS);
    expect(count(since(), 'alive')).toBeGreaterThan(100);
    beats.splice(0);
    clock.advance(60_000);
    expect(since()).toEqual([]);
    expect(beats).toEqual([]);
  });

  it('a start that never ends gets no more time', () => {
    const { clock, since } = rig();
    clock.advance(TRANSITION_LIMIT_MS);
    since();
    clock.advance(60_000);
    expect(since()).toEqual([]);
  });

  it('says that it stops, and asks for the time that this takes', () => {
    const { clock, pulse, run, since } = rig();
    pulse.stepped();
    run();
    since();
    pulse.stopping('SIGTERM');
    clock.advance(6000);
    const told = since();
    expect(told[0]).toBe('stopping');
    expect(told).toContain('extend');
    expect(told).not.toContain('alive');
    pulse.close();
    expect(clock.pending).toBe(0);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HalResult } from '../../src/hal/ports.ts';
import { done, failed } from '../../src/hal/ports.ts';
import type { SharedHandle } from '../../src/hal/shared-handles.ts';
import { SharedHandles } from '../../src/hal/shared-handles.ts';
import { settle } from './manual-clock.ts';

interface Device {
  readonly number: number;
  open: boolean;
  dead: boolean;
}

/** A device of which one may be open at a time; opening and closing end when told to. */
class Maker {
  readonly made: Device[] = [];
  readonly #gates: (() => void)[] = [];
  refuse = false;
  /** Openings that began while another device was open. */
  overlaps = 0;

  get openNow(): number {
    return this.made.filter(({ open }) => open).length;
  }

  readonly open = async (): Promise<HalResult<Device>> => {
    this.overlaps += this.openNow;
    await this.#gate();
    if (this.refuse) return failed('absent', 'not there');
    const device = { number: this.made.length, open: true, dead: false };
    this.made.push(device);
    return done(device);
  };

  readonly close = async (device: Device): Promise<void> => {
    await this.#gate();
    device.open = false;
  };

  /** Lets the oldest opening or closing end. */
  async step(): Promise<void> {
    this.#gates.shift()?.();
    await settle();
  }

  async all(): Promise<void> {
    await settle();
    while (this.#gates.length > 0) await this.step();
  }

  #gate(): Promise<void> {
    return new Promise((resolve) => this.#gates.push(resolve));
  }
}

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

describe('shared handles', () => {
  it('open once for all that come while it opens, and close with the last', async () => {
    const maker = new Maker();
    const shared = new SharedHandles<Device>(maker.close);
    const asked = [1, 2, 3].map(() => shared.acquire('bus', maker.open));
    await maker.all();
    const handles = (await Promise.all(asked)).map(value);
    expect(maker.made).toHaveLength(1);
    for (const handle of handles.slice(1)) await handle.release();
    await handles[2]?.release();
    expect(maker.openNow).toBe(1);
    const last = handles[0]?.release();
    await maker.all();
    await last;
    expect(maker.openNow).toBe(0);
    expect(shared.size).toBe(0);
  });

  it('tell all that waited that it does not open, and try again for the next', async () => {
    const maker = new Maker();
    maker.refuse = true;
    const shared = new SharedHandles<Device>(maker.close);
    const asked = [1, 2].map(() => shared.acquire('bus', maker.open));
    await maker.all();
    for (const result of await Promise.all(asked)) expect(result.ok).toBe(false);
    maker.refuse = false;
    const again = shared.acquire('bus', maker.open);
    await maker.all();
    expect((await again).ok).toBe(true);
  });

  it('wait for a device that is being closed', async () => {
    const maker = new Maker();
    const shared = new SharedHandles<Device>(maker.close);
    const first = shared.acquire('bus', maker.open);
    await maker.all();
    const closing = value(await first).release();
    const second = shared.acquire('bus', maker.open);
    await settle();
    expect(maker.made.map(({ open }) => open)).toEqual([true]);
    await maker.all();
    await closing;
    expect(value(await second).value.number).toBe(1);
    expect(maker.openNow).toBe(1);
    expect(maker.overlaps).toBe(0);
  });

  it('replace a device that has died, for those who come after', async () => {
    const maker = new Maker();
    const shared = new SharedHandles<Device>(maker.close, ({ dead }) => !dead);
    const opened = shared.acquire('bus', maker.open);
    await maker.all();
    const old = value(await opened);
    old.value.dead = true;
    const asked = shared.acquire('bus', maker.open);
    await maker.all();
    const fresh = value(await asked);
    expect(fresh.value.number).toBe(1);
    void old.release();
    await maker.all();
    expect(maker.made.map(({ open }) => open)).toEqual([false, true]);
    const third = shared.acquire('bus', maker.open);
    await maker.all();
    expect(value(await third).value.number).toBe(1);
  });

  it('in any order of coming and going: one open at most, none that nobody has', async () => {
    const actions = fc.array(
      fc.oneof(
        fc.constant('acquire' as const),
        fc.constant('step' as const),
        fc.constant('refuse' as const),
        fc.nat(9),
      ),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(actions, async (steps) => {
        const maker = new Maker();
        const shared = new SharedHandles<Device>(maker.close);
        const held: SharedHandle<Device>[] = [];
        for (const action of steps) {
          if (action === 'acquire') {
            void shared.acquire('bus', maker.open).then((result) => {
              if (result.ok) held.push(result.value);
            });
          } else if (action === 'refuse') maker.refuse = !maker.refuse;
          else if (action === 'step') await maker.step();
          else void held.splice(action, 1)[0]?.release();
          await settle();
          expect(maker.overlaps).toBe(0);
          for (const { value: device } of held) expect(device.open).toBe(true);
        }
        await maker.all();
        for (const handle of held.splice(0)) void handle.release();
        await maker.all();
        expect(maker.openNow).toBe(0);
        expect(shared.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

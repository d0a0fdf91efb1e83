import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resume } from '../../src/update/resume.ts';
import { back, dismiss, putOnTrial, reset } from '../../src/update/updater.ts';
import { makeRelease, writeTree } from './releases.ts';
import { seen, Site, TERMS } from './site.ts';

let site: Site;
beforeEach(() => {
  site = new Site();
});
afterEach(() => site.remove());

const install = (from: string, more = {}) =>
  putOnTrial(site.order(from, more), TERMS, site.world());

/** The name of what the real launcher would start, by the tree that it lies in. */
function launched(...args: string[]): string {
  const launcher = join(import.meta.dirname, '../../system/bin/embereye-launch');
  const environment = { ...process.env, EMBEREYE_ROOT: site.root };
  return execFileSync('sh', [launcher, ...args, '--version'], { env: environment })
    .toString()
    .trim();
}

class PowerCut extends Error {}

describe('a cut of the power', () => {
  const steps = [
    ...['fetched', 'verified', 'forgotten', 'emptied', 'unpacked', 'compared', 'triedOut'],
    ...['renamed', 'begun', 'restarted'],
  ];
  it.each(steps)('after "%s": what runs goes on, and the update can be had again', async (name) => {
    // With both slots in use, one of them is emptied on the way.
    await install(makeRelease(site.out, { version: '1.0.1', key: site.key }));
    site.looked = () => seen('1.0.1');
    const judged = resume(TERMS, site.world());
    await site.clock.run(TERMS.steadyMs + 5000);
    await judged;
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    site.onStep = (step) => {
      if (step === name) throw new PowerCut();
    };
    await expect(install(from)).rejects.toThrow(PowerCut);
    site.onStep = () => undefined;
    expect(launched('--confirmed')).toBe('1.0.1');
    const isOnTrial = ['begun', 'restarted'].includes(name);
    expect(launched()).toBe(isOnTrial ? '1.1.0' : '1.0.1');
    expect(site.state).toMatchObject({ current: { place: 'a', version: '1.0.1' } });
    if (!isOnTrial) {
      expect(site.state?.trial).toBeNull();
      expect((await install(from)).version).toBe('1.1.0');
    }
    // The next boot goes on with the trial.
    site.looked = () => seen('1.1.0');
    const again = resume(TERMS, site.world());
    await site.clock.run(TERMS.steadyMs + 5000);
    expect(await again).toBe('confirmed');
    expect(launched('--confirmed')).toBe('1.1.0');
  });
});

describe('by hand', () => {
  async function confirmed(version: string): Promise<void> {
    await install(makeRelease(site.out, { version, key: site.key }));
    site.looked = () => seen(version);
    const judged = resume(TERMS, site.world());
    await site.clock.run(TERMS.steadyMs + 5000);
    expect(await judged).toBe('confirmed');
  }

  it('back: the release before runs again, and forth the same way', async () => {
    await expect(back(site.order(''), TERMS, site.world())).rejects.toThrow('--reset-slots');
    await confirmed('1.1.0');
    expect(await back(site.order(''), TERMS, site.world())).toBe('1.0.0');
    expect(launched()).toBe('1.0.0');
    expect(site.phases.at(-1)).toBe('confirmed 1.0.0');
    expect(await back(site.order(''), TERMS, site.world())).toBe('1.1.0');
    expect(launched()).toBe('1.1.0');
  });

  it('back ends a trial, and its message is dismissed by whoever has seen it', async () => {
    await install(makeRelease(site.out, { version: '1.1.0', key: site.key }));
    expect(await back(site.order(''), TERMS, site.world())).toBe('1.0.0');
    expect(site.state?.rolledBack).toMatchObject({ version: '1.1.0' });
    expect(launched()).toBe('1.0.0');
    expect(dismiss(site.world())).toBe(true);
    expect(dismiss(site.world())).toBe(false);
  });

  it('reset: the package counts, whatever was there; it needs no running unit', async () => {
    await confirmed('1.1.0');
    cpSync(site.paths.factory, `${site.paths.factory}.old`, { recursive: true });
    rmSync(site.paths.factory, { recursive: true });
    writeTree(site.paths.factory, { version: '2.0.0', key: site.key });
    expect(reset(site.world())).toBe('2.0.0');
    expect(launched()).toBe('2.0.0');
    expect(existsSync(join(site.paths.releases, 'a'))).toBe(false);
    writeFileSync(join(site.paths.releases, 'state.json'), 'damaged');
    expect(launched()).toBe('2.0.0');
    expect(reset(site.world())).toBe('2.0.0');
    expect(site.state?.current).toEqual({ place: 'factory', version: '2.0.0' });
  });
});

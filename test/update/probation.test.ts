import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Looked } from '../../src/update/look.ts';
import { sightOf } from '../../src/update/look.ts';
import type { Sighting, Verdict } from '../../src/update/probation.ts';
import { beginProbation, judge } from '../../src/update/probation.ts';
import { Refused } from '../../src/update/refused.ts';
import { resume } from '../../src/update/resume.ts';
import { putOnTrial } from '../../src/update/updater.ts';
import { makeRelease } from './releases.ts';
import { quietState, seen, Site, TERMS } from './site.ts';

const trial = { version: '1.1.0', baseline: { faults: [], sources: [], connected: ['central'] } };
const limits = { ...TERMS, mostStarts: 3 };
const central = { brokers: [{ id: 'central', connected: true }] };
const well = seen('1.1.0', {}, central);
const absent: Looked = { kind: 'absent' };
const zone = { id: 'kitchen', name: 'Kitchen', condition: 'alarm', alarm: null, preAlarm: null };
const still = { verifying: false, disabledUntilMs: null, testUntilMs: null, faults: [] };
const burning = { zones: [{ ...zone, ...still, supervisory: [], alarm: { sinceMs: 0 } }] };

/** Looks once a second; what it comes to, and when. */
function judged(looks: (second: number) => Looked, givenUp: string | null = null) {
  let memory = beginProbation(0);
  for (let second = 1; second <= 300; second += 1) {
    const sighting: Sighting = { looked: looks(second), givenUp };
    const result = judge(memory, sighting, trial, limits, second * 1000);
    ({ memory } = result);
    if (result.verdict.kind !== 'wait') return { second, verdict: result.verdict };
  }
  return { second: null, verdict: { kind: 'wait', why: '' } satisfies Verdict };
}

describe('a release on trial', () => {
  it('is confirmed once it was well for so long without a break', () => {
    expect(judged(() => well)).toMatchObject({ second: 11, verdict: { kind: 'confirm' } });
    const late = judged((second) => (second < 20 ? absent : well));
    expect(late).toMatchObject({ second: 30, verdict: { kind: 'confirm' } });
    const broken = judged((second) => (second === 8 ? absent : well));
    expect(broken).toMatchObject({ second: 19, verdict: { kind: 'confirm' } });
  });

  const ill: readonly (readonly [string, Looked, string])[] = [
    ['never answers', absent, 'nobody answers at its control socket'],
    ['answers nonsense', { kind: 'failed', why: 'the answer has no end' }, 'no end'],
    ['makes no steps', seen('1.1.0', {}, { ...central, healthy: false }), 'no steps are made'],
    [
      'loses its broker',
      seen('1.1.0', {}, { brokers: [{ id: 'central', connected: false }] }),
      'broker central is not connected',
    ],
    [
      'has a new fault',
      seen(
        '1.1.0',
        {
          faults: [{ fault: 'storeUnavailable', subject: 'store', detail: 'locked', sinceMs: 0 }],
        },
        central,
      ),
      'new fault storeUnavailable store: locked',
    ],
    ['is not the one that runs', seen('1.0.0', {}, central), 'version 1.0.0 runs, not 1.1.0'],
  ];
  it.each(ill)(
    'that %s is rolled back when its time is over, with the reason',
    (_, looked, why) => {
      const { second, verdict } = judged(() => looked);
      expect(second).toBe(60);
      expect(verdict).toMatchObject({ kind: 'rollBack' });
      expect('reason' in verdict ? verdict.reason : '').toContain(why);
    },
  );

  it('that the launcher has given up is rolled back at once', () => {
    const { second, verdict } = judged(() => absent, 'it was started 3 times');
    expect(second).toBe(1);
    expect(verdict).toEqual({ kind: 'rollBack', reason: 'it was started 3 times' });
  });

  it('that starts again and again is rolled back before its time', () => {
    const boots = judged((second) => {
      const bootId = `boot-${Math.floor(second / 5)}`;
      return seen('1.1.0', {}, { ...central, bootId });
    });
    expect(boots).toMatchObject({ second: 15, verdict: { kind: 'rollBack' } });
    expect(boots.verdict).toMatchObject({ reason: 'it was started 4 times' });
  });

  it('that finds a fire goes on until nobody is in danger; one that hangs does not', () => {
    const lost = { brokers: [{ id: 'central', connected: false }] };
    const fire = judged((second) => seen('1.1.0', second < 200 ? burning : {}, lost));
    expect(fire).toMatchObject({ second: 200, verdict: { kind: 'rollBack' } });
    const hung = judged(() => seen('1.1.0', burning, { ...lost, healthy: false }));
    expect(hung).toMatchObject({ second: 60, verdict: { kind: 'rollBack' } });
  });

  it('however it goes: confirmed only after a whole time of being well, judged for ever by none', () => {
    const look = fc.constantFrom<Looked>(well, absent, seen('1.0.0', {}, central));
    fc.assert(
      fc.property(fc.array(look, { minLength: 70, maxLength: 70 }), (looks) => {
        const { second, verdict } = judged((at) => looks[at - 1] ?? absent);
        if (verdict.kind !== 'confirm') {
          expect(second).toBe(60);
          return;
        }
        const last = looks.slice((second ?? 0) - 11, second ?? 0);
        expect(last.every((one) => one === well)).toBe(true);
      }),
    );
  });
});

describe('what an appliance says of itself', () => {
  it('is read strictly', () => {
    expect(sightOf(quietState('1.0.0'))?.unit.version).toBe('1.0.0');
    const whole = quietState('1.0.0') as Record<string, unknown>;
    for (const key of Object.keys(whole).filter((one) => one !== 'maintenanceUntilMs')) {
      expect(sightOf({ ...whole, [key]: undefined }), key).toBeNull();
    }
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(sightOf(value)).toBeNull();
      }),
    );
  });
});

describe('the judge', () => {
  let site: Site;
  beforeEach(() => {
    site = new Site();
  });
  afterEach(() => site.remove());

  async function begun(): Promise<void> {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    await putOnTrial(site.order(from), TERMS, site.world());
  }

  async function end(seconds: number, more = {}): Promise<string> {
    const judging = resume(TERMS, site.world(more));
    await site.clock.run(seconds * 1000);
    return await judging;
  }

  it('confirms, and has the system marked good where there are two', async () => {
    await begun();
    site.looked = () => seen('1.1.0');
    let marked = 0;
    const markGood = () => Promise.resolve({ code: (marked += 1) - 1, said: '' });
    expect(await end(20, { markGood })).toBe('confirmed');
    expect(marked).toBe(1);
    expect(site.restarts).toBe(1);
    expect(site.phases.at(-1)).toBe('confirmed 1.1.0');
  });

  it('rolls back, restarts, and keeps the reason', async () => {
    await begun();
    site.looked = () => absent;
    expect(await end(70)).toBe('rolledBack');
    expect(site.restarts).toBe(2);
    const reason = 'nobody answers at its control socket';
    expect(site.state?.rolledBack).toEqual({ version: '1.1.0', reason });
    expect(site.state?.trial).toBeNull();
  });

  it('leaves a release alone that the launcher has started already', async () => {
    await begun();
    site.note('fallback', `${site.state?.trial?.id ?? ''} it was started 3 times\n`);
    site.looked = () => seen('1.0.0');
    expect(await end(5)).toBe('rolledBack');
    expect(site.restarts).toBe(1);
    expect(site.state?.rolledBack?.reason).toBe('it was started 3 times');
  });

  it('goes on at the next boot, from the start of its time', async () => {
    await begun();
    site.looked = () => absent;
    const cut = () => Promise.reject(new Error('the power is cut'));
    let look = () => Promise.resolve(absent);
    const judging = resume(TERMS, site.world({ look: () => look() }));
    const ended = expect(judging).rejects.toThrow('cut');
    await site.clock.run(50_000);
    look = cut;
    await site.clock.run(2000);
    await ended;
    site.looked = () => seen('1.1.0');
    expect(await end(20)).toBe('confirmed');
  });

  it('a trial that fails finds nobody in danger: an update waits for the end of an alarm', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    site.looked = () => seen('1.0.0', burning);
    const refused = putOnTrial(site.order(from), TERMS, site.world());
    const told = expect(refused).rejects.toThrow(/may not be disturbed now: alarm in zone:kitchen/);
    await site.clock.run(TERMS.waitMs + 5000);
    await told;
    expect(site.said).toContain('waiting: alarm in zone:kitchen');
    expect(site.phases).toEqual(['requested 1.1.0', 'refused 1.1.0']);
    expect(site.steps).toEqual([]);
  });

  it('an alarm that comes while it unpacks holds the restart up', async () => {
    const from = makeRelease(site.out, { version: '1.1.0', key: site.key });
    let fire = false;
    site.onStep = (name) => {
      if (name === 'renamed') fire = true;
    };
    site.looked = () => seen('1.0.0', fire ? burning : {});
    const refused = putOnTrial(site.order(from), TERMS, site.world());
    const told = expect(refused).rejects.toThrow(Refused);
    // Real files are written in between: time goes on only when it is waited for.
    while (site.clock.pending === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await site.clock.run(TERMS.waitMs + 5000);
    await told;
    expect(site.state?.trial).toBeNull();
    expect(site.restarts).toBe(0);
  });

  it('restarts what runs and does not count, once, and not in an alarm', async () => {
    site.looked = () => seen('0.9.0', burning);
    expect(await end(1)).toBe('nothing');
    expect(site.restarts).toBe(0);
    site.looked = () => seen('0.9.0');
    expect(await end(1)).toBe('nothing');
    expect(site.restarts).toBe(1);
  });

  it('a confirmed slot that is gone: the package counts again, and that is told', async () => {
    await begun();
    site.looked = () => seen('1.1.0');
    await end(20);
    rmSync(join(site.paths.releases, 'a'), { recursive: true });
    site.looked = () => absent;
    expect(await end(1)).toBe('nothing');
    expect(site.state).toMatchObject({
      current: { place: 'factory', version: '1.0.0' },
      rolledBack: { version: '1.1.0' },
    });
  });

  it('marks a system good at its first boot, or says why not', async () => {
    let marked = 0;
    const markGood = () => Promise.resolve({ code: (marked += 1) - 1, said: '' });
    site.looked = () => seen('1.0.0');
    expect(await end(20, { markGood })).toBe('nothing');
    expect(marked).toBe(1);
    site.looked = () => absent;
    const judging = resume(TERMS, site.world({ markGood }));
    const told = expect(judging).rejects.toThrow('is not marked good');
    await site.clock.run(70_000);
    await told;
    expect(marked).toBe(1);
  });
});

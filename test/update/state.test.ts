import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Refused } from '../../src/update/refused.ts';
import { compareVersions, isVersion } from '../../src/update/semver.ts';
import type { Trial, UpdateState } from '../../src/update/state.ts';
import {
  begin,
  confirm,
  dismissed,
  factoryState,
  forgetSlot,
  freeSlot,
  goBack,
  HISTORY_LENGTH,
  noted,
  resetSlots,
  rollBack,
} from '../../src/update/state.ts';
import { parseState, readState, stateText, writeState } from '../../src/update/state-file.ts';

const at = '2026-11-23T04:00:00.000Z';
const by = { origin: 'cli:root', requestId: 'r-1' };
let made = 0;

function trialIn(state: UpdateState, version: string): Trial {
  made += 1;
  const baseline = { faults: ['a "b"'], sources: [], connected: ['central'] };
  return { id: `u-${made}`, slot: freeSlot(state), version, ...by, startedAt: at, baseline };
}

/** A step that an updater may take, whatever is so. */
const ACTIONS: readonly ((state: UpdateState, version: string) => UpdateState)[] = [
  (state, version) => {
    if (state.trial !== null) return state;
    const trial = trialIn(state, version);
    return begin(forgetSlot(state, trial.slot), trial);
  },
  (state) => (state.trial === null ? state : confirm(state, state.trial, at, 'well "for" 300 s')),
  (state) => (state.trial === null ? state : rollBack(state, state.trial, at, 'it hangs\n"a",')),
  (state) => goBack(state, { id: `u-${(made += 1)}`, at, ...by }) ?? state,
  (state, version) => noted(state, { id: `n-${(made += 1)}`, at, ...by }, 'refused', version, 'x'),
  (state) => dismissed(state),
  (state, version) => resetSlots(state, version),
];

const version = fc
  .tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 9 }))
  .map((parts) => parts.join('.'));
const step = fc.tuple(fc.nat({ max: ACTIONS.length - 1 }), version);
const walk = fc.array(step, { maxLength: 30 }).map((steps) =>
  steps.reduce<UpdateState[]>(
    (states, [action, chosen]) => {
      const last = states.at(-1) ?? factoryState('1.0.0');
      return [...states, ACTIONS[action]?.(last, chosen) ?? last];
    },
    [factoryState('1.0.0')],
  ),
);

describe('what is in use and on trial', () => {
  it('on every way: a trial touches neither what is confirmed nor what can be gone back to', () => {
    fc.assert(
      fc.property(walk, (states) => {
        for (const [i, state] of states.entries()) {
          const before = states[i - 1];
          const { current, previous, trial, history } = state;
          expect(trial?.slot).not.toBe(current.place);
          expect(previous?.place).not.toBe(current.place);
          if (trial !== null) expect(previous?.place).not.toBe(trial.slot);
          if (before !== undefined && trial !== null && before.trial === null) {
            expect(current).toEqual(before.current);
          }
          expect(history.length).toBeLessThanOrEqual(HISTORY_LENGTH);
          expect(new Set(history.map(({ id }) => id)).size).toBe(history.length);
        }
      }),
    );
  });

  it('the file holds every state as it is', () => {
    fc.assert(
      fc.property(walk, (states) => {
        for (const state of states) expect(parseState(stateText(state), 'file')).toEqual(state);
      }),
    );
  });

  it('an update that follows goes into the other slot, and the one before stays', () => {
    const first = begin(factoryState('1.0.0'), trialIn(factoryState('1.0.0'), '1.1.0'));
    const one = confirm(first, first.trial as Trial, at, 'well');
    expect(one).toMatchObject({
      current: { place: 'a', version: '1.1.0' },
      previous: { place: 'factory', version: '1.0.0' },
    });
    const second = begin(one, trialIn(one, '1.2.0'));
    expect(second.trial?.slot).toBe('b');
    const undone = rollBack(second, second.trial as Trial, at, 'it hangs');
    expect(undone).toMatchObject({ ...one, rolledBack: { version: '1.2.0' }, history: {} });
    expect(undone.history.map(({ phase }) => phase)).toEqual([
      ...['started', 'confirmed', 'started', 'rolledBack'],
    ]);
    const two = confirm(second, second.trial as Trial, at, 'well');
    expect(freeSlot(two)).toBe('b' === two.current.place ? 'a' : 'b');
    expect(forgetSlot(two, freeSlot(two)).previous).toBeNull();
    expect(goBack(two, { id: 'x', at, ...by })?.current).toEqual(one.current);
  });

  it('a confirmed update ends the message of a roll-back; so does whoever has seen it', () => {
    const begun = begin(factoryState('1.0.0'), trialIn(factoryState('1.0.0'), '1.1.0'));
    const undone = rollBack(begun, begun.trial as Trial, at, 'it hangs');
    expect(undone.rolledBack).toEqual({ version: '1.1.0', reason: 'it hangs' });
    expect(dismissed(undone).rolledBack).toBeNull();
    const again = begin(undone, trialIn(undone, '1.1.1'));
    expect(again.rolledBack).not.toBeNull();
    expect(confirm(again, again.trial as Trial, at, 'well').rolledBack).toBeNull();
  });
});

describe('state.json', () => {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-state-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is written and read; none is none; a damaged one is refused with the remedy', () => {
    expect(readState(folder)).toBeNull();
    const state = factoryState('1.0.0');
    writeState(folder, state);
    expect(readState(folder)).toEqual(state);
    const whole = readFileSync(join(folder, 'state.json'), 'utf8');
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 3 }), (length) => {
        expect(() => parseState(whole.slice(0, length), 'file')).toThrow(Refused);
      }),
    );
    writeFileSync(join(folder, 'state.json'), '{}');
    expect(() => readState(folder)).toThrow('--reset-slots');
    writeFileSync(join(folder, 'state.json'), whole.replace('"schema": 1', '"schema": 2'));
    expect(() => readState(folder)).toThrow('"schema" is not 1');
  });

  it('the launcher, a shell script, reads the same from it', () => {
    const root = join(folder, 'root');
    const launcher = join(import.meta.dirname, '../../system/bin/embereye-launch');
    const releases = join(root, 'var/lib/embereye-releases');
    const trees = { factory: join(root, 'opt/embereye'), a: `${releases}/a`, b: `${releases}/b` };
    for (const [place, tree] of Object.entries(trees)) {
      for (const part of ['bin', 'dist']) mkdirSync(join(tree, part), { recursive: true });
      for (const name of ['release.json', 'dist/embereye.js']) writeFileSync(join(tree, name), '');
      writeFileSync(join(tree, 'bin/node'), `#!/bin/sh\necho ${place}\n`, { mode: 0o755 });
    }
    const started = (...args: string[]): string =>
      execFileSync('sh', [launcher, ...args], { env: { ...process.env, EMBEREYE_ROOT: root } })
        .toString()
        .trim();
    fc.assert(
      fc.property(walk, (states) => {
        const state = states.at(-1) ?? factoryState('1.0.0');
        writeState(releases, state);
        expect(started('--confirmed')).toBe(state.current.place);
        expect(started()).toBe(state.trial?.slot ?? state.current.place);
      }),
      { numRuns: 25 },
    );
  });
});

describe('versions', () => {
  const part = fc.constantFrom('0', '1', '2', '10', 'alpha', 'beta', 'rc', 'x-1');
  const any = fc
    .tuple(version, fc.array(part, { maxLength: 3 }))
    .map(([numbers, names]) => (names.length === 0 ? numbers : `${numbers}-${names.join('.')}`));

  it('are in the order that semver.org gives', () => {
    const order = [
      ...['1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2'],
      ...['1.0.0-beta.11', '1.0.0-rc.1', '1.0.0', '1.0.1', '1.1.0', '2.0.0', '10.0.0'],
    ];
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) {
        expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).toBe(Math.sign(i - j));
      }
    }
    expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0);
  });

  it('the order is one', () => {
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        expect(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a))).toBe(0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  it('what is none is told so', () => {
    for (const text of ['', '1', '1.2', '01.2.3', '1.2.3-', '1.2.3-01', 'v1.2.3', ' 1.2.3']) {
      expect(isVersion(text), text).toBe(false);
    }
    expect(isVersion(`1.2.3-${'a'.repeat(60)}`)).toBe(false);
    expect(isVersion('1.2.3-rc.1')).toBe(true);
  });
});

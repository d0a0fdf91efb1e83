import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debianVersion, versionProblem } from '../../scripts/release/version.ts';

const dpkgIsHere = spawnSync('dpkg', ['--version']).error === undefined;

/** Whether dpkg puts `a` before `b`. */
function isEarlier(a: string, b: string): boolean {
  return spawnSync('dpkg', ['--compare-versions', a, 'lt', b]).status === 0;
}

const number = fc.nat({ max: 200 }).map(String);
const word = fc.stringMatching(/^[a-z]{1,6}$/);
const release = fc.tuple(number, number, number).map((parts) => parts.join('.'));
const preRelease = fc
  .tuple(release, fc.array(fc.oneof(number, word), { minLength: 1, maxLength: 3 }))
  .map(([base, parts]) => `${base}-${parts.join('.')}`);

describe('versions of releases', () => {
  it('takes every version of three numbers, with or without a pre-release', () => {
    fc.assert(fc.property(fc.oneof(release, preRelease), (v) => versionProblem(v) === null));
  });

  it.each(['', '1', '1.2', '1.2.3.4', 'v1.2.3', '01.2.3', '1.2.3-', '1.2.3-rc..1', '1.2.3-01'])(
    'refuses "%s" and says what to write',
    (version) => {
      expect(versionProblem(version)).toMatch(/^version ".*" is none: .*1\.2\.3/);
    },
  );

  it.each(['1.2.3;rm', '1.2.3 4', '../1.2.3', '1.2.3\n', '1.2.3-ä'])('refuses "%s"', (version) => {
    expect(versionProblem(version)).not.toBeNull();
  });

  it('refuses what dpkg would read as a revision, build data, and endless ones', () => {
    expect(versionProblem('1.2.3-rc-1')).toMatch(/is none/);
    expect(versionProblem('1.2.3+5')).toMatch(/after "\+"/);
    expect(versionProblem(`1.2.3-${'a'.repeat(80)}`)).toMatch(/longer than 64/);
  });

  it('leaves a release as it is and marks a pre-release for dpkg', () => {
    expect(debianVersion('1.2.3')).toBe('1.2.3');
    expect(debianVersion('1.2.3-rc.1')).toBe('1.2.3~rc.1');
  });

  it.skipIf(!dpkgIsHere)('dpkg sorts them as semver does (needs dpkg)', () => {
    const order = ['1.9.0', '1.10.0-1', '1.10.0-alpha', '1.10.0-alpha.1', '1.10.0-alpha.beta'];
    order.push('1.10.0-beta.2', '1.10.0-beta.11', '1.10.0-rc.1', '1.10.0', '1.10.1-rc.1');
    const inDebian = order.map(debianVersion);
    for (let i = 1; i < order.length; i += 1) {
      const [before = '', after = ''] = [inDebian[i - 1], inDebian[i]];
      expect([before, after, isEarlier(before, after)]).toEqual([before, after, true]);
    }
  });
});

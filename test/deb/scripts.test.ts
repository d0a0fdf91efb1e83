import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAINTAINER_SCRIPTS, SCRIPTS_FOLDER } from '../../scripts/release/deb.ts';
import { hasProgram } from './programs.ts';

const fileOf = (name: string): string => join(SCRIPTS_FOLDER, name);

describe.each(MAINTAINER_SCRIPTS)('%s', (name) => {
  it.skipIf(!hasProgram('shellcheck'))('passes shellcheck (needs shellcheck)', () => {
    const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', fileOf(name)], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it.skipIf(!hasProgram('dash'))('is read by dash, and refuses what it does not know', () => {
    const { status, stderr } = spawnSync('dash', [fileOf(name), 'nonsense'], { encoding: 'utf8' });
    expect(stderr).toBe(`embereye: ${name} does not know "nonsense"\n`);
    expect(status).toBe(1);
  });

  it('ends at the first failure that it does not handle', () => {
    expect(readFileSync(fileOf(name), 'utf8')).toMatch(/^set -eu$/m);
  });
});

// What dpkg calls when something else has failed must do nothing, and not fail: deb-maintscript(7).
describe.skipIf(!hasProgram('dash'))('what undoes a step that failed (needs dash)', () => {
  it.each([
    ['postinst', 'abort-upgrade', '2.0.0'],
    ['postinst', 'abort-remove'],
    ['postinst', 'abort-deconfigure', 'in-favour', 'other', '1'],
    ['preinst', 'abort-upgrade', '1.0.0'],
    ['prerm', 'upgrade', '2.0.0'],
    ['prerm', 'failed-upgrade', '1.0.0', '2.0.0'],
    ['prerm', 'deconfigure', 'in-favour', 'other', '1'],
    ['postrm', 'upgrade', '2.0.0'],
    ['postrm', 'abort-install'],
    ['postrm', 'abort-upgrade', '1.0.0'],
    ['postrm', 'failed-upgrade', '1.0.0'],
    ['postrm', 'disappear', 'other', '1'],
  ])('%s %s', (name, ...args) => {
    const { status, stdout, stderr } = spawnSync('dash', [fileOf(name), ...args], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

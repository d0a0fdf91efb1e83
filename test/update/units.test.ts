import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config-schema.ts';
import { REQUEST_FOLDER } from '../../src/update/request.ts';

const folder = join(import.meta.dirname, '../../system/systemd');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the units of updates', () => {
  it('watch for the file that the appliance writes, by its default folder', () => {
    const { runDirectory } = configSchema.parse({}).state;
    const path = `PathExists=${runDirectory}/${REQUEST_FOLDER}/request.json`;
    expect(read('embereye-update.path')).toContain(path);
  });

  it('run the confirmed release, never the one on trial', () => {
    const start = 'ExecStart=/opt/embereye/bin/embereye update --resume';
    expect(read('embereye-update.service')).toContain(start);
  });

  it('write where the appliance looks', () => {
    const { directory } = configSchema.parse({}).update;
    const [, name = ''] = /^StateDirectory=(.*)$/m.exec(read('embereye-update.service')) ?? [];
    expect(directory).toBe(`/var/lib/${name}`);
  });

  it.skipIf(!hasAnalyze)('are exposed by at most 2.5 (systemd-analyze is installed)', () => {
    const unit = join(folder, 'embereye-update.service');
    const args = ['security', '--offline=true', '--threshold=25', unit];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    expect(stderr).not.toContain('Unknown');
    expect(stdout).toMatch(/Overall exposure level .*: [012]\.\d/);
    expect(status, stdout.split('\n').slice(-3).join('\n')).toBe(0);
  });
});

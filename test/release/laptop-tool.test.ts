import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeLaptopTool } from '../../scripts/release/laptop-tool.ts';

describe('the tool for the laptop', () => {
  let folder = '';
  let file = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-laptop-'));
    file = await writeLaptopTool('1.2.3', folder, 1_790_000_000);
    execFileSync('tar', ['-xzf', file, '-C', folder]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is one tarball, the same bytes each time', async () => {
    expect(basename(file)).toBe('embereye-provision-1.2.3.tar.gz');
    const again = join(folder, 'again');
    mkdirSync(again);
    const other = await writeLaptopTool('1.2.3', again, 1_790_000_000);
    expect(readFileSync(other).equals(readFileSync(file))).toBe(true);
  });

  it('runs where it was unpacked, with Node alone', () => {
    const script = join(folder, 'embereye-provision-1.2.3', 'flash');
    const { status, stdout } = spawnSync(script, ['--help'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('--identity <folder>')]);
  });

  it('brings the example configuration, and the terms of what is inside', () => {
    const top = join(folder, 'embereye-provision-1.2.3');
    const example = readFileSync(join(import.meta.dirname, '../../config/appliance.yaml'));
    expect(readFileSync(join(top, 'config/appliance.yaml')).equals(example)).toBe(true);
    const terms = readFileSync(join(top, 'LICENSES.txt'), 'utf8');
    expect(terms).toMatch(/^pdfkit \d+\.\d+\.\d+$/m);
    expect(terms).toMatch(/^EmberEye edge$/m);
  });
});

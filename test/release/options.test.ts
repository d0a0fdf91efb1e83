import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckout } from '../../scripts/release/checkout.ts';
import type { ReleaseOptions } from '../../scripts/release/options.ts';
import { readOptions } from '../../scripts/release/options.ts';
import { Refusal } from '../../scripts/release/refusal.ts';
import { plannedFiles } from '../../scripts/release/release.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'embereye-options-'));
  writeFileSync(join(root, 'package.json'), '{"version": "0.4.0"}');
  for (const name of ['a.key', 'a.pub', 'b.pub']) writeFileSync(join(root, name), '');
});
afterAll(() => rmSync(root, { recursive: true }));

const read = (...args: string[]): ReleaseOptions => readOptions(args, root);
function refusal(...args: string[]): { message: string; code: number } {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof Refusal) return { message: error.message, code: error.code };
    throw error;
  }
  throw new Error('was taken');
}

describe('the command line of a release', () => {
  it('builds both machines, in the version of package.json, into out/release', () => {
    expect(read()).toMatchObject({
      arches: ['arm64', 'x64'],
      version: '0.4.0',
      key: null,
      trust: [],
      out: join(root, 'out/release'),
      verify: false,
      dryRun: false,
    });
  });

  it('takes what it is told', () => {
    const options = read(
      '--arch',
      'x64',
      '--version',
      '1.0.0-rc.1',
      '--key',
      'a.key',
      '--out',
      'o',
    );
    expect(options).toMatchObject({ arches: ['x64'], version: '1.0.0-rc.1', out: join(root, 'o') });
    expect(options.key).toBe(join(root, 'a.key'));
    expect(read('--arch', 'x64,x64').arches).toEqual(['x64']);
  });

  it('takes several keys to trust, one option or many', () => {
    const both = [join(root, 'a.pub'), join(root, 'b.pub')];
    expect(read('--trust', 'a.pub', 'b.pub').trust).toEqual(both);
    expect(read('--trust', 'a.pub', '--trust', 'b.pub').trust).toEqual(both);
  });

  it.each([
    [['--arch', 'armhf'], /--arch "armhf" is not built; one or more of: arm64, x64/],
    [['--arch', ''], /--arch "" is not built/],
    [['--version', 'v1'], /--version: version "v1" is none/],
    [['--nonsense'], /--nonsense/],
    [['b.pub'], /"b.pub" belongs to no option/],
  ])('refuses %j with exit code 2', (args, message) => {
    const { code, message: said } = refusal(...args);
    expect(said).toMatch(message);
    expect(said).toContain('npm run release -- --help');
    expect(code).toBe(2);
  });

  it.each(['--key', '--password-file', '--trust'])('refuses %s without that file', (option) => {
    const { code, message } = refusal(option, 'none');
    expect(message).toBe(`${option} ${join(root, 'none')}: no such file`);
    expect(code).toBe(3);
  });

  it('says what it would write', () => {
    const names = (options: ReleaseOptions): string[] =>
      plannedFiles(options).map((file) => file.slice(options.out.length + 1));
    expect(names(read('--arch', 'x64', '--version', '1.0.0-rc.1'))).toEqual([
      'tree/embereye-1.0.0-rc.1-linux-x64',
      'embereye-1.0.0-rc.1-linux-x64.tar.gz',
      'embereye_1.0.0~rc.1_amd64.deb',
      'embereye-1.0.0-rc.1-linux-x64.cdx.json',
      'embereye-provision-1.0.0-rc.1.tar.gz',
      'SHA256SUMS',
    ]);
    expect(names(read('--trees'))).toEqual([
      'tree/embereye-0.4.0-linux-arm64',
      'tree/embereye-0.4.0-linux-x64',
    ]);
  });
});

describe('what the checkout says', () => {
  it('the environment may set the time of every file', async () => {
    expect(await readCheckout({ SOURCE_DATE_EPOCH: '1790000000' })).toMatchObject({
      sourceDateEpoch: 1_790_000_000,
      commit: expect.stringMatching(/^([0-9a-f]{40}(-dirty)?|unknown)$/) as string,
    });
  });

  it.each(['', 'yesterday', '-1', '1.5'])('refuses SOURCE_DATE_EPOCH "%s"', async (text) => {
    await expect(readCheckout({ SOURCE_DATE_EPOCH: text })).rejects.toThrow('date +%s writes one');
  });
});

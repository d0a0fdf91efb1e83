import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOptions } from '../../scripts/image/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'embereye-image-options-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'embereye_1.2.3_arm64.deb'), '');
const read = (text: string) => readOptions(text.split(' '), folder);

describe('npm run image', () => {
  it('takes a package and a name for the image', () => {
    expect(read('--deb embereye_1.2.3_arm64.deb --out x.img')).toEqual({
      kind: 'build',
      dryRun: false,
      build: {
        deb: join(folder, 'embereye_1.2.3_arm64.deb'),
        out: join(folder, 'x.img'),
        suite: 'trixie',
        sizeMib: 2048,
        renew: false,
      },
    });
    expect(read('--help')).toEqual({ kind: 'help' });
  });

  it.each([
    ['--without-deb', 2, /--out FILE is missing/],
    ['--out x', 2, /--deb FILE is missing/],
    ['--out x --deb y_arm64.deb --without-deb', 2, /exclude each other/],
    ['--out x --deb y_amd64.deb', 3, /not for arm64/],
    ['--out x --deb y_arm64.deb', 3, /no such file: npm run release/],
    ['--out x --without-deb --suite sid', 2, /"sid" is not built; trixie or bookworm/],
    ['--out x --without-deb --size-mib 3000', 2, /3000 .* use 2048/],
    ['--out x --without-deb --size-mib many', 2, /use 2048/],
    ['--out /dev/sdz --without-deb', 2, /name a file; scripts\/provision\/flash/],
    ['--out x --without-deb --fast', 2, /Unknown option '--fast'/],
  ])('%s: exit code %i', (text, code, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code }) as Error);
    expect(() => read(text)).toThrow(message);
  });
});

import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  byBytes,
  manifestOf,
  pathsIn,
  settleModes,
  writeManifest,
} from '../../scripts/release/manifest.ts';
import { differencesOf } from '../../scripts/release/verify.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-manifest-'));
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'a.js'), 'one', { mode: 0o600 });
  writeFileSync(join(folder, 'Z'), '', { mode: 0o664 });
  symlinkSync('dist/a.js', join(folder, 'link'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the manifest of a release', () => {
  it('lists every file and link but itself, with digest, mode and size', () => {
    chmodSync(join(folder, 'dist', 'a.js'), 0o755);
    chmodSync(join(folder, 'Z'), 0o644);
    writeManifest(folder);
    const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(manifestOf(folder)).toEqual({
      schema: 1,
      files: {
        Z: { sha256: digest(''), mode: '0644', size: 0 },
        'dist/a.js': { sha256: digest('one'), mode: '0755', size: 3 },
        link: { link: 'dist/a.js' },
      },
    });
    expect(Object.keys(manifestOf(folder).files)).toEqual(['Z', 'dist/a.js', 'link']);
  });

  it('sorts by bytes, so that no language changes the order', () => {
    expect(['ä', 'b', 'B', 'a'].sort(byBytes)).toEqual(['B', 'a', 'b', 'ä']);
  });

  it('gives programs one mode and everything else another', () => {
    settleModes(folder, (path) => path === 'dist/a.js');
    expect(statSync(join(folder, 'dist', 'a.js')).mode & 0o777).toBe(0o755);
    expect(statSync(join(folder, 'Z')).mode & 0o777).toBe(0o644);
  });

  it('tells what differs between two: content, mode, and what is only in one', () => {
    const before = manifestOf(folder);
    expect(differencesOf(before, manifestOf(folder))).toEqual([]);
    writeFileSync(join(folder, 'dist', 'a.js'), 'two');
    chmodSync(join(folder, 'Z'), 0o755);
    writeFileSync(join(folder, 'new'), '');
    expect(differencesOf(before, manifestOf(folder)).sort(byBytes)).toEqual([
      'Z',
      'dist/a.js',
      'new',
    ]);
  });

  it('names paths with forward slashes, folders left out', () => {
    expect(pathsIn(folder)).toEqual(['Z', 'dist/a.js', 'link']);
  });
});

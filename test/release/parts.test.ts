import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { factsOf } from '../../scripts/release/arch.ts';
import type { Bundled } from '../../scripts/release/bundle.ts';
import {
  filesBehind,
  hasNativeParts,
  NATIVE_PACKAGES,
  writeBundles,
} from '../../scripts/release/bundle.ts';
import { inspectTree } from '../../scripts/release/gate.ts';
import { licensesText } from '../../scripts/release/licenses.ts';
import { pathsIn } from '../../scripts/release/manifest.ts';
import { packageFolder, packageName } from '../../scripts/release/package-folder.ts';
import { sizesOf } from '../../scripts/release/sizes.ts';

const root = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'embereye-parts-'))));
afterAll(() => rmSync(folder, { recursive: true }));

describe('bundles of a release', { timeout: 60_000 }, () => {
  let bundled: Bundled = { packages: [], asked: [] };
  beforeAll(async () => {
    bundled = await writeBundles(join(folder, 'one'), '9.8.7');
    await writeBundles(join(folder, 'elsewhere', 'two'), '9.8.7');
  }, 60_000);

  it('are the programs, without maps', () => {
    const files = pathsIn(join(folder, 'one'));
    expect(files.filter((path) => !/^[a-z-]+\.js$/.test(path))).toEqual([]);
    // What the appliance starts beside itself, by the names that it starts them with.
    expect(files).toEqual(expect.arrayContaining(['embereye.js', 'store-writer.js']));
    expect(files).toEqual(expect.arrayContaining(['bus-thread.js', 'inference.js']));
  });

  it('have the same bytes in another folder, and name no folder of this machine', () => {
    for (const name of pathsIn(join(folder, 'one'))) {
      const text = readFileSync(join(folder, 'one', name), 'utf8');
      expect(text).toBe(readFileSync(join(folder, 'elsewhere', 'two', name), 'utf8'));
      expect(text).not.toContain(root);
      expect(text).not.toContain(folder);
    }
  });

  it('carry the version they are given', () => {
    expect(readFileSync(join(folder, 'one', 'embereye.js'), 'utf8')).toContain('9.8.7');
  });

  it('ask for the native packages, every one, and hold no native package', () => {
    const asked = new Set(bundled.asked.map(({ name }) => name));
    expect([...asked].sort()).toEqual([...NATIVE_PACKAGES].sort());
    expect(bundled.packages).toContain('zod');
    expect(bundled.packages.filter(hasNativeParts)).toEqual([]);
    expect(NATIVE_PACKAGES.filter((name) => hasNativeParts(name))).toContain('epoll');
  });

  it('know every file that is read behind them', async () => {
    const files = await filesBehind(bundled.asked);
    for (const wanted of [
      'better-sqlite3/lib/index.js',
      'bindings/bindings.js',
      'koffi/src/koffi/index.js',
      'onnxruntime-common/dist/cjs/index.js',
    ]) {
      expect(files).toContain(wanted);
    }
    expect(files.filter((path) => !path.endsWith('.js'))).toEqual([]);
  });
});

describe('which package a file belongs to', () => {
  it.each([
    ['node_modules/a/x.js', 'a', 'a'],
    ['node_modules/@b/c/lib/x.js', '@b/c', '@b/c'],
    ['node_modules/a/node_modules/@b/c/x.js', 'a/node_modules/@b/c', '@b/c'],
  ])('%s', (path, packageAt, name) => {
    expect(packageFolder(path)).toBe(packageAt);
    expect(packageName(packageAt)).toBe(name);
  });

  it('our own files belong to none', () => expect(packageFolder('src/main.ts')).toBeNull());
});

describe('LICENSES.txt', () => {
  it('has every text once, under all the parts it is for', () => {
    const plant = (name: string, files: Record<string, string>): string => {
      const at = join(folder, name);
      mkdirSync(at);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text);
      return at;
    };
    const text = licensesText([
      { title: 'one 1', folder: plant('l1', { LICENSE: 'free\r\n' }) },
      { title: 'two 2', folder: plant('l2', { 'license.txt': 'free\n' }) },
      { title: 'three 3', folder: plant('l3', { 'LICENSE.md': 'A', NOTICE: 'B', 'x.js': 'C' }) },
      {
        title: 'four 4',
        folder: plant('l4', { 'package.json': '{"license":"MIT","author":"X"}' }),
      },
    ]);
    expect(text.match(/free/g)).toHaveLength(1);
    expect(text).toMatch(/one 1\ntwo 2\n=+\n\nfree\n/);
    expect(text).toMatch(/three 3\n=+\n\nA\n\nB\n/);
    expect(text).toMatch(/four 4\n=+\n\nThe package brings no text.*\nlicence: MIT\nauthor: X\n/);
    const silent = plant('l5', { 'package.json': '{}' });
    expect(() => licensesText([{ title: 'five', folder: silent }])).toThrow('nothing about');
  });
});

describe('the gate for a tree', () => {
  it('refuses scripts of packages, and names of the build machine', () => {
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'node_modules', 'a'), { recursive: true });
    const file = join(tree, 'node_modules', 'a', 'package.json');
    writeFileSync(file, '{"name":"a"}');
    symlinkSync('package.json', join(tree, 'node_modules', 'a', 'link'));
    const problems = () => inspectTree(tree, factsOf('x64'), ['/home/builder']).problems;
    expect(problems()).toEqual([]);
    writeFileSync(file, '{"name":"a","scripts":{"install":"/home/builder/x"}}');
    expect(problems()).toEqual([
      'node_modules/a/package.json: names /home/builder of the build machine',
      'node_modules/a/package.json: has scripts',
    ]);
  });

  it('adds up sizes by part', () => {
    const tree = join(folder, 'sized');
    mkdirSync(join(tree, 'node_modules', '@a', 'b'), { recursive: true });
    writeFileSync(join(tree, 'node_modules', '@a', 'b', 'x'), 'xxx');
    writeFileSync(join(tree, 'release.json'), 'x');
    expect(sizesOf(tree)).toEqual({
      parts: [
        ['@a/b', 3],
        ['release.json', 1],
      ],
      total: 4,
    });
  });
});

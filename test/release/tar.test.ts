import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { byBytes, manifestOf } from '../../scripts/release/manifest.ts';
import { tarHeader, writeTar } from '../../scripts/release/tar.ts';

const MTIME_SECONDS = 1_790_000_000;
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'embereye-tar-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A tree with what a release has: programs, links, a deep path, empty and odd-sized files. */
function plantTree(name: string): string {
  const tree = join(folder, name);
  const deep = join(tree, 'node_modules', 'a'.repeat(60), 'b'.repeat(60));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'index.js'), 'x'.repeat(513));
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('run', join(tree, 'start'));
  return tree;
}

function tarOf(tree: string): Buffer {
  const file = join(folder, 'out.tar');
  writeTar(tree, 'embereye-1.2.3', file, MTIME_SECONDS);
  return readFileSync(file);
}

const member = { kind: 'file', mode: 0o644, bytes: Buffer.alloc(0), link: '' } as const;

describe('tarballs of a release', () => {
  it('has the same bytes wherever and whenever the tree was written', () => {
    const first = plantTree('one');
    mkdirSync(join(folder, 'elsewhere'));
    const second = plantTree('elsewhere/other');
    utimesSync(join(second, 'run'), 1, 1);
    expect(tarOf(first).equals(tarOf(second))).toBe(true);
    writeFileSync(join(second, 'run'), '#!/bin/bash\n');
    expect(tarOf(first).equals(tarOf(second))).toBe(false);
  });

  it('is what tar unpacks: content, modes, links and times', () => {
    const tree = plantTree('tree');
    tarOf(tree);
    const out = join(folder, 'out');
    mkdirSync(out);
    execFileSync('tar', ['-xf', join(folder, 'out.tar'), '-C', out]);
    expect(manifestOf(join(out, 'embereye-1.2.3'))).toEqual(manifestOf(tree));
    const listing = execFileSync('tar', ['--numeric-owner', '-tvf', join(folder, 'out.tar')], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
    for (const line of listing.trim().split('\n')) {
      expect(line).toMatch(/^\S+ 0\/0 +\d+ 2026-09-21 14:13 embereye-1\.2\.3\//);
    }
  });

  it('puts its members in the order of their bytes', () => {
    const tree = plantTree('tree');
    for (const name of ['b', 'B', 'ä', 'a10', 'a9']) writeFileSync(join(tree, name), '');
    tarOf(tree);
    const listing = execFileSync(
      'tar',
      ['--quoting-style=literal', '-tf', join(folder, 'out.tar')],
      {
        encoding: 'utf8',
      },
    );
    const names = listing.trim().split('\n');
    const top = names.filter((name) => /^embereye-1\.2\.3\/[^/]+$/.test(name));
    expect(top).toEqual([...top].sort(byBytes));
    expect(top.map((name) => name.slice('embereye-1.2.3/'.length)).slice(0, 3)).toEqual([
      'B',
      'a10',
      'a9',
    ]);
  });

  it('fills up the last record, as tar expects it', () => {
    expect(tarOf(plantTree('tree')).length % 10_240).toBe(0);
  });

  it('writes a header whose sum is right, for every path that fits', () => {
    const part = fc.stringMatching(/^[a-z0-9@.+-]{1,40}$/);
    const paths = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(paths, (path) => {
        const header = tarHeader({ ...member, path }, MTIME_SECONDS);
        const told = parseInt(header.toString('latin1', 148, 154), 8);
        header.fill(' ', 148, 156);
        const text = (at: number, length: number): string =>
          header.toString('utf8', at, at + length).replace(/\0.*$/s, '');
        const whole = [text(345, 155), text(0, 100)].filter((one) => one !== '').join('/');
        return told === header.reduce((sum, byte) => sum + byte, 0) && whole === path;
      }),
    );
  });

  it('refuses what the format cannot hold instead of cutting it', () => {
    const long = 'x'.repeat(101);
    expect(() => tarHeader({ ...member, path: long }, 0)).toThrow('too long for a tarball');
    expect(() => tarHeader({ ...member, path: 'a', kind: 'link', link: long }, 0)).toThrow(
      'too long for a link',
    );
  });

  it('copies of a tree made by other means are the same', () => {
    const tree = plantTree('tree');
    cpSync(tree, join(folder, 'copy'), { recursive: true, verbatimSymlinks: true });
    expect(tarOf(join(folder, 'copy')).equals(tarOf(tree))).toBe(true);
  });
});

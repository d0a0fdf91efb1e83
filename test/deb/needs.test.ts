import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsOfTree } from '../../scripts/release/deb-needs.ts';

/** Programs that every Linux has are there to be read. */
const PROGRAM = '/bin/sh';
const isLinux64 = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);

describe.skipIf(!isLinux64)('what a program asks for (needs 64-bit Linux)', () => {
  let tree = '';
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'embereye-needs-'));
    mkdirSync(join(tree, 'bin'));
  });
  afterEach(() => rmSync(tree, { recursive: true }));

  it('becomes the dependencies of the package', () => {
    cpSync(PROGRAM, join(tree, 'bin/sh'));
    writeFileSync(join(tree, 'text'), 'no program');
    writeFileSync(join(tree, 'empty'), '');
    expect(needsOfTree(tree).depends).toEqual([expect.stringMatching(/^libc6 \(>= 2\.\d+\)$/)]);
  });

  it('is refused where the oldest supported system does not have it', () => {
    writeFileSync(join(tree, 'bin/new'), renamed(readFileSync(PROGRAM), /GLIBC_2\.\d+\0/, '99'));
    expect(() => needsOfTree(tree)).toThrow(/bin\/new needs GLIBC_99.*oldest supported/);
  });

  it('is refused where nobody knows the library', () => {
    const file = join(tree, 'bin/odd');
    writeFileSync(file, Buffer.from(swap(readFileSync(PROGRAM), 'libc.so.6', 'libz.so.6')));
    expect(() => needsOfTree(tree)).toThrow(/bin\/odd needs libz\.so\.6/);
    // Unless the release brings it along.
    writeFileSync(join(tree, 'libz.so.6'), '');
    expect(() => needsOfTree(tree)).not.toThrow();
  });

  it('is nothing where a file is no program', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        writeFileSync(join(tree, 'bin/bytes'), bytes);
        expect(needsOfTree(tree).depends).toEqual([]);
      }),
    );
  });
});

/** Puts another version where one stands, of the same length. */
function renamed(file: Buffer, pattern: RegExp, version: string): Buffer {
  const [found = ''] = pattern.exec(file.toString('latin1')) ?? [];
  return swap(file, found, `GLIBC_${version}`.padEnd(found.length, '\0'));
}

function swap(file: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(file);
  for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from, at + 1)) copy.write(to, at);
  return copy;
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refused } from '../../src/update/refused.ts';
import { isSafePath } from '../../src/update/release-files.ts';
import { tarMembers } from '../../src/update/tar.ts';
import { staysInside } from '../../src/update/unpack.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer, size: number) {
  const found: Record<string, string> = {};
  for await (const { path, kind, link, content } of tarMembers(chunksOf(bytes, size))) {
    const parts: Buffer[] = [];
    // Some are left unread: the reader goes over them by itself.
    if (!path.endsWith('skipped')) for await (const part of content) parts.push(part);
    found[path] = kind === 'file' ? Buffer.concat(parts).toString('base64') : `${kind} ${link}`;
  }
  return found;
}

const name = fc.constantFrom('a', 'b', 'a long name with spaces', 'x'.repeat(60), 'skipped');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const files = fc
  .dictionary(path, fc.uint8Array({ maxLength: 2000 }), { minKeys: 1, maxKeys: 6 })
  // No file stands where another one needs a folder.
  .map((all) =>
    Object.entries(all).filter(
      ([one]) => !Object.keys(all).some((other) => other.startsWith(`${one}/`)),
    ),
  );

describe('a tarball', () => {
  it('that the real tar wrote is read, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 5000 }), async (all, size) => {
        const folder = mkdtempSync(join(tmpdir(), 'embereye-tar-'));
        try {
          const expected: Record<string, string> = {};
          for (const [file, bytes] of all) {
            mkdirSync(dirname(join(folder, file)), { recursive: true });
            writeFileSync(join(folder, file), bytes);
            const text = Buffer.from(bytes).toString('base64');
            expected[file] = file.endsWith('skipped') ? '' : text;
          }
          symlinkSync('a', join(folder, 'link'));
          expected['link'] = 'link a';
          const names = [...all.map(([file]) => file), 'link'];
          const args = ['--format=ustar', '-C', folder, '-cf', '-', ...names];
          expect(await read(execFileSync('tar', args), size)).toEqual(expected);
        } finally {
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 15 },
    );
  });

  it('that is cut short or noise is refused in words', async () => {
    const whole = execFileSync('tar', [
      '--format=ustar',
      '-cf',
      '-',
      '-C',
      import.meta.dirname,
      '.',
    ]);
    await expect(read(whole.subarray(0, 2000), 512)).rejects.toThrow(Refused);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (noise) => {
        if (noise.every((byte) => byte === 0)) return;
        await expect(read(Buffer.from(noise), 100)).rejects.toThrow(Refused);
      }),
    );
  });
});

describe('paths', () => {
  it('stay below the tree', () => {
    for (const bad of ['', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../b', 'a/./b', 'a\nb']) {
      expect(isSafePath(bad), bad).toBe(false);
    }
    expect(isSafePath('node_modules/@scope/name/a.js')).toBe(true);
  });

  it('links too, whatever they go through', () => {
    for (const [at, link] of [
      ['a', '/etc/passwd'],
      ['a', '..'],
      ['a/b', '../../x'],
      ['a/b', 'c/../../../x'],
      ['a/b', 'c/..'],
      ['a', ''],
    ] as const) {
      expect(staysInside(at, link), `${at} -> ${link}`).toBe(false);
    }
    for (const [at, link] of [
      ['a', 'b'],
      ['a/b/c', '../../d/e'],
      ['a/b', './c'],
      ['a/b', '..'],
    ] as const) {
      expect(staysInside(at, link), `${at} -> ${link}`).toBe(true);
    }
  });
});

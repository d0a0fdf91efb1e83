import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fat32 } from '../../scripts/provision/fat32.ts';
import type { ByteStore } from '../../scripts/provision/overlay.ts';
import { Overlay } from '../../scripts/provision/overlay.ts';

const has = (command: string): boolean =>
  spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${command}`]).status === 0;
const hasTools = ['mkfs.vfat', 'fsck.vfat', 'mcopy', 'mdir'].every(has);
const START = 1024 * 1024;
const WALL_MS = Date.UTC(2026, 5, 1, 12, 0, 2);

let folder: string;
let file: string;
let descriptor: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-fat-'));
  file = join(folder, 'disk');
});
afterEach(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

const tool = (command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    encoding: 'latin1',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, MTOOLS_SKIP_CHECK: '1' },
  });

/** A partition after a gap, as mkfs.vfat makes it. */
function partition(mib: number, ...options: string[]): { store: ByteStore; fat: Fat32 } {
  const plain = join(folder, 'plain');
  writeFileSync(plain, '');
  truncateSync(plain, mib * 1024 * 1024);
  tool('mkfs.vfat', '-F', '32', '-n', 'EMBEREYE', ...options, plain);
  writeFileSync(file, '');
  truncateSync(file, START);
  execFileSync('sh', ['-c', `cat ${plain} >> ${file}`]);
  descriptor = openSync(file, 'r+');
  const store: ByteStore = {
    read(offset, length) {
      const bytes = Buffer.alloc(length);
      expect(readSync(descriptor, bytes, 0, length, offset)).toBe(length);
      return bytes;
    },
    write: (offset, bytes) => void writeSync(descriptor, bytes, 0, bytes.length, offset),
  };
  return { store, fat: new Fat32(store, START, WALL_MS) };
}

const image = (): string => `${file}@@${START}`;
const readBack = (path: string): Buffer =>
  execFileSync('mcopy', ['-n', '-i', image(), `::${path}`, '-']);

/** fsck finds nothing at all to say. */
function expectClean(): void {
  const plain = join(folder, 'copy');
  execFileSync('sh', ['-c', `tail -c +${START + 1} ${file} > ${plain}`]);
  const { stdout, status } = spawnSync('/usr/sbin/fsck.vfat', ['-n', '-V', plain], {
    encoding: 'utf8',
  });
  expect(`${stdout}${status ?? ''}`).not.toMatch(
    /differ|wrong|bad|lost|orphan|invalid|Unused|Free/i,
  );
  expect(status).toBe(0);
}

describe.skipIf(!hasTools)('FAT32 (needs dosfstools and mtools)', () => {
  it('finds what others wrote', () => {
    const { store } = partition(40);
    writeFileSync(join(folder, 'a'), 'console=tty1\n');
    tool('mmd', '-i', image(), '::overlays', '::A long folder');
    tool('mcopy', '-i', image(), join(folder, 'a'), '::cmdline.txt');
    tool('mcopy', '-i', image(), join(folder, 'a'), '::A long folder/another long name.dtb');
    const fat = new Fat32(store, START, WALL_MS);
    expect(fat.label()).toBe('EMBEREYE');
    expect(fat.list('')).toEqual(['overlays', 'A long folder', 'cmdline.txt']);
    expect(fat.read('CMDLINE.TXT')?.toString()).toBe('console=tty1\n');
    expect(fat.read('a long folder/another long name.dtb', 7)?.toString()).toBe('console');
    expect(fat.read('none')).toBeNull();
    expect(fat.read('cmdline.txt/none')).toBeNull();
    expect(fat.list('none')).toBeNull();
  });

  it('writes what others find, in folders, with long names', () => {
    const { fat } = partition(40);
    const big = Buffer.alloc(300_001, 7);
    fat.write('embereye/appliance.yaml', Buffer.from('device: {}\n'));
    fat.write('embereye/network/10-wired-and-long.network', big);
    fat.write('README.TXT', Buffer.from('short'));
    fat.write('empty', new Uint8Array());
    expect(readBack('/embereye/appliance.yaml').toString()).toBe('device: {}\n');
    expect(readBack('/embereye/network/10-wired-and-long.network').equals(big)).toBe(true);
    expect(readBack('/README.TXT').toString()).toBe('short');
    expect(readBack('/empty')).toHaveLength(0);
    expect(tool('mdir', '-i', image(), '::embereye')).toMatch(
      /2026-06-01\s+12:00\s+appliance.yaml/,
    );
    expectClean();
  });

  it('replaces and removes, and gives the space back', () => {
    const { fat, store } = partition(40);
    const info = (): number => store.read(START + 512, 512).readUInt32LE(488);
    const before = info();
    fat.write('a/b/c.txt', Buffer.alloc(50_000));
    fat.write('a/b/c.txt', Buffer.from('new'));
    fat.write('a/d', Buffer.alloc(9000));
    expect(readBack('/a/b/c.txt').toString()).toBe('new');
    fat.remove('a');
    fat.remove('a');
    expect(fat.list('')).toEqual([]);
    expect(info()).toBe(before);
    expectClean();
  });

  it('a folder grows beyond a cluster, and short names stay apart', () => {
    const { fat } = partition(40);
    const names = Array.from({ length: 120 }, (_, i) =>
      `a long name of file ${i}.yaml`.replaceAll(' ', '-'),
    );
    for (const name of names) fat.write(`many/${name}`, Buffer.from(name));
    expect(fat.list('many')).toEqual(names);
    for (const name of [names[0], names[119]])
      expect(readBack(`/many/${name!}`).toString()).toBe(name);
    expectClean();
  });

  it('says when it is full, and what is no name', () => {
    const { fat } = partition(34);
    expect(() => fat.write('big', new Uint8Array(40 * 1024 * 1024))).toThrow('is full');
    expect(() => fat.write('a:b', new Uint8Array())).toThrow('no name');
    fat.write('file', new Uint8Array(1));
    expect(() => fat.write('file/x', new Uint8Array())).toThrow('is a file');
    fat.write('folder/x', new Uint8Array(1));
    expect(() => fat.write('folder', new Uint8Array())).toThrow('is a folder');
  });

  it('refuses a chain that leads nowhere, and what is not FAT32', () => {
    const { fat, store } = partition(34);
    fat.write('file', new Uint8Array(5000));
    const astray = Buffer.alloc(4);
    astray.writeUInt32LE(9_999_999);
    store.write(START + 512 * 32 + 3 * 4, astray);
    expect(() => new Fat32(store, START, WALL_MS).read('file')).toThrow('leads nowhere');
    expect(() => new Fat32(store, 0, WALL_MS)).toThrow('no FAT32');
  });

  it('any run of writes and removals leaves a file system that fsck approves', () => {
    const action = fc.record({
      path: fc.constantFrom('a', 'dir/b.yaml', 'dir/sub/long-name-of-c.network', 'D.TXT', 'dir/e'),
      bytes: fc.option(fc.nat(20_000), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 25 }), (actions) => {
        const { fat } = partition(34);
        const model = new Map<string, number>();
        for (const { path, bytes } of actions) {
          if (bytes === null) fat.remove(path);
          else fat.write(path, Buffer.alloc(bytes, bytes % 251));
          if (bytes === null) model.delete(path);
          else model.set(path, bytes);
        }
        for (const [path, bytes] of model) {
          expect(readBack(`/${path}`).equals(Buffer.alloc(bytes, bytes % 251))).toBe(true);
        }
        expectClean();
        closeSync(descriptor);
        descriptor = openSync(file, 'r');
      }),
      { numRuns: 8 },
    );
  });
});

describe('an overlay', () => {
  it('reads like a copy that was changed, at any place', () => {
    descriptor = openSync('/dev/null', 'r');
    const write = fc.record({ at: fc.nat(19_000), length: fc.nat(6000), value: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 12 }),
        fc.nat(20_000),
        fc.nat(9000),
        (all, at, n) => {
          const original = Buffer.from(Array.from({ length: 20_001 }, (_, i) => i % 250));
          const copy = Buffer.from(original);
          const source = { read: (o: number, l: number) => original.subarray(o, o + l) };
          const overlay = new Overlay(source, original.length);
          for (const { at: place, length, value } of all) {
            const bytes = Buffer.alloc(Math.min(length, original.length - place), value);
            overlay.write(place, bytes);
            bytes.copy(copy, place);
          }
          const length = Math.min(n, original.length - at);
          expect(overlay.read(at, length).equals(copy.subarray(at, at + length))).toBe(true);
        },
      ),
    );
    expect(() => new Overlay({ read: () => Buffer.alloc(0) }, 5).write(3, Buffer.alloc(3))).toThrow(
      'beyond the image',
    );
  });
});

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const IMAGE = join(process.cwd(), 'system/image');
const SCRIPTS = readdirSync(IMAGE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((file) => readFileSync(file, 'utf8').startsWith('#!/bin/sh'));

const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;

describe('scripts of the image', () => {
  it('are all found', () => {
    expect(SCRIPTS.length).toBeGreaterThanOrEqual(7);
  });

  it.skipIf(!has('shellcheck'))('please shellcheck (needs shellcheck)', () => {
    const { stdout, status } = spawnSync('shellcheck', SCRIPTS, { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('can be executed, and start only what exists', () => {
    for (const name of ['grow-data', 'seed-is-new', 'use-host-name', 'make-host-key']) {
      const file = join(IMAGE, 'root/usr/lib/embereye/image', name);
      expect(spawnSync('test', ['-x', file]).status).toBe(0);
    }
    const units = join(IMAGE, 'root/usr/lib/systemd/system');
    const named = readdirSync(units)
      .filter((name) => name.endsWith('.service'))
      .flatMap((name) => readFileSync(join(units, name), 'utf8').match(/=\/usr\/lib\/\S+/g) ?? []);
    expect(named.length).toBeGreaterThan(0);
    for (const path of named) {
      expect(spawnSync('test', ['-x', join(IMAGE, 'root', path.slice(1))]).status).toBe(0);
    }
  });
});

describe.skipIf(!has('dtc'))('the device-tree overlay (needs dtc)', () => {
  it('is compiled without a warning', () => {
    const source = join(IMAGE, 'overlays/embereye.dts');
    const made = spawnSync('dtc', ['-@', '-O', 'dtb', '-o', '/dev/null', source], {
      encoding: 'utf8',
    });
    expect(made.stderr.split('\n').filter((line) => line.includes('ERROR'))).toEqual([]);
    expect(made.status).toBe(0);
  });
});

describe('a seed on the card', () => {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-seed-is-new-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const script = join(IMAGE, 'root/usr/lib/embereye/image/seed-is-new');
  const isNew = (): boolean => spawnSync(script, [folder]).status === 0;
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const seed = '{"schema":1}\n';
  const sum = createHash('sha256').update(seed).digest('hex');
  const note = `deviceId: unit\nseed: ${sum}\nremoved: device.key broker-password\n`;

  beforeEach(() => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    write('seed.json', seed);
  });

  it('is new without a note', () => {
    expect(isNew()).toBe(true);
  });

  it('is not new with a note about it', () => {
    write('imported.txt', note);
    expect(isNew()).toBe(false);
  });

  it('is new when the note is about another one, or broken', () => {
    write('imported.txt', note.replace(sum, 'f'.repeat(64)));
    expect(isNew()).toBe(true);
    write('imported.txt', '');
    expect(isNew()).toBe(true);
  });

  it('is looked at again while a secret is still on the card', () => {
    write('imported.txt', note);
    write('broker-password', 'x');
    expect(isNew()).toBe(true);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../scripts/release/arch.ts';
import type { ElfFacts } from '../../scripts/release/elf.ts';
import { compareVersions, isElf, readElf } from '../../scripts/release/elf.ts';
import { elfProblems, leftovers, newestSymbols } from '../../scripts/release/gate.ts';

const modules = join(import.meta.dirname, '../../node_modules');
const onnx = join(modules, 'onnxruntime-node/bin/napi-v6/linux');
const samples = [
  join(onnx, 'arm64/onnxruntime_binding.node'),
  join(onnx, 'x64/libonnxruntime.so.1'),
  join(
    modules,
    '@serialport/bindings-cpp/prebuilds/linux-arm/@serialport+bindings-cpp.armv7.glibc.node',
  ),
].filter((file) => existsSync(file));
const readelfIsHere = spawnSync('readelf', ['--version']).error === undefined;

const arm64: ElfFacts = {
  machine: 183,
  alignmentBytes: 0x10000,
  needed: ['libc.so.6', 'libstdc++.so.6'],
  runPath: null,
  symbolVersions: ['GLIBC_2.9', 'GLIBC_2.34', 'GLIBCXX_3.4.29'],
};
const problems = (changed: Partial<ElfFacts>, shipped: readonly string[] = []) =>
  elfProblems('a.node', { ...arm64, ...changed }, factsOf('arm64'), new Set(shipped));

describe('reading ELF files', () => {
  it.skipIf(!readelfIsHere).each(samples.slice(0, 2))('%s: as readelf (needs binutils)', (file) => {
    const facts = readElf(readFileSync(file));
    const text = (option: string): string =>
      execFileSync('readelf', ['-W', option, file], { encoding: 'utf8', env: { LC_ALL: 'C' } });
    const all = (where: string, pattern: RegExp): string[] => [
      ...new Set([...where.matchAll(pattern)].map(([, found = '']) => found)),
    ];
    const dynamic = text('-d');
    expect(facts.needed).toEqual(all(dynamic, /\(NEEDED\).*\[(.*)\]/g).sort());
    expect(facts.runPath).toBe(all(dynamic, /\(RUNPATH\).*\[(.*)\]/g)[0] ?? null);
    const names = all(text('-V'), /Name: (\S+) +Flags/g).sort(compareVersions);
    expect(facts.symbolVersions).toEqual(names);
    const alignments = all(text('-l'), /LOAD.*(0x[0-9a-f]+)$/gm).map(Number);
    expect(facts.alignmentBytes).toBe(Math.min(...alignments));
    expect(facts.machine).toBe(file.includes('arm64') ? 183 : 62);
  });

  it('refuses what it cannot read', () => {
    expect(isElf(Buffer.from('#!/bin/sh'))).toBe(false);
    expect(() => readElf(Buffer.from('#!/bin/sh'))).toThrow('no ELF file');
    const [whole = '', , narrow = ''] = samples;
    expect(() => readElf(readFileSync(narrow))).toThrow('64-bit');
    expect(() => readElf(readFileSync(whole).subarray(0, 80))).toThrow();
  });

  it('compares versions as numbers', () => {
    const sorted = ['GLIBC_2.4', 'GLIBC_2.14', 'GLIBC_2.3.4'].sort(compareVersions);
    expect(sorted).toEqual(['GLIBC_2.3.4', 'GLIBC_2.4', 'GLIBC_2.14']);
  });
});

describe('the gate for native files', () => {
  it('lets through what the oldest system has', () => {
    expect(problems({})).toEqual([]);
    expect(newestSymbols(arm64)).toEqual(['GLIBC_2.34', 'GLIBCXX_3.4.29']);
  });

  it.each(['GLIBC_2.35', 'GLIBC_2.100', 'GLIBCXX_3.4.31', 'CXXABI_1.3.14'])(
    'refuses %s',
    (version) => {
      const [problem = ''] = problems({ symbolVersions: [...arm64.symbolVersions, version] });
      expect(problem).toContain(`wants ${version}; the oldest supported system has`);
    },
  );

  it('refuses another machine, and pages that a Pi 5 cannot load', () => {
    expect(problems({ machine: 62 })[0]).toContain('for machine 62, not arm64');
    expect(problems({ alignmentBytes: 0x1000 })[0]).toContain('aligned to 4096 bytes');
  });

  it('refuses libraries that nobody brings, and takes those of the release', () => {
    const needed = ['libc.so.6', 'libonnxruntime.so.1'];
    expect(problems({ needed })[0]).toContain('wants libonnxruntime.so.1');
    expect(problems({ needed }, ['libonnxruntime.so.1'])).toEqual([]);
    expect(problems({ needed: ['libudev.so.1'] })).toHaveLength(1);
  });

  it('refuses to look for libraries in folders of a build machine', () => {
    expect(problems({ runPath: '/home/me/lib' })[0]).toContain('/home/me/lib');
    expect(problems({ runPath: '$ORIGIN' })).toEqual([]);
  });
});

describe('what no unit needs', () => {
  it('names sources, types, maps, tests and other systems', () => {
    const bad = [
      'node_modules/a/index.d.ts',
      'dist/embereye.js.map',
      'node_modules/a/binding.gyp',
      'node_modules/a/test/x.js',
      'node_modules/better-sqlite3/deps/sqlite3/sqlite3.c',
      'node_modules/@koromix/koffi-linux-x64/musl_x64/koffi.node',
      'node_modules/a/README.md',
    ];
    const good = ['dist/embereye.js', 'node_modules/a/lib/x.js', 'system/README.md', 'bin/node'];
    expect(leftovers([...bad, ...good])).toEqual(bad);
  });
});

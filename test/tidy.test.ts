import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SourceFile } from './support/tidy-rules.ts';
import {
  bannedCalls,
  importProblems,
  importsOf,
  PACKAGE_OWNERS,
  sizeProblems,
  typeEscapes,
} from './support/tidy-rules.ts';

const root = join(import.meta.dirname, '..');

function filesUnder(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: path.slice(root.length + 1).replaceAll('\\', '/'),
      text: readFileSync(path, 'utf8'),
    }));
}

const sources = [...filesUnder('src'), ...filesUnder('central')];
/** What builds and provisions: it has the machine's own clock and chance. */
const tools = ['scripts/release', 'scripts/provision', 'scripts/image'].flatMap(filesUnder);
const all = [...sources, ...tools];
const planted = (path: string, text: string): SourceFile => ({ path, text });

// Everything is parsed: on a busy machine that takes longer than most tests may.
describe('the repository keeps its own rules', { timeout: 120_000 }, () => {
  it('imports point inwards', () => {
    expect(all.flatMap(importProblems)).toEqual([]);
  });

  it('time, chance and environment come through ports', () => {
    expect(sources.flatMap(bannedCalls)).toEqual([]);
  });

  it('nothing escapes the type system', () => {
    expect(all.flatMap(typeEscapes)).toEqual([]);
  });

  it('files, functions and lines stay readable', () => {
    expect(all.flatMap(sizeProblems)).toEqual([]);
  });

  it('every package owner really imports its package', () => {
    const missing = Object.entries(PACKAGE_OWNERS).flatMap(([name, owners]) =>
      owners.filter((owner) => {
        const file = all.find(({ path }) => path === owner);
        const isIt = (specifier: string): boolean => `${specifier}/`.startsWith(`${name}/`);
        return file === undefined || !importsOf(file).some(({ specifier }) => isIt(specifier));
      }),
    );
    expect(missing).toEqual([]);
  });

  it.each(['src/hal/drivers', 'src/alarm/rules'])('%s: every file is in the list', (folder) => {
    const inFolder = sources.filter(({ path }) => path.startsWith(`${folder}/`));
    const index = inFolder.find(({ path }) => path === `${folder}/index.ts`);
    const listed = index === undefined ? [] : importsOf(index).map(({ specifier }) => specifier);
    const files = inFolder.map(({ path }) => path.slice(folder.length + 1));
    const unlisted = files.filter(
      (name) => !['index.ts', 'define.ts'].includes(name) && !listed.includes(`./${name}`),
    );
    expect(index).toBeDefined();
    expect(unlisted).toEqual([]);
  });
});

describe('the rules see what they should', () => {
  it('an upward import', () => {
    const file = planted('src/domain/x.ts', "import { a } from '../hal/ports.ts';");
    expect(importProblems(file)).toEqual([
      'src/domain/x.ts imports src/hal/ports.ts: domain may not',
    ]);
  });

  it('an import across', () => {
    const file = planted('src/store/x.ts', "import { a } from '../uplink/uplink.ts';");
    expect(importProblems(file)).toHaveLength(1);
  });

  it('an import between the appliance and the central side, either way', () => {
    const out = planted('central/x.ts', "import { a } from '../src/uplink/link.ts';");
    const into = planted('src/uplink/x.ts', "import { a } from '../../central/log.ts';");
    expect(importProblems(out)).toHaveLength(1);
    expect(importProblems(into).some((text) => text.includes('stands alone'))).toBe(true);
  });

  it('a package in the wrong file', () => {
    const file = planted('src/uplink/x.ts', "import mqtt from 'mqtt';");
    expect(importProblems(file)).toHaveLength(1);
  });

  it('a planted clock call, but not one in a comment', () => {
    const file = planted('src/alarm/x.ts', '// Date.now()\nconst a = Date.now();');
    expect(bannedCalls(file)).toEqual(['src/alarm/x.ts:2: \\bDate\\.now\\b: use Clock.wallMs']);
  });

  it('a long function', () => {
    const body = Array.from({ length: 61 }, (_, i) => `  call(${i});`).join('\n');
    expect(sizeProblems(planted('src/x.ts', `function f() {\n${body}\n}\n`))).toHaveLength(1);
  });
});

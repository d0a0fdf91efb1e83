/** Every command of the provision tool that a page shows is there, with every flag. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addBatch } from '../../scripts/provision/batch.ts';
import { addCa } from '../../scripts/provision/ca.ts';
import { addEnrol } from '../../scripts/provision/enrol.ts';
import { addFlash } from '../../scripts/provision/flash.ts';
import { addInstall } from '../../scripts/provision/install.ts';
import { addRetire } from '../../scripts/provision/retire.ts';
import { addVerify } from '../../scripts/provision/verify.ts';
import type { AddCommand, ProvisionWorld } from '../../scripts/provision/world.ts';

const root = join(import.meta.dirname, '../..');

interface Quoted {
  readonly page: string;
  /** Command, and the command below it where there is one: `ca new`. */
  readonly words: readonly string[];
  readonly flags: readonly string[];
}

/** Commands in code blocks and in code within the text; lines that end with a backslash go on. */
function quotedIn(page: string): readonly Quoted[] {
  const text = readFileSync(join(root, page), 'utf8').replaceAll(/\\\n\s*/g, ' ');
  const called = /(?:scripts\/provision\/|npm run provision -- |\bprovision )([a-z]+[^\n`#]*)/g;
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```|`([^`\n]+)`/g)];
  return blocks.flatMap(([, block, inline]) =>
    [...(block ?? inline ?? '').matchAll(called)].flatMap(([, call = '']) => {
      const words = call.split(/[\s|;]+/);
      if (!/^[a-z]+$/.test(words[0] ?? '')) return [];
      const flags = words.filter((word) => word.startsWith('--') && word.length > 2);
      return [
        { page, words: words.slice(0, 2), flags: flags.map((flag) => flag.split('=')[0] ?? '') },
      ];
    }),
  );
}

const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const quoted = pages.flatMap(quotedIn);

const world: ProvisionWorld = {
  ...{ out: () => undefined, err: () => undefined, nowMs: () => 0, monotonicMs: () => 0 },
  ...{ randomBytes: (n) => new Uint8Array(n), environment: {}, isTerminal: false, cwd: '/' },
  ...{ signal: new AbortController().signal, exitWith: () => Promise.resolve() },
};

/** The whole tool, as its main.ts makes it; nothing is carried out. */
function provision(): Command {
  const program = new Command('provision');
  const all: readonly AddCommand[] = [
    ...[addBatch, addCa, addEnrol, addFlash, addInstall, addRetire, addVerify],
  ];
  for (const add of all) add(program, world);
  return program;
}

const below = (command: Command | undefined, name: string | undefined): Command | undefined =>
  command?.commands.find((one) => one.name() === name);

describe('commands of the provision tool on the pages', () => {
  const program = provision();

  it('are quoted at all', () => {
    expect(quoted.filter(({ page }) => page === 'docs/install.md').length).toBeGreaterThan(4);
  });

  it('exist', () => {
    const unknown = quoted.filter(({ words }) => below(program, words[0]) === undefined);
    expect(unknown).toEqual([]);
  });

  it('have the flags that are shown', () => {
    const unknown = quoted.flatMap(({ page, words, flags }) => {
      const command = below(program, words[0]);
      const called = below(command, words[1]) ?? command;
      const known = ['--help', ...(called?.options ?? []).map(({ long }) => long ?? '')];
      return flags
        .filter((flag) => !known.includes(flag))
        .map((flag) => `${page}: provision ${words.join(' ')}: ${flag}`);
    });
    expect(unknown).toEqual([]);
  });

  it('have a script each', () => {
    const names = program.commands.map((command) => command.name());
    const scripts = readdirSync(join(root, 'scripts/provision'));
    expect(names.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});

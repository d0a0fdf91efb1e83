import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(path.join(tmpdir(), 'embereye-copy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifestOf = (file: string): Manifest =>
  JSON.parse(readFileSync(path.join(root, file), 'utf8')) as Manifest;

describe('a copy of central/', () => {
  it('builds and runs on its own', () => {
    const copy = path.join(folder, 'central');
    cpSync(path.join(root, 'central'), copy, { recursive: true });
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
    const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const build = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: copy, encoding: 'utf8' });
    expect(build.stdout).toBe('');
    const main = path.join(copy, 'dist', 'main.js');
    const help = spawnSync(process.execPath, [main, '--help'], { encoding: 'utf8' });
    expect(help.stdout).toContain('--durable');
    const wrong = spawnSync(process.execPath, [main, '--url', 'ftp://x'], { encoding: 'utf8' });
    expect(wrong).toMatchObject({ status: 2 });
    expect(wrong.stderr).toContain('--url ftp://x');
  }, 120_000);

  it('names the versions that were tested here', () => {
    const here = manifestOf('package.json');
    const all = { ...here.dependencies, ...here.devDependencies };
    const copied = manifestOf('central/package.json');
    const wanted = { ...copied.dependencies, ...copied.devDependencies };
    const names = Object.keys(wanted);
    expect(Object.fromEntries(names.map((name) => [name, all[name]]))).toEqual(wanted);
  });

  it('names every option in its page', () => {
    const options = readFileSync(path.join(root, 'central', 'options.ts'), 'utf8');
    const page = readFileSync(path.join(root, 'central', 'README.md'), 'utf8');
    const named = new Set(options.match(/--[a-z-]+(?=[\s,])/g));
    expect(named.size).toBeGreaterThan(15);
    expect([...named].filter((name) => !page.includes(name))).toEqual([]);
    expect(readdirSync(path.join(root, 'central'))).toContain('schema.sql');
  });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { givenUp } from '../../src/update/launch-notes.ts';
import { begin, factoryState } from '../../src/update/state.ts';
import { writeState } from '../../src/update/state-file.ts';
import { writeTree } from './releases.ts';
import { Site } from './site.ts';

const scripts = join(import.meta.dirname, '../../system/bin');
let site: Site;
beforeEach(() => {
  site = new Site();
  for (const [slot, version] of [
    ['a', '1.1.0'],
    ['b', '1.2.0'],
  ] as const) {
    writeTree(join(site.paths.releases, slot), { version, key: site.key });
  }
});
afterEach(() => site.remove());

/** Starts by the real script. @returns what the release that was started said */
function launch(...args: string[]): { readonly out: string; readonly err: string } {
  const environment = { ...process.env, EMBEREYE_ROOT: site.root };
  const script = join(scripts, 'embereye-launch');
  const { stdout, stderr } = spawnSync('sh', [script, ...args, '--version'], { env: environment });
  return { out: stdout.toString().trim(), err: stderr.toString() };
}

function onTrial(version = '1.1.0', id = 'u-1'): void {
  const terms = { origin: 'x', requestId: 'x', startedAt: 'x', baseline: null };
  writeState(
    site.paths.releases,
    begin(factoryState('1.0.0'), { id, slot: 'a', version, ...terms }),
  );
}

describe('the launcher', () => {
  it('runs the package where nothing else was ever installed', () => {
    expect(launch()).toEqual({ out: '1.0.0', err: '' });
    rmSync(site.paths.releases, { recursive: true });
    expect(launch().out).toBe('1.0.0');
  });

  it('runs the confirmed slot', () => {
    const current = { place: 'b', version: '1.2.0' } as const;
    writeState(site.paths.releases, { ...factoryState('1.0.0'), current });
    expect(launch()).toEqual({ out: '1.2.0', err: '' });
  });

  it('counts the starts of a trial, and after three goes back and says why', () => {
    onTrial();
    for (const count of [1, 2, 3]) {
      expect(launch().out).toBe('1.1.0');
      expect(site.noted('starts')).toBe(`u-1 ${count}\n`);
    }
    const fallen = launch();
    expect(fallen.out).toBe('1.0.0');
    expect(fallen.err).toContain('given up: it was started 3 times within its probation');
    expect(givenUp(site.paths.launchNotes, 'u-1')).toContain('started 3 times');
    expect(givenUp(site.paths.launchNotes, 'u-2')).toBeNull();
    // It stays so, and is said once.
    expect(launch()).toEqual({ out: '1.0.0', err: '' });
    rmSync(join(site.paths.launchNotes, 'starts'));
    expect(launch().out).toBe('1.0.0');
    // Another trial counts from its own start.
    onTrial('1.1.0', 'u-2');
    expect(launch().out).toBe('1.1.0');
  });

  it('the command line is that of the confirmed release, and counts nothing', () => {
    onTrial();
    expect(launch('--confirmed').out).toBe('1.0.0');
    const bin = join(site.paths.factory, 'bin');
    for (const name of ['embereye', 'embereye-launch']) {
      symlinkSync(join(scripts, name), join(bin, name));
    }
    const environment = { ...process.env, EMBEREYE_ROOT: site.root };
    const ran = spawnSync(join(bin, 'embereye'), ['--version'], { env: environment });
    expect(ran.stdout.toString().trim()).toBe('1.0.0');
    expect(existsSync(join(site.paths.launchNotes, 'starts'))).toBe(false);
  });

  it.each([
    ['missing', (slot: string) => rmSync(slot, { recursive: true })],
    ['without Node', (slot: string) => rmSync(`${slot}/bin/node`)],
    ['with a Node that may not run', (slot: string) => chmodSync(`${slot}/bin/node`, 0o644)],
    ['without its program', (slot: string) => rmSync(`${slot}/dist/embereye.js`)],
  ])('a slot on trial that is %s: the release before runs', (_, spoil) => {
    onTrial();
    spoil(join(site.paths.releases, 'a'));
    const { out, err } = launch();
    expect(out).toBe('1.0.0');
    expect(err).toContain('missing or damaged');
    expect(givenUp(site.paths.launchNotes, 'u-1')).toContain('missing or damaged');
  });

  it('a confirmed slot that is gone: the package runs', () => {
    const current = { place: 'b', version: '1.2.0' } as const;
    writeState(site.paths.releases, { ...factoryState('1.0.0'), current });
    rmSync(join(site.paths.releases, 'b/dist/embereye.js'));
    const { out, err } = launch();
    expect(out).toBe('1.0.0');
    expect(err).toContain('missing or damaged: running the package');
  });

  it('a start that cannot be counted is none', () => {
    onTrial();
    // A file where the folder should be.
    mkdirSync(dirname(site.paths.launchNotes), { recursive: true });
    writeFileSync(site.paths.launchNotes, '');
    const { out, err } = launch();
    expect(out).toBe('1.0.0');
    expect(err).toContain('could not be recorded');
  });

  it.each(['', 'u-1', 'u-1 x', 'u-1 99999', 'u-1 -1', 'u-1 2\u0000'])(
    'a count that cannot be read (%j) does not keep it from going back',
    (text) => {
      onTrial();
      site.note('starts', text);
      const outs = [1, 2, 3, 4, 5].map(() => launch().out);
      expect(outs.at(-1)).toBe('1.0.0');
    },
  );

  it.each([
    ['nothing', ''],
    ['no JSON', 'x'.repeat(100)],
    ['another current', '"current": "c",\n"trial": "u-1",\n"slot": "a",\n'],
    ['a way out', '"current": "../../tmp",\n'],
    ['a command', '"current": "$(touch /tmp/embereye-owned)",\n'],
  ])('a state that holds %s: the package runs', (_, text) => {
    writeFileSync(join(site.paths.releases, 'state.json'), text);
    expect(launch().out).toBe('1.0.0');
    expect(existsSync('/tmp/embereye-owned')).toBe(false);
  });

  it.each(['../../../tmp', 'c', '$(reboot)'])('a trial in the slot %s: given up', (slot) => {
    const lines = ['"current": "factory",', '"trial": "u-9",', `"slot": "${slot}",`];
    writeFileSync(join(site.paths.releases, 'state.json'), lines.join('\n'));
    expect(launch().out).toBe('1.0.0');
    expect(givenUp(site.paths.launchNotes, 'u-9')).toContain('not named');
  });

  it('what the launcher noted is read as one line, through no link, and never trusted further', () => {
    const { launchNotes } = site.paths;
    expect(givenUp(launchNotes, 'u-1')).toBeNull();
    site.note('fallback', 'u-1 \u001b[31mred\nmore');
    expect(givenUp(launchNotes, 'u-1')).toBe('?[31mred');
    writeFileSync(join(site.out, 'secret'), 'u-1 secret');
    rmSync(join(launchNotes, 'fallback'));
    symlinkSync(join(site.out, 'secret'), join(launchNotes, 'fallback'));
    expect(givenUp(launchNotes, 'u-1')).toBeNull();
    rmSync(join(launchNotes, 'fallback'));
    mkdirSync(join(launchNotes, 'fallback'));
    expect(givenUp(launchNotes, 'u-1')).toBeNull();
  });

  const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
  it.skipIf(!hasShellcheck)('shellcheck finds nothing (shellcheck is installed)', () => {
    const files = ['embereye', 'embereye-launch'].map((name) => join(scripts, name));
    expect(spawnSync('shellcheck', files).stdout.toString()).toBe('');
  });
});

/** The units as systemd itself judges them, and the runtime against the filter of its unit. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, embereyeProgram, eventually, PROJECT_ROOT, Scratch } from '../e2e/processes.ts';
import { Unit } from '../e2e/unit.ts';

const SYSTEM = join(PROJECT_ROOT, 'system');
const UNITS = join(SYSTEM, 'systemd');
/** Of at most this much `systemd-analyze security` may complain. */
const LARGEST_EXPOSURE = 2.5;

const analyze = (...args: string[]) =>
  spawnSync('systemd-analyze', args, { encoding: 'utf8', timeout: 20_000 });
const hasAnalyze = analyze('--version').status === 0;
const hasStrace = spawnSync('strace', ['--version']).status === 0;
const services = readdirSync(UNITS).filter((name) => name.endsWith('.service'));
const why = hasAnalyze ? '' : ' (needs systemd-analyze)';

describe.skipIf(!hasAnalyze)(`systemd on our units${why}`, () => {
  it.each(services)(`%s is exposed by at most ${LARGEST_EXPOSURE}`, (name) => {
    const args = ['security', '--offline=true', '--no-pager', join(UNITS, name)];
    const said = analyze(...args).stdout;
    const [, exposure = ''] = /Overall exposure level for \S+: ([\d.]+)/.exec(said) ?? [];
    expect(Number(exposure), said).toBeLessThanOrEqual(LARGEST_EXPOSURE);
    expect(Number(exposure)).toBeGreaterThan(0);
  });

  it('understands every line of them', () => {
    const scratch = new Scratch();
    // Programs of an installation are not here: another one stands in.
    const names = readdirSync(UNITS).filter((name) => /\.(service|path|timer)$/.test(name));
    const files = names.map((name) => {
      const text = readFileSync(join(UNITS, name), 'utf8');
      const file = join(scratch.disk, name);
      writeFileSync(file, text.replace(/^(Exec\w+=[+!@:-]*)\/opt\/\S+/gm, '$1/bin/true'));
      return file;
    });
    const { status, stderr } = analyze('verify', '--man=no', '--recursive-errors=no', ...files);
    scratch.remove();
    const own = stderr.split('\n').filter((line) => line.includes('embereye'));
    expect(own).toEqual([]);
    expect(status).toBe(0);
  });
});

/** Every call of a set, sets within sets too. */
function callsOf(set: string): string[] {
  const lines = analyze('syscall-filter', set).stdout.split('\n').slice(1);
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => (line.startsWith('@') ? callsOf(line) : [line]));
}

/** What the lines of a unit leave, in their order: names add, those behind `~` take away. */
function allowedBy(unit: string): ReadonlySet<string> {
  const allowed = new Set<string>();
  const text = readFileSync(join(UNITS, unit), 'utf8');
  for (const [, takes, names = ''] of text.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
    for (const name of names.split(' ')) {
      for (const call of name.startsWith('@') ? callsOf(name) : [name]) {
        if (takes === '~') allowed.delete(call);
        else allowed.add(call);
      }
    }
  }
  return allowed;
}

const traceable = hasAnalyze && hasStrace;
describe.skipIf(!traceable)(
  `the filter of embereye.service${traceable ? '' : ' (needs strace and systemd-analyze)'}`,
  () => {
    it('lets the runtime, its threads and its children do all that they do', async () => {
      const unit = await Unit.prepare({ logLevel: 'info', model: { enabled: true } });
      const trace = join(unit.scratch.disk, 'trace');
      const child = new Child('strace', [
        ...['-f', '-qq', '-c', '-U', 'name', '-o', trace],
        ...[process.execPath, embereyeProgram(), 'run', '--config', unit.configFile],
      ]);
      await eventually(
        () => `the model answers: ${child.err}`,
        async () => {
          const metrics = await unit.metrics();
          return [...metrics].some(([name, n]) => name.startsWith('embereye_model_') && n > 0);
        },
      );
      const started = Number(readdirSync('/proc').find((pid) => isRun(pid, unit.configFile)));
      process.kill(started, 'SIGTERM');
      await child.ended;
      const used = readFileSync(trace, 'utf8').match(/^[a-z_0-9]+$/gm) ?? [];
      await unit.remove();
      expect(used).toContain('clock_adjtime');
      expect(used).toContain('seccomp');
      const allowed = allowedBy('embereye.service');
      // Headings of the table; and V8 asks for keys of memory, and does without them.
      const others = ['syscall', 'total', 'pkey_alloc'];
      expect(used.filter((call) => !allowed.has(call) && !others.includes(call))).toEqual([]);
    });
  },
);

/** Whether a process is the appliance itself, not what traces it. */
function isRun(pid: string, file: string): boolean {
  if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/cmdline`)) return false;
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return words[0] === process.execPath && words.includes(file);
}

describe('what the machine is set to', () => {
  const lines = (path: string): string[] =>
    readFileSync(join(SYSTEM, path), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

  it('the hardware watchdog fits into the 15 s of a Pi, also at a reboot', () => {
    const seconds = lines('systemd.conf.d/embereye.conf').flatMap((line) => {
      const [, value] = /^(?:Runtime|Reboot)WatchdogSec=(\d+)s$/.exec(line) ?? [];
      return value === undefined ? [] : [Number(value)];
    });
    expect(seconds).toHaveLength(2);
    for (const value of seconds) expect(value).toBeLessThan(15);
  });

  it('every group of the service exists, in Debian or by sysusers', () => {
    const unit = readFileSync(join(UNITS, 'embereye.service'), 'utf8');
    const [, groups = ''] = /^SupplementaryGroups=(.*)$/m.exec(unit) ?? [];
    const made = lines('sysusers.d/embereye.conf').map((line) => line.split(' ')[1]);
    const ofDebian = ['dialout', 'video'];
    for (const group of groups.split(' ')) expect([...made, ...ofDebian]).toContain(group);
    expect(made).toContain('embereye');
  });

  it('rules of udev are matches and assignments, with groups that exist', () => {
    const term = /^[A-Z]+(\{\w+\})?(==|=|\+=)"[^"]*"$/;
    const rules = lines('udev/70-embereye.rules');
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) {
      for (const part of rule.split(', ')) expect(part).toMatch(term);
    }
  });

  it.skipIf(spawnSync('systemd-sysusers', ['--version']).status !== 0)(
    'users and folders can be made on an empty system (needs systemd-sysusers)',
    () => {
      const scratch = new Scratch();
      const root = scratch.disk;
      for (const folder of ['etc', 'run', 'var/lib']) {
        mkdirSync(join(root, folder), { recursive: true });
      }
      const users = join(SYSTEM, 'sysusers.d/embereye.conf');
      const made = spawnSync('systemd-sysusers', [`--root=${root}`, users], { encoding: 'utf8' });
      expect(made.status, made.stderr).toBe(0);
      expect(readFileSync(join(root, 'etc/passwd'), 'utf8')).toMatch(
        /^embereye:.*:\/var\/lib\/embereye:\/usr\/sbin\/nologin$/m,
      );
      const folders = join(SYSTEM, 'tmpfiles.d/embereye.conf');
      const args = [`--root=${root}`, '--create', folders];
      const tried = spawnSync('systemd-tmpfiles', args, { encoding: 'utf8' });
      expect(tried.stderr).toBe('');
      const found = ['run/embereye', 'var/lib/embereye', 'etc/embereye/identity'];
      for (const folder of found) expect(existsSync(join(root, folder))).toBe(true);
      scratch.remove();
    },
  );
});

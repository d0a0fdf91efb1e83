/** The command line of a running unit, through the real sockets to a real panel. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { disabledOutputsOf, viewOf } from '../../src/alarm/panel.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { addControlCommands } from '../../src/cli/control.ts';
import { duration, durationText } from '../../src/commands/duration.ts';
import { parseConfig } from '../../src/config.ts';
import { openControl } from '../../src/control-access.ts';
import type { CommandRequest } from '../../src/domain/command.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { silentLog } from '../../src/log.ts';
import { panelPlanOf } from '../../src/plan.ts';
import type { RefusedAttempt } from '../../src/refusals.ts';
import { Bench, HALL } from '../alarm/make.ts';

const clock = systemClock();
const random = systemRandom();
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ee-cli-'));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const CONFIG = (run: string, more = '') => `
state: { runDirectory: ${run} }
boards: [{ id: board-1 }]
zones: [{ id: hall, name: Hall, sensors: [{ sensor: board-1, channel: thermal, role: thermal }] }]
gpio:
  backend: simulated
  outputs:
    - { id: horn, role: siren, line: 1 }
    - { id: ok, role: faultRelay, line: 2 }
${more}`;

/** A panel behind the sockets of a configuration, stepped by each command. */
async function unit(more = '') {
  const run = folder();
  const text = CONFIG(run, more);
  const parsed = parseConfig(text, {}, []);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const bench = new Bench(panelPlanOf(parsed.config));
  const faults: FaultNotice[] = [];
  const refused: RefusedAttempt[] = [];
  const control = await openControl({
    ...{ config: parsed.config, clock, random, log: silentLog, pid: process.pid },
    runtime: {
      submit: (request: CommandRequest) => {
        bench.step({ commands: [request] });
        const outcome = bench.outcomes.at(-1);
        return outcome === undefined ? Promise.reject(new Error('none')) : Promise.resolve(outcome);
      },
      refused: (attempt) => void refused.push(attempt),
    },
    configure: null,
    state: () => ({ ...viewOf(bench.panel, bench.nowMs), monotonicMs: bench.nowMs }),
    onFault: (notice) => void faults.push(notice),
  });
  if (control !== null) cleanups.push(() => control.close());
  return { run, text, bench, faults, refused, control };
}

/** Runs a command line as `src/main.ts` does. */
async function embereye(args: readonly string[], environment: Record<string, string> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  let code: number | null = null;
  const program = new Command('embereye').exitOverride();
  program.configureOutput({ writeErr: (text) => void err.push(text.trim()) });
  addControlCommands({
    command: (name, summary) =>
      program
        .command(name)
        .description(summary)
        .exitOverride()
        .configureOutput({ writeErr: (text) => void err.push(text.trim()) }),
    checked: (parser) => parser,
    exitWith: async (run) => {
      code = await run();
    },
    io: { out: (line) => void out.push(line), err: (line) => void err.push(line) },
    ...{ clock, random, environment },
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    err.push(error instanceof Error ? error.message : String(error));
    code = 2;
  }
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('lengths of time', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    [' 1H ', 3_600_000],
  ])('%s is %i ms', (text, ms) => {
    expect(duration(text)).toBe(ms);
  });

  it.each(['', '30', '1.5', 'm', 'soon', '-5m', '5 min', '30m1h', '0s', '1e3s', '5d', '99999999h'])(
    '"%s" is refused with what would be right',
    (text) => {
      expect(() => duration(text)).toThrow(/write a time such as 90s, 30m, 2h/);
    },
  );

  it('are finite and above 0, or refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9hms.]{0,8}$/)), (text) => {
        try {
          const ms = duration(text);
          expect(Number.isFinite(ms) && ms >= 0).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it('are shown in the unit that fits', () => {
    expect([-5, 90_000, 600_000, 9_000_000].map(durationText)).toEqual([
      '0 s',
      '90 s',
      '10 min',
      '2.5 h',
    ]);
  });
});

describe('commands to a running unit', () => {
  it('every command reaches the panel and answers', async () => {
    const { run, bench, refused } = await unit();
    const at = ['--run-directory', run];
    const call = (...args: string[]) => embereye([...args, ...at]);
    expect(await call('test', 'zone', 'hall', '--for', '15m')).toMatchObject({ code: 0 });
    expect(await call('enable', 'zone', 'hall')).toMatchObject({
      ...{ code: 0, out: 'zone hall enabled' },
    });
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL });
    for (const [args, out] of [
      [['ack', 'hall'], 'acknowledged hall'],
      [['silence'], 'silenced hall'],
      [['sound'], 'hall sounds'],
      [['disable', 'zone', 'hall', '--for', '30m'], 'zone hall disabled for 30 min'],
      [['disable', 'sensor', 'board-1', '--for', '2h'], 'sensor board-1 disabled for 2 h'],
      [['disable', 'output', 'horn', '--for', '90s'], 'output horn (siren) disabled for 90 s'],
      [['maintenance', '--for', '1h'], 'maintenance for 60 min'],
      [['prove', 'hall'], 'a proof of hall is asked for'],
    ] as const) {
      const answer = await call(...args);
      expect(answer, args.join(' ')).toMatchObject({ code: 0, err: '' });
      expect(answer.out).toContain(out);
    }
    expect(disabledOutputsOf(bench.panel)).toMatchObject([{ output: 'horn' }]);
    const status = await call('status');
    expect(status.code).toBe(0);
    expect(status.out.split('\n')).toEqual([
      'condition: alarm',
      'maintenance: 60 min left; siren, strobe and alarm relay are held off',
      'zone hall (Hall): alarm for 0 s; acknowledged; disabled, 30 min left',
      '  manual call point in-1',
      'sensor board-1: disabled, 2 h left',
      'output horn (siren): disabled, 90 s left',
      'outputs: siren off, strobe off, alarmRelay off, faultRelay off, buzzer off, escalation off',
    ]);
    for (const args of [
      ['maintenance', '--end'],
      ['enable', 'zone', 'hall'],
      ['enable', 'sensor', 'board-1'],
      ['enable', 'output', 'horn'],
      ['reset'],
    ]) {
      expect(await call(...args), args.join(' ')).toMatchObject({ code: 0, err: '' });
    }
    expect(refused).toEqual([]);
    const journalled = bench.events.flatMap(({ data }) => ('origin' in data ? [data.origin] : []));
    expect(new Set(journalled).size).toBe(1);
    expect(journalled[0]).toMatch(/^cli:/);
  });

  it('a refusal says why and ends with 1', async () => {
    const { run } = await unit();
    const at = ['--run-directory', run];
    for (const [args, why] of [
      [['reset', 'cellar'], 'there is no zone cellar'],
      [['disable', 'output', 'ok', '--for', '1h'], 'which cannot be disabled'],
      [['disable', 'zone', 'hall', '--for', '48h'], 'at most 24 h'],
      [['maintenance', '--for', '5h'], 'at most 4 h'],
      [['maintenance', '--end'], 'there is no maintenance to end'],
      [['approve-background', 'board-1'], 'no changed background'],
      [['sound'], 'there is no alarm to sound'],
      [['ack', 'A B'], '"zone" must be the id of a zone'],
    ] as const) {
      const answer = await embereye([...args, ...at]);
      expect(answer, args.join(' ')).toMatchObject({ code: 1, out: '' });
      expect(answer.err).toContain(why);
    }
  });

  it('--json prints the answer and the whole state', async () => {
    const { run } = await unit();
    const at = ['--run-directory', run, '--json'];
    const status = await embereye(['status', ...at]);
    expect(JSON.parse(status.out)).toMatchObject({ condition: 'normal', zones: [{ id: 'hall' }] });
    const refused = await embereye(['sound', ...at]);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.out)).toMatchObject({ ok: false, error: 'notApplicable' });
  });

  it.each([
    [['disable', 'zone', 'hall'], '--for'],
    [['disable', 'zone', 'hall', '--for', '30'], 'no unit'],
    [['disable', 'cellar', 'hall', '--for', '30m'], 'zone, sensor, output'],
    [['maintenance'], 'either --for TIME or --end'],
    [['maintenance', '--for', '1h', '--end'], 'either --for TIME or --end'],
  ])('a wrong command line, %j, ends with 2', async (args, why) => {
    const answer = await embereye([...args, '--run-directory', '/nowhere']);
    expect(answer.code).toBe(2);
    expect(answer.err).toContain(why);
  });

  it('where no appliance runs it says so, and how to start one', async () => {
    const answer = await embereye(['status', '--run-directory', join(folder(), 'none')]);
    expect(answer).toMatchObject({ code: 4, out: '' });
    expect(answer.err).toContain('no appliance is running here');
    expect(answer.err).toContain('embereye run --config FILE');
    const json = await embereye(['silence', '--json', '--run-directory', join(folder(), 'none')]);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, error: 'absent' });
  });

  it('finds the appliance by its configuration, or by the environment', async () => {
    const { run, text } = await unit();
    const file = join(folder(), 'appliance.yaml');
    writeFileSync(file, text);
    expect((await embereye(['status', '--config', file])).code).toBe(0);
    const environment = { EMBEREYE__state__runDirectory: run };
    expect((await embereye(['status'], environment)).code).toBe(0);
    writeFileSync(file, 'zones: 7');
    const broken = await embereye(['status', '--config', file]);
    expect(broken).toMatchObject({ code: 4 });
    expect(broken.err).toContain('name --run-directory');
  });
});

describe('the sockets of a configuration', () => {
  it('may be switched off', async () => {
    const { run, control } = await unit('panel: { control: { enabled: false } }');
    expect(control).toBeNull();
    expect((await embereye(['status', '--run-directory', run])).code).toBe(4);
  });

  it('a group that does not exist is a fault, and its socket stays to the service', async () => {
    const { run, faults } = await unit('panel: { control: { viewerGroup: no_such_group } }');
    expect(faults).toMatchObject([
      { fault: 'controlUnavailable', subject: 'control:viewer', raised: true },
    ]);
    expect(faults[0]!.detail).toContain('groupadd no_such_group');
    expect((await embereye(['status', '--run-directory', run])).code).toBe(0);
  });
});

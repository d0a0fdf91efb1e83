/**
 * The real appliance with a real simulated board whose scene catches fire: what it recorded is
 * listed, verified, exported and evaluated by the commands, as people would.
 */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child, embereye, eventually } from '../e2e/processes.ts';
import { SIREN, Unit } from '../e2e/unit.ts';

interface Line {
  readonly t: number;
  readonly outcome: string;
  readonly ram?: string;
}
describe('a fire that an appliance has seen', () => {
  let unit: Unit;
  let board: Child;
  let folder: string;

  beforeAll(async () => {
    unit = await Unit.start({
      recording: { blackBox: { beforeSeconds: 20, afterSeconds: 5 } },
      box: { freeMegabytes: 1 },
    });
    folder = join(unit.stateFolder, 'black-box');
    const to = `127.0.0.1:${unit.boardPort}`;
    const fire = ['--fire-at', '3', '--growth', 'ultraFast', '--cadence', '0.5'];
    board = Child.embereye(['simulate-board', '--to', to, '--serial', 'A', ...fire]);
    await eventually(
      () => `alarm: ${unit.said}`,
      () => unit.level(SIREN),
      60_000,
    );
    await eventually(
      'the recording is ended',
      () => {
        const names = existsSync(folder) ? readdirSync(folder) : [];
        return names.some((name) => name.includes('-alarm-a-') && name.endsWith('.ebx'));
      },
      60_000,
    );
    await board.end();
  }, 150_000);
  afterAll(async () => {
    await board.end('SIGKILL');
    await unit.remove();
  });

  it('is listed with its frames', async () => {
    const { code, out } = await embereye(['blackbox', 'list', '--directory', folder, '--json']);
    expect(code).toBe(0);
    const [listed] = out
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(listed).toMatchObject({ kind: 'alarm', zone: 'a', state: 'complete', lost: 0 });
    const { frames } = listed as { frames: Record<string, number> };
    expect(frames['a']).toBeGreaterThan(5);
    expect(Object.keys(frames)).toEqual(['a']);
    const text = await embereye(['blackbox', 'list', '--config', unit.configFile]);
    expect(text.out).toMatch(/^1 {2}\S+ {2}alarm in a, .*a \d+ frames, .* complete/);
  });

  it('decodes to the same bits and is decided the same way again', async () => {
    const { code, out, err } = await embereye(['blackbox', 'verify', '1', '--directory', folder]);
    expect(err).toBe('');
    expect(out).toContain('as it was');
    expect(out).not.toContain('DIFFERS');
    expect(code).toBe(0);
  });

  it('is evaluated from an export, on a copied folder, and alarms there', async () => {
    const copy = join(unit.scratch.disk, 'copy');
    cpSync(folder, copy, { recursive: true });
    const file = join(unit.scratch.disk, 'fire.ndjson.gz');
    const where = ['--directory', copy, '--to', file];
    const exported = await embereye(['blackbox', 'export', '1', '--sensor', 'a', ...where]);
    expect(exported).toMatchObject({ code: 0, err: '' });
    const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
    const judged = lines
      .map((line) => JSON.parse(line) as Line)
      .filter(({ outcome }) => outcome === 'picture');
    expect(judged.length).toBeGreaterThan(5);
    expect(judged.every(({ ram }) => ram?.length === 834 * 4)).toBe(true);
    const { out } = await embereye(['evaluate', file, '--json']);
    const evaluation: unknown = JSON.parse(out);
    expect(evaluation).toMatchObject({ frames: lines.length, bad_lines: 0 });
    expect((evaluation as { alarm_s: number | null }).alarm_s).not.toBeNull();
    expect(readdirSync(copy).some((name) => name.endsWith('.ebx.exported'))).toBe(true);
    // What is there already is not written over.
    const again = await embereye(['blackbox', 'export', '1', '--sensor', 'a', ...where]);
    expect(again.code).toBe(4);
  });

  it('is exported whole, with readings and decisions', async () => {
    const file = join(unit.scratch.disk, 'all.ndjson');
    const { code } = await embereye([
      'blackbox',
      'export',
      '1',
      '--directory',
      folder,
      '--to',
      file,
    ]);
    expect(code).toBe(0);
    const text = readFileSync(file, 'utf8');
    for (const kind of ['header', 'calibration', 'frame', 'evidence', 'level', 'event', 'end']) {
      expect(text).toContain(`{"kind":"${kind}"`);
    }
  });

  it('names what is asked wrongly', async () => {
    const none = await embereye(['blackbox', 'verify', '99', '--directory', folder]);
    expect([none.code, none.err]).toEqual([3, expect.stringContaining('no recording "99"')]);
    const to = join(unit.scratch.disk, 'none.ndjson');
    const where = ['--directory', folder, '--to', to];
    const sensor = await embereye(['blackbox', 'export', '1', '--sensor', 'z', ...where]);
    expect([sensor.code, sensor.err]).toEqual([3, expect.stringContaining('it has a')]);
    const nowhere = await embereye(['blackbox', 'list', '--directory', join(folder, 'none')]);
    expect(nowhere.code).toBe(4);
  });

  it('shows in the metrics', async () => {
    const page = await unit.page('/metrics');
    expect(page?.text).toMatch(/embereye_recording_incidents_total 1/);
    expect(page?.text).toMatch(/embereye_recording_disk_bytes\{recording="blackBox"\} [1-9]/);
  });
});

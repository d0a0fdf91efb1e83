/** What a proposed configuration would have done on days that the appliance itself recorded. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roomWith } from '../black-box/site.ts';
import type { Site } from '../black-box/site.ts';
import { temporaryFolder } from '../black-box/support.ts';
import { configText, fireFrom, play, reset, tune, warmFrom } from './world.ts';

const PRESENT = configText({});
const boxOf = (folder: string): string => join(folder, 'days');

describe('a day with a fire that the appliance recorded', () => {
  it('is reproduced by the configuration that recorded it, and shows no differences', async () => {
    const { folder, site } = await play(temporaryFolder(), 200, { hall: fireFrom(60_000) });
    expect(site.has('alarm', 'hall')).toBe(true);
    const { exit, report } = await tune(folder, PRESENT, PRESENT);
    expect(report.reproduction).toMatchObject({ recorded: { alarm: 1 }, reproduced: { alarm: 1 } });
    expect(report.reproduction.differences).toEqual([]);
    expect(report.pictures).toMatchObject({ other: 0, otherwise: 0 });
    expect(report.pictures.same).toBeGreaterThan(300);
    expect(report.rows.filter(({ present }) => present.alarms > 0)).toHaveLength(1);
    for (const { present, proposed } of report.rows) expect(proposed).toEqual(present);
    expect(report.verdicts).toMatchObject([
      { zone: 'hall', presentAlarms: 1, proposedAlarms: 1, missed: 0, latestSeconds: 0 },
    ]);
    expect(exit).toBe(0);
  });

  it('misses the fire with a limit that is too high, and says so', async () => {
    const hall = fireFrom(60_000, Infinity, 140);
    const { folder } = await play(temporaryFolder(), 120, { hall });
    const limits = { thermalCelsius: 150, criticalCelsius: 200 };
    const proposed = configText({ zone: { limits } });
    const { exit, report, err } = await tune(folder, PRESENT, proposed);
    expect(err).not.toContain('problem');
    expect(report.occasions).toMatchObject([
      { zone: 'hall', kind: 'presumedFire', proposed: null },
    ]);
    expect(report.verdicts).toMatchObject([{ zone: 'hall', missed: 1, added: 0 }]);
    expect(exit).toBe(1);
    const text = await tune(folder, PRESENT, proposed, { json: false });
    expect(text.out).toContain('proposed: no alarm');
    expect(text.out).toMatch(/hall +1 -> 0 +1 /);
  });

  it('is judged the same where arrays that look alike are judged once or twice', async () => {
    const { folder } = await play(temporaryFolder(), 150, { hall: fireFrom(60_000, 70_000) });
    const proposed = configText({ zone: { limits: { criticalCelsius: 90 } } });
    const once = await tune(folder, PRESENT, proposed);
    const twice = await tune(folder, PRESENT, proposed, { shareEyes: false });
    const { pictures: first, ...others } = once.report;
    const { pictures: second, ...same } = twice.report;
    expect(same).toEqual(others);
    expect(second.same).toBe(2 * first.same);
    const again = await tune(folder, PRESENT, proposed);
    expect(again.out).toBe(once.out);
  });

  it('is judged from the black box alone, where no days were recorded', async () => {
    const box = { blackBox: { beforeSeconds: 20, afterSeconds: 10 } };
    const { folder } = await play(
      temporaryFolder(),
      ...([120, { hall: fireFrom(60_000) }, [], box] as const),
    );
    const { report, err } = await tune(join(folder, 'black-box'), PRESENT, PRESENT);
    expect(report.reproduction).toMatchObject({ recorded: { alarm: 1 }, reproduced: { alarm: 1 } });
    expect(report.reproduction.differences).toEqual([]);
    expect(err).toContain('"shed-array": nothing of it is recorded');
    // What is not recorded is not silent.
    expect(report.faults.present).toEqual({});
  });

  it('is judged only where it is asked for', async () => {
    const { folder } = await play(temporaryFolder(), 120, { hall: fireFrom(60_000) });
    const toMs = Date.parse('2023-11-14T22:14:00Z');
    const { report } = await tune(folder, PRESENT, PRESENT, { toMs });
    expect(report.frames).toBeGreaterThan(30);
    expect(report.verdicts).toEqual([]);
    const later = await tune(folder, PRESENT, null, { fromMs: Date.parse('2024-01-01') });
    expect([later.exit, later.err]).toEqual([3, expect.stringContaining('holds no recording')]);
  });

  it('does not see it where a mask hides it', async () => {
    const { folder } = await play(temporaryFolder(), 120, { hall: fireFrom(60_000) });
    const regions = [{ id: 'oven', rows: [8, 15], columns: [8, 15], ignore: true }];
    const { report } = await tune(folder, PRESENT, configText({ board: { regions } }));
    expect(report.verdicts).toMatchObject([{ missed: 1, presentAlarms: 1, proposedAlarms: 0 }]);
  });
});

describe('a warm thing that nobody wants an alarm for', () => {
  const labelText = JSON.stringify([
    { zone: 'hall', from: '2023-11-14', to: '2023-11-16', kind: 'nuisance' },
  ]);

  it('is a nuisance with a limit that is too low, with its margin', async () => {
    const hall = warmFrom(10_000, 50);
    const { folder, site } = await play(temporaryFolder(), 560, { hall });
    expect(site.events.filter(({ lane }) => lane === 'alarm')).toEqual([]);
    const proposed = configText({
      zone: { limits: { thermalCelsius: 35, criticalCelsius: 42 } },
    });
    const { exit, report } = await tune(folder, PRESENT, proposed, { labelText });
    expect(report.occasions).toMatchObject([{ kind: 'nuisance', present: null }]);
    expect(report.verdicts).toMatchObject([
      { added: 1, missed: 0, presentNuisances: 0, proposedNuisances: 1 },
    ]);
    expect(exit).toBe(0);
    const [hallArray] = report.suggestions;
    expect(hallArray?.maxCelsius).toBeGreaterThan(49);
    expect(hallArray?.lowestLimitCelsius).toBeGreaterThan(hallArray?.maxCelsius ?? Infinity);
    expect(hallArray?.marginCelsius).toBeCloseTo(60 - (hallArray?.maxCelsius ?? 0), 5);
    expect(report.suggestions).toHaveLength(1);
  });

  it('alarms off hours only, by the recorded wall time', async () => {
    // The recordings are of Tuesday, 14 November 2023, 22:13 UTC.
    const { folder } = await play(temporaryFolder(), 300, { hall: warmFrom(0, 50) });
    const at = (from: string, to: string) =>
      configText({
        zone: { offHours: { thermalCelsius: 30, criticalCelsius: 35 } },
        more: { hours: { timezone: 'UTC', working: [{ days: ['tuesday'], from, to }] } },
      });
    const open = await tune(folder, PRESENT, at('20:00', '24:00'), { labelText });
    expect(open.report.verdicts).toEqual([]);
    const closed = await tune(folder, PRESENT, at('08:00', '20:00'), { labelText });
    expect(closed.report.verdicts).toMatchObject([{ added: 1 }]);
  });
});

describe('what people did', () => {
  it('is replayed, and an alarm that was reset soon is presumed a nuisance', async () => {
    const hall = fireFrom(60_000, 70_000);
    const acts = [{ atMs: 120_000, run: reset('hall') }];
    const { folder, site } = await play(temporaryFolder(), 800, { hall }, acts);
    expect(site.has('alarmReset', 'hall')).toBe(true);
    const { report } = await tune(folder, PRESENT, PRESENT);
    expect(report.reproduction.differences).toEqual([]);
    expect(report.occasions).toMatchObject([{ kind: 'presumedNuisance' }]);
    const labelText = JSON.stringify([
      {
        ...{ zone: 'hall', kind: 'fire' },
        ...{ from: '2023-11-14T22:14:20Z', to: '2023-11-14T22:14:40Z' },
      },
    ]);
    const labelled = await tune(folder, PRESENT, PRESENT, { labelText });
    const [fire] = labelled.report.occasions;
    expect(fire).toMatchObject({ kind: 'fire', baseMs: Date.parse('2023-11-14T22:14:20Z') });
  });
});

describe('plain recordings', () => {
  const frame = (seconds: number, celsius: number, more = {}): string =>
    JSON.stringify({ t: seconds, ...more, celsius: Array.from(roomWith(celsius)) });

  it('are judged in the zone of their sensor, on the day that they name', async () => {
    const folder = temporaryFolder();
    const lines = Array.from({ length: 90 }, (_, at) =>
      frame(at, at < 30 ? 22 : 22 + 5 * (at - 30), {
        at: '2026-05-04T08:00:00Z',
        sensor: 'hall-array',
      }),
    );
    writeFileSync(join(folder, 'a.ndjson'), lines.join('\n'));
    const proposed = configText({ zone: { limits: { criticalCelsius: 90 } } });
    const { report } = await tune(folder, PRESENT, proposed);
    expect(report.rows.find(({ zone }) => zone === 'hall')).toMatchObject({
      ...{ day: '2026-05-04', present: { alarms: 1 }, proposed: { alarms: 1 } },
    });
    // There is no record beside it that could differ.
    expect(report.reproduction.differences).toEqual([]);
  });

  it('that do not say whose they are want an owner', async () => {
    const folder = temporaryFolder();
    const lines = Array.from({ length: 20 }, (_, at) => frame(at, 22));
    writeFileSync(join(folder, 'b.ndjson'), lines.join('\n'));
    const none = await tune(folder, PRESENT, null);
    expect([none.report.frames, none.err]).toEqual([0, expect.stringContaining('--sensor')]);
    const owned = await tune(folder, PRESENT, null, { sensor: 'hall-array' });
    expect(owned.report.frames).toBe(20);
    expect(owned.report.days[0]?.day).toBe('b.ndjson');
  });
});

describe('what is wrong with the input', () => {
  it('costs no more than it must: a torn file, a proposed configuration, labels', async () => {
    const { folder } = await play(temporaryFolder(), 120, { hall: fireFrom(30_000) });
    const [name = ''] = readdirSync(boxOf(folder));
    const bytes = readFileSync(join(boxOf(folder), name));
    writeFileSync(join(boxOf(folder), name), bytes.subarray(0, bytes.length - 5000));
    const bad = configText({ zone: { limits: { thermalCelsius: 'hot' } } });
    const labelText = '[{"zone": "hall"}, 7]';
    const { exit, err, report } = await tune(boxOf(folder), PRESENT, bad, { labelText });
    expect(exit).toBe(3);
    expect(err).toContain('zones[0].limits.thermalCelsius');
    expect(err).toContain('is not replayed; the present configuration is');
    expect(err).toContain('entry 1: "kind" must be');
    expect(err).toContain('entry 2: is no object');
    expect(err).toMatch(/byte \d+: .*; the rest is replayed/);
    expect(report.verdicts).toMatchObject([{ zone: 'hall', presentAlarms: 1 }]);
  });

  it('is a gap where hours are missing: judged anew behind it, without faults', async () => {
    // A clock that was set begins a new file, as an hour does.
    const leap = (site: Site): void => site.clock.stepWall(3_600_000);
    const acts = [100_000, 400_000].map((atMs) => ({ atMs, run: leap }));
    const { folder } = await play(temporaryFolder(), 500, {}, acts);
    const names = readdirSync(boxOf(folder)).sort();
    expect(names).toHaveLength(3);
    rmSync(join(boxOf(folder), names[1] ?? ''));
    const { report, err } = await tune(folder, PRESENT, PRESENT);
    expect(err).toMatch(/nothing is recorded for [45]\.\d min from 2023-11-14T23:15/);
    expect(report.faults.present).toEqual({});
    expect(report.days.map(({ day }) => day)).toEqual(['2023-11-14', '2023-11-15']);
  });

  it('names sensors that only one side knows, and folders without recordings', async () => {
    const { folder } = await play(temporaryFolder(), 20, {});
    const other = PRESENT.replaceAll('shed', 'barn');
    const { err } = await tune(folder, PRESENT, other);
    expect(err).toContain('"shed-array": only the present configuration names it');
    expect(err).toContain('"barn-array": only the proposed configuration names it');
    const nowhere = await tune(join(folder, 'none'), PRESENT, null);
    expect([nowhere.exit, nowhere.err]).toEqual([4, expect.stringContaining('cannot be read')]);
    const empty = await tune(temporaryFolder(), PRESENT, null);
    expect([empty.exit, empty.err]).toEqual([3, expect.stringContaining('holds no recording')]);
  });
});

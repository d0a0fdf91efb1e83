import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHours } from '../../src/store/black-box/read.ts';
import type { DayFrame } from '../../src/store/black-box/read.ts';
import type { BoxRecord, IncidentRecord } from '../../src/store/black-box/record.ts';
import { Redecoder, isSamePicture } from '../../src/store/black-box/redecode.ts';
import { roomWith, Site, SiteBoard } from './site.ts';
import { framesOf, HALL_ARRAY, recordsOf, SHED_ARRAY, temporaryFolder, until } from './support.ts';

const SHORT = { blackBox: { beforeSeconds: 10, afterSeconds: 20 } };

interface Scene {
  readonly hall: (atMs: number) => number;
  readonly shed: (atMs: number) => number;
}

/** Two boards that send each second, and readings of smoke four times a second. */
async function play(
  folder: string,
  recording: Readonly<Record<string, unknown>>,
  scene: Scene,
  smokeUntilMs = Infinity,
) {
  const site = await Site.start(folder, recording);
  const boards = [
    { board: new SiteBoard(site, HALL_ARRAY, 1), celsius: scene.hall },
    { board: new SiteBoard(site, SHED_ARRAY, 2), celsius: scene.shed },
  ];
  const smoke = [HALL_ARRAY, SHED_ARRAY].map((sensor) => site.bank.level(sensor, 'ADC1'));
  for (const { board } of boards) board.sendEeprom();
  const cycle = (): void => {
    const nowMs = site.clock.monotonicMs();
    for (const { board, celsius } of boards) board.sendFrame(roomWith(celsius(nowMs)));
    site.runtime.step();
    site.clock.after(1000, cycle);
  };
  const read = (): void => {
    const nowMs = site.clock.monotonicMs();
    for (const level of smoke) if (nowMs < smokeUntilMs) level.add(5, nowMs);
    site.clock.after(250, read);
  };
  cycle();
  read();
  const isBusy = site.isBusy;
  return { site, boards, run: { clock: site.clock, isBusy } };
}

const boxFiles = (folder: string): string[] =>
  readdirSync(join(folder, 'black-box'))
    .sort()
    .map((name) => join(folder, 'black-box', name));
const ended = (folder: string, count: number) => () => {
  try {
    return boxFiles(folder).filter((file) => file.endsWith('.ebx')).length === count;
  } catch {
    return false;
  }
};
const incidentsOf = (records: readonly BoxRecord[]): readonly IncidentRecord[] =>
  records.filter((record) => record.kind === 'incident');
const fireFrom = (startMs: number) => (atMs: number) =>
  atMs < startMs ? 22 : Math.min(200, 22 + (atMs - startMs) / 50);
const quiet = () => 22;

describe('an alarm', () => {
  it('is recorded with what came before it, and nothing of other zones', async () => {
    const folder = temporaryFolder();
    const { site, boards, run } = await play(folder, SHORT, {
      hall: fireFrom(60_000),
      shed: quiet,
    });
    await until(run, 'ended', ended(folder, 1));
    expect(site.has('alarm', 'hall')).toBe(true);
    const [file = ''] = boxFiles(folder);
    expect(file).toMatch(/000001-alarm-hall-\d{8}T\d{6}Z\.ebx$/);
    const records = await recordsOf(file);
    const [first, ...others] = incidentsOf(records);
    expect(first).toMatchObject({ zone: 'hall', sensors: [HALL_ARRAY] });
    expect(others.map(({ cause }) => cause)).toContain('alarm');
    const frames = framesOf(records);
    expect(frames.every(({ sensor }) => sensor === HALL_ARRAY)).toBe(true);
    const begunMs = first?.atMs ?? 0;
    expect(Math.min(...frames.map(({ atMs }) => atMs))).toBeLessThan(begunMs - 8999);
    const lastEventMs = others.at(-1)?.atMs ?? begunMs;
    expect(Math.max(...frames.map(({ atMs }) => atMs))).toBeGreaterThan(lastEventMs + 18_999);
    const end = records.at(-1);
    expect(end).toMatchObject({ kind: 'end', reason: 'over', frames: frames.length });
    // The words and the temperatures are those that the appliance had, to the bit.
    const redecoder = new Redecoder();
    for (const frame of frames) {
      const seen = boards[0]?.board.pictures.find(({ atMs }) => atMs === frame.atMs);
      const again = redecoder.decode(frame);
      expect(again).toEqual(seen?.celsius);
      expect(again !== null && isSamePicture(frame, again)).toBe(true);
    }
  });

  it('has its decisions, readings and conditions beside the frames', async () => {
    const folder = temporaryFolder();
    const { run } = await play(folder, SHORT, { hall: fireFrom(30_000), shed: quiet });
    await until(run, 'ended', ended(folder, 1));
    const records = await recordsOf(boxFiles(folder)[0] ?? '');
    const kinds = new Set(records.map(({ kind }) => kind));
    for (const kind of ['header', 'calibration', 'frame', 'level', 'evidence', 'event']) {
      expect(kinds).toContain(kind);
    }
    const alarm = records.find((one) => one.kind === 'event' && one.event.type === 'alarm');
    expect(alarm).toMatchObject({ event: { data: { zone: 'hall', explanation: {} } } });
    const shown = records.filter((one) => one.kind === 'condition');
    expect(shown.at(-1)).toMatchObject({ condition: 'alarm', zones: { hall: 'alarm' } });
    const sources = records.flatMap((one) =>
      one.kind === 'level' ? [`${one.sensor}/${one.channel}`] : [],
    );
    expect(new Set(sources)).toEqual(new Set(['hall-array/ADC1']));
    expect(records.filter(({ kind }) => kind === 'calibration')).toHaveLength(1);
    // What decided is recorded; whom it was told, and with which secrets, is nobody's business.
    const header = records.find((one) => one.kind === 'header');
    expect(header?.config).toHaveProperty('zones');
    expect(header?.config).not.toHaveProperty('uplink');
  });
});

describe('alarms that overlap', () => {
  it('are one recording, in which the second zone joins with its own past', async () => {
    const folder = temporaryFolder();
    const scene = { hall: fireFrom(30_000), shed: fireFrom(45_000) };
    const { run, site } = await play(folder, SHORT, scene);
    await until(run, 'ended', ended(folder, 1));
    expect([site.has('alarm', 'hall'), site.has('alarm', 'shed')]).toEqual([true, true]);
    const records = await recordsOf(boxFiles(folder)[0] ?? '');
    const joined = incidentsOf(records).find(({ zone }) => zone === 'shed');
    const frames = framesOf(records).filter(({ sensor }) => sensor === SHED_ARRAY);
    expect(frames[0]?.atMs).toBeLessThan((joined?.atMs ?? 0) - 8999);
    expect(frames[0]?.atMs).toBeGreaterThan(30_000);
    expect(boxFiles(folder)).toHaveLength(1);
  });

  it('far apart are two recordings', async () => {
    const folder = temporaryFolder();
    const scene = { hall: fireFrom(30_000), shed: fireFrom(120_000) };
    const { run } = await play(folder, SHORT, scene);
    await until(run, 'ended', ended(folder, 2));
    expect(boxFiles(folder).map((file) => /-(hall|shed)-/.exec(file)?.[1])).toEqual([
      'hall',
      'shed',
    ]);
  });
});

describe('a clock that is set while an alarm is recorded', () => {
  it('changes no times between frames, and is told', async () => {
    const folder = temporaryFolder();
    const { run, site } = await play(folder, SHORT, { hall: fireFrom(30_000), shed: quiet });
    await until(run, 'alarm', () => site.has('alarm', 'hall'));
    site.clock.stepWall(-86_400_000);
    await until(run, 'ended', ended(folder, 1));
    const records = await recordsOf(boxFiles(folder)[0] ?? '');
    const times = framesOf(records).map(({ atMs }) => atMs);
    for (const [i, atMs] of times.entries()) {
      if (i > 0) expect(atMs - (times[i - 1] ?? 0)).toBe(1000);
    }
    const steps = records.filter((one) => one.kind === 'clock' && one.steppedByMs !== 0);
    expect(steps).toMatchObject([{ steppedByMs: -86_400_000 }]);
  });
});

describe('faults of sources', () => {
  const site = async (faults: boolean) => {
    const folder = temporaryFolder();
    const recording = { blackBox: { beforeSeconds: 10, afterSeconds: 20, faults } };
    const played = await play(folder, recording, { hall: quiet, shed: quiet }, 15_000);
    await until(played.run, 'calm', () => played.site.clock.monotonicMs() > 20_000);
    const { bank, clock } = played.site;
    const trouble = (): void => {
      bank.noData(HALL_ARRAY, 'ADC1', 'hardware', 'gone', clock.monotonicMs());
      clock.after(500, trouble);
    };
    trouble();
    await until(played.run, 'fault', () => played.site.has('faultRaised', 'hall'));
    return { folder, ...played };
  };

  it('are recorded where that is wanted', async () => {
    const { folder, run } = await site(true);
    await until(run, 'ended', ended(folder, 1));
    const [file = ''] = boxFiles(folder);
    expect(file).toMatch(/-fault-hall-/);
    const said = (await recordsOf(file)).filter(({ kind }) => kind === 'noData');
    expect(said[0]).toMatchObject({ sensor: HALL_ARRAY, channel: 'ADC1', reason: 'hardware' });
    // Said once, and again every five seconds: not at each step.
    expect(said.length).toBeGreaterThan(2);
    expect(said.length).toBeLessThan(12);
  });

  it('are not recorded otherwise', async () => {
    const { site: other } = await site(false);
    expect(other.recorder.stats.incidents).toBe(0);
  });
});

describe('the recorder of days', () => {
  const days = { blackBox: { enabled: false }, days: { enabled: true, sensors: [HALL_ARRAY] } };

  it('has every frame of the chosen sensors, one file an hour', async () => {
    const folder = temporaryFolder();
    const { run, site, boards } = await play(folder, days, { hall: quiet, shed: quiet });
    const begunMs = site.clock.wallMs();
    await until(run, 'past the hour', () => site.clock.monotonicMs() > 3_000_000, 500);
    await site.recorder.close();
    const names = readdirSync(join(folder, 'days'));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^00000[12]-hour-all-.*\.ebx$/);
    const found: DayFrame[] = [];
    const [fromMs, toMs] = [begunMs + 60_000, begunMs + 2_900_000];
    for await (const one of readHours(join(folder, 'days'), HALL_ARRAY, fromMs, toMs)) {
      if (one.kind === 'frame') found.push(one);
      expect(one.kind).not.toBe('damage');
    }
    const sent = boards[0]?.board.pictures.filter(({ atMs }) => {
      const wallMs = atMs + site.clock.wallMs() - site.clock.monotonicMs();
      return wallMs >= fromMs && wallMs < toMs;
    });
    expect(found.map(({ frame }) => frame.atMs)).toEqual(sent?.map(({ atMs }) => atMs));
    expect(found.length).toBeGreaterThan(2800);
    const redecoder = new Redecoder();
    for (const { frame } of found.slice(0, 50)) {
      const celsius = redecoder.decode(frame);
      expect(celsius !== null && isSamePicture(frame, celsius)).toBe(true);
    }
    const others = readHours(join(folder, 'days'), SHED_ARRAY, fromMs, toMs);
    for await (const one of others) expect(one.kind).toBe('rows');
    expect(site.recorder.stats).toMatchObject({ incidents: 0, lost: 0, failures: 0 });
  }, 120_000);
});

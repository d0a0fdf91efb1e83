/** A site that has recorded a day with a fire in it, and the command that replays it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTune } from '../../src/commands/tune.ts';
import type { TuneOptions } from '../../src/commands/tune.ts';
import type { TuneReport } from '../../src/tuning/report.ts';
import { roomWith, Site, SiteBoard } from '../black-box/site.ts';
import { HALL_ARRAY, SHED_ARRAY, temporaryFolder, until } from '../black-box/support.ts';

/** Temperature of the square at a monotonic time. */
export type Scene = (atMs: number) => number;
export const quiet: Scene = () => 22;
/** Begins at a time and gains 20 C a second. */
export const fireFrom =
  (startMs: number, endMs = Infinity, mostCelsius = 200): Scene =>
  (atMs) =>
    atMs < startMs || atMs > endMs ? 22 : Math.min(mostCelsius, 22 + (atMs - startMs) / 50);
/** Gets warm slowly, 4 C a minute, and stays there. */
export const warmFrom =
  (startMs: number, mostCelsius: number): Scene =>
  (atMs) =>
    atMs < startMs ? 22 : Math.min(mostCelsius, 22 + (atMs - startMs) / 15_000);

export const WITH_DAYS = { blackBox: { enabled: true }, days: { enabled: true } };

export interface Played {
  readonly folder: string;
  readonly site: Site;
}

/** Plays two arrays and smoke for so long, with what people do in between. */
export async function play(
  folder: string,
  seconds: number,
  { hall = quiet, shed = quiet }: { readonly hall?: Scene; readonly shed?: Scene },
  acts: readonly { readonly atMs: number; readonly run: (site: Site) => void }[] = [],
  recording: Readonly<Record<string, unknown>> = WITH_DAYS,
): Promise<Played> {
  const site = await Site.start(folder, recording);
  const boards = [
    { board: new SiteBoard(site, HALL_ARRAY, 1), celsius: hall },
    { board: new SiteBoard(site, SHED_ARRAY, 2), celsius: shed },
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
    for (const level of smoke) level.add(5, site.clock.monotonicMs());
    site.clock.after(250, read);
  };
  cycle();
  read();
  for (const { atMs, run } of acts) site.clock.after(atMs, () => run(site));
  const endMs = site.clock.monotonicMs() + 1000 * seconds;
  const isOver = () => site.clock.monotonicMs() >= endMs;
  await until({ clock: site.clock, isBusy: site.isBusy }, 'the end of the day', isOver);
  site.runtime.stop();
  await site.recorder.close();
  return { folder, site };
}

export const reset = (zone: string) => (site: Site) => {
  void site.runtime.submit({
    command: { kind: 'reset', zone: zone as 'all' },
    ...{ requestId: `reset-${zone}`, origin: 'test', level: 'installer' },
  });
  site.runtime.step();
};

/** The configuration with which `Site` records, with changes for `hall-array` and its zone. */
export function configText(changes: {
  readonly board?: Readonly<Record<string, unknown>>;
  readonly zone?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}): string {
  const zone = (id: string) => ({
    id,
    sensors: [
      { sensor: `${id}-array`, channel: 'thermal', role: 'thermal' },
      { sensor: `${id}-array`, channel: 'ADC1', role: 'smoke' },
    ],
  });
  return JSON.stringify({
    boards: [
      { id: 'hall-array', cadenceSeconds: 1, ...changes.board },
      { id: 'shed-array', cadenceSeconds: 1 },
    ],
    zones: [{ ...zone('hall'), ...changes.zone }, zone('shed')],
    ...changes.more,
  });
}

export interface Tuned {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly report: TuneReport;
}

const DEFAULTS = {
  ...{ labels: null, fromMs: -Infinity, toMs: Infinity, sensor: null, periodSeconds: 1 },
  withOpinions: true,
  ...{ suggest: true, json: true },
};

/** Runs the command on a folder of recordings, without a model. */
export async function tune(
  recordings: string,
  present: string,
  proposed: string | null,
  options: Partial<TuneOptions> & { readonly labelText?: string } = {},
): Promise<Tuned> {
  const folder = temporaryFolder();
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { labelText, ...rest } = options;
  const [out, err]: [string[], string[]] = [[], []];
  const exit = await runTune(
    {
      ...DEFAULTS,
      ...{ recordings, config: write('present.yaml', present) },
      proposed: proposed === null ? null : write('proposed.yaml', proposed),
      ...(labelText === undefined ? {} : { labels: write('labels.json', labelText) }),
      ...rest,
    },
    {
      io: { out: (line) => out.push(line), err: (line) => err.push(line) },
      environment: {},
      openClassifier: () => Promise.resolve({ ok: true, classifier: null }),
    },
  );
  const text = out.join('\n');
  const isJson = (rest.json ?? true) && text !== '';
  const report = (isJson ? JSON.parse(text) : {}) as TuneReport;
  return { exit, out: text, err: err.join('\n'), report };
}

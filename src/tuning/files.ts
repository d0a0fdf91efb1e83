/**
 * Which recordings lie in a folder, and which of them belong together: the hours of one run of an
 * appliance follow one another, and an incident that they hold as well is not replayed twice.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readIncident } from '../store/black-box/read.ts';
import type { HeaderRecord } from '../store/black-box/record.ts';
import { parseFileName, PART_SUFFIX, wallMsOfStamp } from '../store/black-box/shelf.ts';
import type { TellNote } from './items.ts';

const PLAIN_NAME = /\.ndjson(\.gz)?$/;
/** No file of hours is longer, and one may begin with a piece of the hour before. */
const LONGEST_FILE_MS = 2 * 3_600_000;

/** One file of a run. */
export interface RunFile {
  readonly file: string;
  readonly header: HeaderRecord;
}

/** Files to replay one after the other, as one run of an appliance. */
export interface Run {
  readonly kind: 'hours' | 'incident';
  /** Never empty. */
  readonly files: readonly RunFile[];
}

export interface FoundFiles {
  /** In the order of their wall times. */
  readonly runs: readonly Run[];
  /** Plain recordings, by name. */
  readonly plain: readonly string[];
}

export interface Period {
  /** Milliseconds since 1970; `toMs` itself is not included. */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Looks through a folder and the folders in it, or takes a single file.
 * @throws NodeJS.ErrnoException when the path cannot be read
 */
export async function findFiles(path: string, period: Period, tell: TellNote): Promise<FoundFiles> {
  const names = (await filesBelow(path)).sort();
  const plain = names.filter((name) => PLAIN_NAME.test(name));
  const boxes = names.flatMap((file) => {
    const name = basename(file);
    const isPart = name.endsWith(PART_SUFFIX);
    const parsed = parseFileName(isPart ? name.slice(0, -PART_SUFFIX.length) : name);
    return parsed === null ? [] : [{ file, ...parsed }];
  });
  const hours: RunFile[] = [];
  const incidents: RunFile[] = [];
  for (const { file, stamp, cause } of boxes.sort((a, b) => a.number - b.number)) {
    const begunMs = wallMsOfStamp(stamp);
    if (begunMs >= period.toMs || begunMs < period.fromMs - LONGEST_FILE_MS) continue;
    const header = await headerOf(file);
    if (header === null) tell(`${file}: has no readable beginning: it is passed over`);
    else (cause === 'hour' ? hours : incidents).push({ file, header });
  }
  const runs: Run[] = runsOf(hours);
  let held = 0;
  for (const incident of incidents) {
    if (await isHeld(incident, hours)) held += 1;
    else runs.push({ kind: 'incident', files: [incident] });
  }
  if (held > 0) tell(`${held} black-box incidents are part of the recorded days: replayed there`);
  const startOf = ({ files }: Run) => Date.parse(files[0]?.header.wall ?? '');
  return { runs: runs.sort((a, b) => startOf(a) - startOf(b)), plain };
}

async function filesBelow(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The first record, where it is what it should be. */
async function headerOf(file: string): Promise<HeaderRecord | null> {
  for await (const record of readIncident(file)) {
    return record.kind === 'header' && Number.isFinite(Date.parse(record.wall)) ? record : null;
  }
  return null;
}

/** Hours of one run of one appliance, in the order of their numbers. */
function runsOf(hours: readonly RunFile[]): Run[] {
  const runs = new Map<string, RunFile[]>();
  for (const hour of hours) {
    const key = `${hour.header.device}/${hour.header.bootId}`;
    const mine = runs.get(key) ?? [];
    mine.push(hour);
    runs.set(key, mine);
  }
  return [...runs.values()].map((files) => ({
    kind: 'hours',
    files: files.sort((a, b) => a.header.atMs - b.header.atMs),
  }));
}

/** Whether hours of the same run hold all that an incident holds, as far as they can be read. */
async function isHeld(incident: RunFile, hours: readonly RunFile[]): Promise<boolean> {
  const mine = hours.filter(({ header }) => header.bootId === incident.header.bootId);
  if (mine.length === 0) return false;
  const wanted = await contentOf(incident.file);
  const near = mine.filter(
    ({ header }) => header.atMs < wanted.lastMs && header.atMs > wanted.firstMs - LONGEST_FILE_MS,
  );
  const reach = new Map<string, { firstMs: number; lastMs: number }>();
  for (const { file } of near) {
    for (const [sensor, { firstMs, lastMs }] of (await contentOf(file)).sensors) {
      const known = reach.get(sensor);
      reach.set(sensor, {
        firstMs: Math.min(known?.firstMs ?? firstMs, firstMs),
        lastMs: Math.max(known?.lastMs ?? lastMs, lastMs),
      });
    }
  }
  return [...wanted.sensors].every(([sensor, { firstMs, lastMs }]) => {
    const found = reach.get(sensor);
    return found !== undefined && found.firstMs <= firstMs && found.lastMs >= lastMs;
  });
}

interface Content {
  firstMs: number;
  lastMs: number;
  /** Times of frames and readings. */
  readonly sensors: Map<string, { firstMs: number; lastMs: number }>;
}

async function contentOf(file: string): Promise<Content> {
  const content: Content = { firstMs: Infinity, lastMs: -Infinity, sensors: new Map() };
  for await (const record of readIncident(file)) {
    if (record.kind !== 'frame' && record.kind !== 'level') continue;
    const firstMs = record.kind === 'frame' ? record.atMs : (record.rows[0]?.[0] ?? NaN);
    const lastMs = record.kind === 'frame' ? record.atMs : (record.rows.at(-1)?.[0] ?? NaN);
    if (!Number.isFinite(firstMs) || !Number.isFinite(lastMs)) continue;
    const known = content.sensors.get(record.sensor) ?? { firstMs, lastMs };
    known.firstMs = Math.min(known.firstMs, firstMs);
    known.lastMs = Math.max(known.lastMs, lastMs);
    content.sensors.set(record.sensor, known);
    content.firstMs = Math.min(content.firstMs, firstMs);
    content.lastMs = Math.max(content.lastMs, lastMs);
  }
  return content;
}

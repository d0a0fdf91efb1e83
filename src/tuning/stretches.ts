/** The recordings of a folder as stretches of time, each with its items in order. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { LineDecoder, Timeline } from '../commands/evaluate-frames.ts';
import { readRecording } from '../commands/evaluate-read.ts';
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import type { SensorId } from '../domain/units.ts';
import { ID_PATTERN, sensorId } from '../domain/units.ts';
import type { HeaderRecord } from '../store/black-box/record.ts';
import { boxItems, KnownCalibrations } from './box-items.ts';
import type { Period, Run } from './files.ts';
import { findFiles } from './files.ts';
import type { SiteItem, Stretch, TellNote } from './items.ts';
import { HOUR_DISORDER_MS, INCIDENT_DISORDER_MS, inOrder } from './items.ts';

export interface StretchOptions {
  readonly path: string;
  readonly period: Period;
  /** Only this sensor, which also owns frames that name none; null: all. */
  readonly sensor: string | null;
  /** Owner of frames that name none, where there is only one it can be. */
  readonly onlyArray: string | null;
  /** Seconds between frames without times. */
  readonly periodSeconds: number;
  /** Told of the beginning of each run: what it was recorded with. */
  readonly onHeader?: (header: HeaderRecord, file: string) => void;
}

/** Seconds of a time field from here on are seconds since 1970: no recording runs for 30 years. */
const EPOCH_SECONDS = 1_000_000_000;
/** Bad lines of one file that are told one by one. */
const BAD_LINES_TOLD = 5;

/**
 * Finds what there is to replay, oldest first; recordings that do not know their time come last.
 * @throws NodeJS.ErrnoException when the path cannot be read
 */
export async function findStretches(
  options: StretchOptions,
  tell: TellNote,
): Promise<readonly Stretch[]> {
  const { path, period } = options;
  const { runs, plain } = await findFiles(path, period, tell);
  const devices = [...new Set(runs.map(({ files }) => files[0]?.header.device ?? ''))];
  if (devices.length > 1) {
    const names = devices.map((name) => `"${name}"`).join(', ');
    tell(`recordings of several appliances (${names}): replayed one after the other`);
  }
  for (const { files } of runs) {
    for (const { header, file } of files.slice(0, 1)) options.onHeader?.(header, file);
  }
  const stretches: Stretch[] = runs.map((run) => stretchOf(run, options, tell));
  for (const file of plain) {
    const startWallMs = await wallOf(file);
    if (startWallMs !== null && !(startWallMs < period.toMs)) continue;
    const items = () => plainItems(file, startWallMs, options, tell);
    stretches.push({ name: file, kind: 'plain', startWallMs, startAtMs: 0, items });
  }
  return stretches.sort((a, b) => (a.startWallMs ?? Infinity) - (b.startWallMs ?? Infinity));
}

function stretchOf(run: Run, { sensor }: StretchOptions, tell: TellNote): Stretch {
  const { kind, files } = run;
  const [first] = files;
  const more = files.length > 1 ? ` and ${files.length - 1} that follow` : '';
  const parts = { calibrations: new KnownCalibrations(), sensor, tell };
  const items = async function* (): AsyncGenerator<SiteItem> {
    for (const { file } of files) {
      try {
        yield* boxItems(file, parts);
      } catch (error) {
        tell(`${file}: cannot be read: ${messageOf(error)}: the rest is replayed`);
      }
    }
  };
  return {
    name: `${first?.file ?? ''}${more}`,
    kind: 'run',
    startWallMs: Date.parse(first?.header.wall ?? ''),
    startAtMs: first?.header.atMs ?? 0,
    items: () => inOrder(items(), kind === 'hours' ? HOUR_DISORDER_MS : INCIDENT_DISORDER_MS),
  };
}

/** Frames of `embereye evaluate`'s recordings. A line that is none is told. */
async function* plainItems(
  file: string,
  startWallMs: number | null,
  options: StretchOptions,
  tell: TellNote,
): AsyncGenerator<SiteItem> {
  const { periodSeconds } = options;
  const arrays = new Map<string, { decoder: LineDecoder; timeline: Timeline }>();
  let bad = 0;
  const complain = (line: number, problem: string): void => {
    bad += 1;
    if (bad <= BAD_LINES_TOLD) tell(`${file}:${line}: ${problem}`);
  };
  yield { kind: 'clock', atMs: 0, wallMs: startWallMs };
  try {
    for await (const line of readRecording(file)) {
      if (line.kind === 'other') continue;
      if (line.kind === 'bad') {
        complain(line.line, line.problem);
        continue;
      }
      const sensor = ownerOf(line.sensor ?? null, options);
      if (sensor === null) {
        if (line.sensor === undefined || line.sensor === null) {
          complain(line.line, 'says not whose it is, and several could be: choose with --sensor');
        }
        continue;
      }
      const known = arrays.get(sensor);
      const array = known ?? { decoder: new LineDecoder(), timeline: new Timeline(periodSeconds) };
      arrays.set(sensor, array);
      const atMs = 1000 * array.timeline.next(line.seconds);
      const decoded = array.decoder.decode(line);
      if (decoded.kind === 'bad') complain(line.line, decoded.problem);
      else if (decoded.kind === 'celsius') {
        yield { kind: 'picture', atMs, sensor, celsius: decoded.celsius };
      } else {
        const { reason, detail } = decoded;
        yield { kind: 'noData', atMs, sensor, channel: THERMAL_CHANNEL, reason, detail };
      }
    }
  } catch (error) {
    tell(`${file}: cannot be read further: ${messageOf(error)}: what came before is replayed`);
  }
  if (bad > BAD_LINES_TOLD) tell(`${file}: ${bad - BAD_LINES_TOLD} more lines like these`);
}

function ownerOf(named: string | null, { sensor, onlyArray }: StretchOptions): SensorId | null {
  if (named !== null && sensor !== null && named !== sensor) return null;
  const owner = named ?? sensor ?? onlyArray;
  return owner !== null && ID_PATTERN.test(owner) ? sensorId(owner) : null;
}

/** Wall time of the first line: `at`, or `t` in seconds since 1970; null: neither, or no JSON. */
async function wallOf(file: string): Promise<number | null> {
  const raw = createReadStream(file);
  const gunzip = file.endsWith('.gz') ? createGunzip() : null;
  const input = gunzip === null ? raw : raw.pipe(gunzip);
  // Whatever is wrong with the file is told with its reason when it is replayed.
  const giveUp = (): void => void input.destroy();
  raw.on('error', giveUp);
  gunzip?.on('error', giveUp);
  let first: string | null = null;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    first = text;
    break;
  }
  raw.destroy();
  return first === null ? null : wallOfLine(first);
}

function wallOfLine(text: string): number | null {
  const [, at = ''] = /"at":\s*"([^"]+)"/.exec(text) ?? [];
  const wallMs = Date.parse(at);
  if (Number.isFinite(wallMs)) return wallMs;
  const [, t = ''] = /"t":\s*([\d.]+)/.exec(text) ?? [];
  return Number(t) >= EPOCH_SECONDS ? 1000 * Number(t) : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

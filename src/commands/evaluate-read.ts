/**
 * Recordings as NDJSON, plain or gzip: one frame a line, either temperatures
 * (`{"t": seconds|null, "celsius": [768 numbers or null]}`) or what an array sends
 * (`{"t"?, "eeprom": hex, "ram": hex, "emissivity"?, "reflected_c"?}`). With `"sensor"` a frame
 * says whose it is, as in the export of a black box. Lines of another `"kind"` than a frame, and
 * fields that are not named here, are passed over. Any other line is reported and the next one is
 * read. NaN and Infinity count as null.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { constants, createGunzip } from 'node:zlib';
import { FRAME_PIXELS } from '../domain/frame.ts';

const RECORDING_NAME = /\.ndjson(\.gz)?$/;
/** A frame of 768 long numbers takes 16 kB, EEPROM and RAM in hex 7 kB. */
const MAX_LINE_CHARACTERS = 1_000_000;

/** What was cut off is read up to its end, where a torn line tells of it. */
const CUT_OFF_TOO = { finishFlush: constants.Z_SYNC_FLUSH };

interface FrameLine {
  readonly line: number;
  readonly seconds: number | null;
  /** Whose picture it is; missing or null where the recording does not say. */
  readonly sensor?: string | null;
}

export interface CelsiusLine extends FrameLine {
  readonly kind: 'celsius';
  /** NaN where the recording has null. */
  readonly celsius: Float32Array;
}

export interface WordsLine extends FrameLine {
  readonly kind: 'words';
  readonly eeprom: string;
  readonly ram: string;
  readonly emissivity: number | null;
  readonly reflectedCelsius: number | null;
}

export interface BadLine {
  readonly kind: 'bad';
  readonly line: number;
  readonly problem: string;
}

/** Something that is no frame and claims to be none, such as an event beside the frames. */
export interface OtherLine {
  readonly kind: 'other';
  readonly line: number;
}

export type RecordingLine = CelsiusLine | WordsLine | BadLine | OtherLine;

/**
 * Recordings under a path: the path itself when it is a file, else all `*.ndjson` and `*.ndjson.gz`
 * below it, sorted. Labels and other files are passed over.
 * @throws NodeJS.ErrnoException when the path cannot be read.
 */
export async function findRecordings(path: string): Promise<readonly string[]> {
  const info = await stat(path);
  if (!info.isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && RECORDING_NAME.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Reads a recording line by line; blank lines are passed over.
 * A gzip that was cut off is read up to there; what is damaged further on ends with a `bad` line.
 * @throws NodeJS.ErrnoException when nothing of it can be read, as of no gzip that is named so.
 */
export async function* readRecording(file: string): AsyncGenerator<RecordingLine> {
  const raw = createReadStream(file);
  const gunzip = file.endsWith('.gz') ? createGunzip(CUT_OFF_TOO) : null;
  const input = gunzip === null ? raw : raw.pipe(gunzip);
  const failures: Error[] = [];
  const fail = (error: Error): void => {
    failures.push(error);
    input.destroy();
  };
  raw.on('error', fail);
  input.on('error', fail);
  let line = 0;
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() !== '') yield parseLine(text, line);
  }
  const [failure] = failures;
  if (failure === undefined) return;
  if (line === 0) throw failure;
  yield bad(line + 1, `the recording cannot be read on from here: ${failure.message}`);
}

/** Parses one line of a recording; whatever is wrong with it comes back as a `bad` line. */
export function parseLine(text: string, line: number): RecordingLine {
  if (text.length > MAX_LINE_CHARACTERS) {
    return bad(line, `${text.length} characters, at most ${MAX_LINE_CHARACTERS}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(/N|I/.test(text) ? withoutNaN(text) : text);
  } catch (error) {
    return bad(line, `no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad(line, 'expected an object with "celsius", or with "eeprom" and "ram"');
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const isFrame = 'celsius' in fields || 'ram' in fields;
  if (!isFrame && typeof fields['kind'] === 'string') return { kind: 'other', line };
  const seconds = fields['t'] ?? null;
  if (seconds !== null && typeof seconds !== 'number') {
    return bad(line, `"t" must be seconds or null, got ${typeof seconds}`);
  }
  const sensor = typeof fields['sensor'] === 'string' ? fields['sensor'] : null;
  const common = { line, seconds, sensor };
  return 'celsius' in fields ? parseCelsius(fields['celsius'], common) : parseWords(fields, common);
}

/** NaN and Infinity are no JSON, but what Python writes for pixels without a reading. */
function withoutNaN(text: string): string {
  return text.replace(/(?<=[[,:]\s*)(?:NaN|-?Infinity)(?=\s*[\],}])/g, 'null');
}

function parseCelsius(raw: unknown, common: FrameLine): RecordingLine {
  const { line } = common;
  if (!Array.isArray(raw) || raw.length !== FRAME_PIXELS) {
    const got = Array.isArray(raw) ? `${raw.length} entries` : typeof raw;
    return bad(line, `"celsius" must have ${FRAME_PIXELS} entries, got ${got}`);
  }
  const celsius = new Float32Array(FRAME_PIXELS);
  for (let i = 0; i < FRAME_PIXELS; i++) {
    const entry: unknown = raw[i];
    if (entry === null) celsius[i] = Number.NaN;
    else if (typeof entry === 'number') celsius[i] = entry;
    else return bad(line, `"celsius"[${i}] must be a number or null, got ${typeof entry}`);
  }
  return { ...common, kind: 'celsius', celsius };
}

function parseWords(fields: Readonly<Record<string, unknown>>, common: FrameLine): RecordingLine {
  const { line } = common;
  const eeprom = fields['eeprom'];
  const ram = fields['ram'];
  if (typeof eeprom !== 'string' || typeof ram !== 'string') {
    return bad(line, 'expected "celsius", or "eeprom" and "ram" as hex text');
  }
  const emissivity = fields['emissivity'] ?? null;
  const reflectedCelsius = fields['reflected_c'] ?? null;
  if (emissivity !== null && typeof emissivity !== 'number') {
    return bad(line, `"emissivity" must be a number, got ${typeof emissivity}`);
  }
  if (reflectedCelsius !== null && typeof reflectedCelsius !== 'number') {
    return bad(line, `"reflected_c" must be a number, got ${typeof reflectedCelsius}`);
  }
  return { ...common, kind: 'words', eeprom, ram, emissivity, reflectedCelsius };
}

function bad(line: number, problem: string): BadLine {
  return { kind: 'bad', line, problem };
}

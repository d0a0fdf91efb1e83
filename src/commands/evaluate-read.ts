/**
 * Recordings as NDJSON, plain or gzip: one frame a line, either temperatures
 * (`{"t": seconds|null, "celsius": [768 numbers or null]}`) or what an array sends
 * (`{"t"?, "eeprom": hex, "ram": hex, "emissivity"?, "reflected_c"?}`). A line that is neither is
 * reported and the next one is read.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { FRAME_PIXELS } from '../domain/frame.ts';

const RECORDING_NAME = /\.ndjson(\.gz)?$/;
/** A frame of 768 long numbers takes 16 kB, EEPROM and RAM in hex 7 kB. */
const MAX_LINE_CHARACTERS = 1_000_000;

export interface CelsiusLine {
  readonly kind: 'celsius';
  readonly line: number;
  readonly seconds: number | null;
  /** NaN where the recording has null. */
  readonly celsius: Float32Array;
}

export interface WordsLine {
  readonly kind: 'words';
  readonly line: number;
  readonly seconds: number | null;
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

export type RecordingLine = CelsiusLine | WordsLine | BadLine;

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
 * @throws NodeJS.ErrnoException when the file cannot be read or is no gzip although named so.
 */
export async function* readRecording(file: string): AsyncGenerator<RecordingLine> {
  const raw = createReadStream(file);
  const gunzip = file.endsWith('.gz') ? createGunzip() : null;
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
  if (failure !== undefined) throw failure;
}

/** Parses one line of a recording; whatever is wrong with it comes back as a `bad` line. */
export function parseLine(text: string, line: number): RecordingLine {
  if (text.length > MAX_LINE_CHARACTERS) {
    return bad(line, `${text.length} characters, at most ${MAX_LINE_CHARACTERS}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return bad(line, `no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad(line, 'expected an object with "celsius", or with "eeprom" and "ram"');
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const seconds = fields['t'] ?? null;
  if (seconds !== null && typeof seconds !== 'number') {
    return bad(line, `"t" must be seconds or null, got ${typeof seconds}`);
  }
  if ('celsius' in fields) return parseCelsius(fields['celsius'], seconds, line);
  return parseWords(fields, seconds, line);
}

function parseCelsius(raw: unknown, seconds: number | null, line: number): RecordingLine {
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
  return { kind: 'celsius', line, seconds, celsius };
}

function parseWords(
  fields: Readonly<Record<string, unknown>>,
  seconds: number | null,
  line: number,
): RecordingLine {
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
  return { kind: 'words', line, seconds, eeprom, ram, emissivity, reflectedCelsius };
}

function bad(line: number, problem: string): BadLine {
  return { kind: 'bad', line, problem };
}

/** `embereye blackbox list|export|verify`: what was recorded around alarms. */
import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { findBoxes } from '../store/black-box/read.ts';
import type { FoundRecording } from '../store/black-box/read.ts';
import type { DecodeSettings } from '../store/black-box/redecode.ts';
import { EXPORTED_SUFFIX, PART_SUFFIX } from '../store/black-box/shelf.ts';
import { describeBox, findBox } from './blackbox-files.ts';
import type { Listed } from './blackbox-files.ts';
import { evaluateLines, recordLines } from './blackbox-lines.ts';
import { verifyBox } from './blackbox-verify.ts';
import type { SensorProof } from './blackbox-verify.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** `ok`; `unavailable` when the folder or a file cannot be read. */
export async function runBoxList(
  directory: string,
  options: { readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  return guarded(io, directory, async () => {
    const boxes = await findBoxes(directory);
    for (const found of boxes) {
      const listed = await describeBox(found);
      io.out(options.json ? JSON.stringify(listed) : textOf(listed));
    }
    if (boxes.length === 0 && !options.json) io.out(`${directory}: nothing is recorded`);
    return EXIT.ok;
  });
}

function textOf(listed: Listed): string {
  const { number, at, kind, zone, seconds, frames, bytes, state, lost, events } = listed;
  const sensors = Object.entries(frames).map(([sensor, count]) => `${sensor} ${count} frames`);
  const length = seconds === null ? '' : `, ${seconds.toFixed(0)} s`;
  const held = sensors.length === 0 ? 'no frames' : sensors.join(', ');
  const size = `${(bytes / 1000).toFixed(0)} kB`;
  const gaps = lost === 0 ? '' : `, ${lost} lost`;
  const what = `${number}  ${at ?? 'time unknown'}  ${kind} in ${zone}${length}`;
  return `${what}: ${held}, ${events} events, ${size}, ${state}${gaps}`;
}

export interface BoxExportOptions extends DecodeSettings {
  /** Null: everything, in the full form. */
  readonly sensor: string | null;
  /** File to write; packed where it ends in `.gz`. */
  readonly to: string;
}

/**
 * `ok`; `badInput` when there is no such recording or sensor; `unavailable` when a file cannot be
 * read or written.
 */
export async function runBoxExport(
  directory: string,
  incident: string,
  options: BoxExportOptions,
  io: CommandIo,
): Promise<ExitCode> {
  return guarded(io, directory, async () => {
    const found = await findBox(directory, incident);
    if (found === null) return missing(directory, incident, io);
    const { sensor, to, ...settings } = options;
    const lines =
      sensor === null ? recordLines(found.file) : evaluateLines(found.file, sensor, settings);
    const count = await writeLines(lines, to);
    if (count === 0) {
      await rm(to, { force: true });
      const { frames } = await describeBox(found);
      const has = Object.keys(frames).join(', ');
      io.err(`${found.file}: no frame of "${sensor ?? ''}": it has ${has === '' ? 'none' : has}`);
      return EXIT.badInput;
    }
    io.out(`${to}: ${count} lines`);
    await markExported(found, io);
    return EXIT.ok;
  });
}

async function writeLines(lines: AsyncIterable<string>, to: string): Promise<number> {
  let count = 0;
  const counted = async function* (): AsyncGenerator<string> {
    for await (const line of lines) {
      count += 1;
      yield `${line}\n`;
    }
  };
  // An export that is there already may be all that is left of something: it is not overwritten.
  const out = createWriteStream(to, { flags: 'wx' });
  const source = Readable.from(counted());
  if (to.endsWith('.gz')) await pipeline(source, createGzip(), out);
  else await pipeline(source, out);
  return count;
}

/** So that an alarm is not kept longer than others once somebody has it. */
async function markExported({ file }: FoundRecording, io: CommandIo): Promise<void> {
  if (file.endsWith(PART_SUFFIX)) return;
  try {
    await writeFile(file + EXPORTED_SUFFIX, '');
  } catch (error) {
    io.err(`${file}: not marked as exported (${messageOf(error)}): it stays protected`);
  }
}

/**
 * Verifies one recording, or all of them. `ok` when everything is as it was; `failed` with
 * differences; `badInput` when there is no such recording, or one is damaged or torn.
 */
export async function runBoxVerify(
  directory: string,
  incident: string | null,
  options: { readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  return guarded(io, directory, async () => {
    const one = incident === null ? null : await findBox(directory, incident);
    if (incident !== null && one === null) return missing(directory, incident, io);
    let exit: ExitCode = EXIT.ok;
    for (const { file } of one === null ? await findBoxes(directory) : [one]) {
      const proof = await verifyBox(file);
      if (options.json) io.out(JSON.stringify({ file, ...proof }));
      else {
        for (const problem of proof.problems) io.out(`${file}: ${problem}`);
        for (const sensor of proof.sensors) for (const line of proofText(sensor)) io.out(line);
      }
      const differs = proof.sensors.some(({ differences }) => differences.length > 0);
      if (differs) exit = EXIT.failed;
      else if (proof.problems.length > 0 && exit === EXIT.ok) exit = EXIT.badInput;
    }
    return exit;
  });
}

function proofText(proof: SensorProof): readonly string[] {
  const { sensor, frames, pictures, same, maxCelsius, differences, notes } = proof;
  const max = maxCelsius === null ? '' : `, at most ${maxCelsius.toFixed(2)} C`;
  const verdict = differences.length === 0 ? 'as it was' : `${differences.length} differences`;
  const counts = `${frames} frames, ${same} of ${pictures} pictures the same to the bit`;
  return [
    `${sensor}: ${counts}${max}: ${verdict}`,
    ...differences.map((text) => `${sensor}: DIFFERS: ${text}`),
    ...notes.map((text) => `${sensor}: ${text}`),
  ];
}

function missing(directory: string, incident: string, io: CommandIo): ExitCode {
  io.err(`${directory}: no recording "${incident}": embereye blackbox list shows their numbers`);
  return EXIT.badInput;
}

/** What cannot be read or written ends the command with the reason, not with an exception. */
async function guarded(
  io: CommandIo,
  directory: string,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    io.err(`${directory}: ${messageOf(error)}`);
    return EXIT.unavailable;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

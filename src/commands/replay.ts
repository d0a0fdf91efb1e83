/** `embereye replay`: plays a recorded byte stream as the board would that sent it. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Board } from '../simulator/board.ts';
import { BoardLink } from '../simulator/board-link.ts';
import { atSpeed, REAL_BOARD_TIMING } from '../simulator/board-timing.ts';
import { RecordedSource } from '../simulator/recording.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { aborted, type BoardCommandIo, type Endpoint, parseEndpoint } from './simulate-board-io.ts';

export interface ReplayOptions {
  readonly to: string;
  /** Times the real board's pace; `max` is as fast as the other side takes it. */
  readonly speed?: number | 'max';
  /** Start again after the end, until told to stop. */
  readonly loop?: boolean;
  readonly json?: boolean;
}

/** Larger recordings are not read into memory. */
const LARGEST_STREAM_BYTES = 512 * 1024 * 1024;

const unzip = promisify(gunzip);

/**
 * Plays `file` (raw, or gzip if it starts like it) to a board port. Nothing is sent before the
 * other side asks for it. `EXIT.ok` when everything was sent or the user stopped it,
 * `EXIT.usage` for wrong options, `EXIT.badInput` for a file that cannot be played.
 */
export async function runReplay(
  file: string,
  options: ReplayOptions,
  io: BoardCommandIo,
): Promise<ExitCode> {
  const { speed = 1 } = options;
  const endpoint = endpointOf(options, io);
  if (endpoint === null) return EXIT.usage;
  const source = await openRecording(file, options, io);
  if (source === null) return EXIT.badInput;
  const timing = atSpeed(REAL_BOARD_TIMING, speed === 'max' ? Number.POSITIVE_INFINITY : speed);
  const board = new Board(source, { timing, commandTerminator: 'any' }, io.random);
  const { frames, readings, bytes } = source.contents;
  io.err(`${file}: ${frames} frames, ${readings} readings, ${bytes} bytes; waiting for PERIOD_ON`);
  const startMs = io.clock.monotonicMs();
  const link = new BoardLink(board, {
    ...endpoint,
    clock: io.clock,
    random: io.random,
    report: (event) => io.err(event),
  });
  await Promise.race([link.done, aborted(io.signal)]);
  link.close();
  const { counts } = board;
  const result = { file, ...counts, seconds: (io.clock.monotonicMs() - startMs) / 1000 };
  if (options.json === true) io.out(JSON.stringify(result));
  else io.out(`sent ${counts.frames} frames and ${counts.readings} readings`);
  return EXIT.ok;
}

function endpointOf(options: ReplayOptions, io: BoardCommandIo): Endpoint | null {
  const { speed = 1, to } = options;
  if (speed !== 'max' && !(speed > 0)) {
    io.err(`--speed ${speed}: write a number above 0, or max`);
    return null;
  }
  try {
    return parseEndpoint(to);
  } catch (error) {
    io.err(`--to: ${messageOf(error)}`);
    return null;
  }
}

async function openRecording(
  file: string,
  options: ReplayOptions,
  io: BoardCommandIo,
): Promise<RecordedSource | null> {
  try {
    return new RecordedSource(await readStream(file), { loop: options.loop ?? false });
  } catch (error) {
    io.err(`${file}: ${messageOf(error)}`);
    return null;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function readStream(file: string): Promise<Buffer> {
  const raw = await readFile(file);
  const zipped = raw[0] === 0x1f && raw[1] === 0x8b;
  const stream = zipped ? await unzip(raw, { maxOutputLength: LARGEST_STREAM_BYTES }) : raw;
  if (stream.length > LARGEST_STREAM_BYTES) {
    throw new RangeError(`longer than ${LARGEST_STREAM_BYTES} bytes: cut it into parts`);
  }
  return stream;
}

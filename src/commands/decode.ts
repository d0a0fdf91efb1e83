/** `embereye decode`: words to temperatures, one JSON line each. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { decodeJsonLine } from './decode-json.ts';
import { decodeStream } from './decode-stream.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface DecodeOptions {
  /** The file is a recorded byte stream of a board rather than JSON lines. */
  readonly stream: boolean;
}

/** Reads FILE, or FILE.gz; `EXIT.unavailable` when it cannot be read to its end. */
export async function runDecode(
  file: string,
  options: DecodeOptions,
  io: CommandIo,
): Promise<ExitCode> {
  try {
    if (options.stream) await decodeStream(openFile(file), (line) => io.out(line));
    else await decodeLines(file, io);
    return EXIT.ok;
  } catch (error) {
    io.err(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.unavailable;
  }
}

function openFile(file: string): Readable {
  const raw = createReadStream(file);
  if (!file.endsWith('.gz')) return raw;
  const unzipped = createGunzip();
  raw.on('error', (error) => unzipped.destroy(error));
  return raw.pipe(unzipped);
}

async function decodeLines(file: string, io: CommandIo): Promise<void> {
  const lines = createInterface({ input: openFile(file), crlfDelay: Infinity });
  for await (const line of lines) if (line.trim() !== '') io.out(decodeJsonLine(line));
}

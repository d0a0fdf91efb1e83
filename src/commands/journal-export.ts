/** `embereye journal export`: events as JSON lines or CSV, with filters, a page at a time. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sqlite } from '../store/database.ts';
import { CSV_COLUMNS, csvLine, csvOf, eventsOf, type ExportFilter } from '../store/export.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';
import { withJournal } from './journal.ts';

export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;

export interface JournalExportOptions extends ExportFilter {
  readonly format: (typeof EXPORT_FORMATS)[number];
  /** Null: standard output. A file must not be there yet. */
  readonly out: string | null;
}

/** `ok`; `unavailable` when the journal cannot be read or the file not be written. */
export function runJournalExport(
  place: string,
  options: JournalExportOptions,
  io: CommandIo,
): Promise<ExitCode> {
  return withJournal(place, io, async (db) => {
    const { out } = options;
    if (out === null) {
      for (const line of linesOf(db, options)) io.out(line);
      return EXIT.ok;
    }
    const written = await writeTo(out, db, options);
    if (typeof written === 'number') {
      io.out(`${out}: ${written} events`);
      return EXIT.ok;
    }
    io.err(`${out}: ${written}`);
    return EXIT.unavailable;
  });
}

function* linesOf(db: Sqlite, options: JournalExportOptions): Generator<string> {
  const isCsv = options.format === 'csv';
  // A line's end is written behind each: CSV wants a carriage return in front of it.
  if (isCsv) yield `${csvLine(CSV_COLUMNS)}\r`;
  for (const one of eventsOf(db, options)) yield isCsv ? `${csvOf(one)}\r` : one.json;
}

/** How many events were written, or why the file was not. */
async function writeTo(
  path: string,
  db: Sqlite,
  options: JournalExportOptions,
): Promise<number | string> {
  let lines = 0;
  const counted = function* (): Generator<string> {
    for (const line of linesOf(db, options)) {
      lines += 1;
      yield `${line}\n`;
    }
  };
  // An export that is there already may be all that is left of something: it is not overwritten.
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await pipeline(Readable.from(counted()), file);
    return lines - (options.format === 'csv' ? 1 : 0);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // What could not be opened is not ours to remove.
    if (error instanceof Error && 'syscall' in error && error.syscall === 'open') return text;
    await rm(path, { force: true });
    return `${text}; nothing was left behind`;
  }
}

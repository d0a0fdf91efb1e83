/**
 * `extract <rows file> <list file>`: recordings from standard input -> rows of single-precision
 * numbers, and a list of the recordings (JSON) with the names of the numbers.
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { SCENE_KINDS } from '../src/domain/opinion.ts';
import { FEATURE_NAMES, FEATURE_SCHEMA } from '../src/vision/features.ts';
import type { RecordingHeader } from './recordings.ts';
import { recordingsIn } from './recordings.ts';
import { ROW_HEAD, rowsOf } from './rows.ts';

async function main(rowsFile: string, listFile: string): Promise<void> {
  const recordings: RecordingHeader[] = [];
  const file = openSync(rowsFile, 'w');
  for await (const recording of recordingsIn(process.stdin as AsyncIterable<Buffer>)) {
    recordings.push(recording.header);
    const rows = rowsOf(recording);
    const bytes = rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength));
    writeSync(file, Buffer.concat(bytes));
  }
  closeSync(file);
  const list = {
    head: ROW_HEAD,
    features: FEATURE_NAMES,
    schema: FEATURE_SCHEMA,
    kinds: SCENE_KINDS,
    recordings,
  };
  writeFileSync(listFile, JSON.stringify(list));
}

const [rowsFile, listFile] = process.argv.slice(2);
if (rowsFile === undefined || listFile === undefined) {
  console.error('extract: give the file for rows and the file for the list of recordings');
  process.exitCode = 2;
} else {
  await main(rowsFile, listFile);
}

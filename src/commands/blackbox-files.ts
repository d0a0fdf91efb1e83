/** Which recordings a command means, and what each of them holds. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { BoxRecord } from '../store/black-box/record.ts';
import { findBoxes, readIncident } from '../store/black-box/read.ts';
import type { FoundRecording } from '../store/black-box/read.ts';
import { PART_SUFFIX } from '../store/black-box/shelf.ts';

/** One line of `embereye blackbox list`. */
export interface Listed {
  readonly number: number;
  readonly file: string;
  readonly zone: string;
  readonly kind: string;
  /** Wall time of its beginning. */
  readonly at: string | null;
  readonly seconds: number | null;
  readonly bytes: number;
  readonly frames: Readonly<Record<string, number>>;
  readonly events: number;
  /** What the disk was too slow for. */
  readonly lost: number;
  /** `complete`; `writing` or cut short; `torn` where its writer was killed; `damaged`. */
  readonly state: 'complete' | 'writing' | 'torn' | 'damaged';
  readonly problems: readonly string[];
}

/**
 * Reads a recording once and says what it holds.
 * @throws NodeJS.ErrnoException when it cannot be read
 */
export async function describeBox(found: FoundRecording): Promise<Listed> {
  const { bytes } = { bytes: (await stat(found.file)).size };
  const frames: Record<string, number> = {};
  const problems: string[] = [];
  let [at, firstMs, lastMs]: [string | null, number | null, number | null] = [null, null, null];
  let [events, lost, ended, damaged] = [0, 0, false, false];
  for await (const record of readIncident(found.file)) {
    const ms = timeOf(record);
    if (ms !== null) {
      firstMs = Math.min(firstMs ?? ms, ms);
      lastMs = Math.max(lastMs ?? ms, ms);
    }
    if (record.kind === 'header') at = record.wall;
    else if (record.kind === 'event') events += 1;
    else if (record.kind === 'gap') lost += record.lost;
    else if (record.kind === 'end') ended = true;
    else if (record.kind === 'frame') frames[record.sensor] = (frames[record.sensor] ?? 0) + 1;
    else if (record.kind === 'damage') {
      damaged ||= record.problem === 'damaged';
      problems.push(`at byte ${record.offset}: ${record.detail}`);
    }
  }
  const open = found.file.endsWith(PART_SUFFIX) ? 'writing' : 'torn';
  return {
    ...{ number: found.number, file: basename(found.file), zone: found.zone, kind: found.cause },
    ...{ at, bytes, frames, events, lost, problems },
    seconds: firstMs === null || lastMs === null ? null : (lastMs - firstMs) / 1000,
    state: damaged ? 'damaged' : ended ? 'complete' : open,
  };
}

function timeOf(record: BoxRecord): number | null {
  if (record.kind === 'frame' || record.kind === 'event' || record.kind === 'end') {
    return record.atMs;
  }
  return record.kind === 'level' ? (record.rows[0]?.[0] ?? null) : null;
}

/**
 * The recording with this number or file name; null where there is none.
 * @throws NodeJS.ErrnoException when the folder cannot be read
 */
export async function findBox(directory: string, wanted: string): Promise<FoundRecording | null> {
  const all = await findBoxes(directory);
  const isNumber = /^\d+$/.test(wanted);
  const fits = ({ number, file }: FoundRecording): boolean =>
    isNumber ? number === Number(wanted) : basename(file) === basename(wanted);
  return all.find(fits) ?? null;
}

/** Records of the black box and of the recorder of days as items of a replay. */
import type { Opinion } from '../domain/opinion.ts';
import { isThermalChannel } from '../domain/evidence.ts';
import type { NoDataReason } from '../domain/evidence.ts';
import { readIncident } from '../store/black-box/read.ts';
import type { BoxRecord, CalibrationRecord, RowsRecord } from '../store/black-box/record.ts';
import { ROW_COLUMNS } from '../store/black-box/row-memory.ts';
import type { SiteItem, TellNote } from './items.ts';

/** Of a picture, only these are known by the note alone: all others the replay finds by itself. */
const NOTED: ReadonlySet<NoDataReason> = new Set(['hardware', 'overrun', 'corrupt']);

type Row = readonly (number | null)[];

/**
 * Calibrations of one run, the same object for the same calibration: an array goes on where the
 * hour before ended, and is not decoded anew in each file.
 */
export class KnownCalibrations {
  readonly #known = new Map<string, CalibrationRecord>();
  /** What is in front of each sensor. */
  readonly #current = new Map<string, CalibrationRecord>();

  of(record: CalibrationRecord): CalibrationRecord {
    const { sensor, array, decoding, eeprom } = record;
    const key = JSON.stringify([sensor, array, decoding, eeprom]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, record);
    return record;
  }

  /**
   * Tells when a sensor's frames are of another calibration than those before.
   * @param record as `of` gave it
   */
  look(record: CalibrationRecord, tell: TellNote): void {
    const { sensor, array } = record;
    const before = this.#current.get(sensor);
    if (before === record) return;
    this.#current.set(sensor, record);
    if (before === undefined) return;
    const what =
      before.array === array
        ? 'the calibration, or the way its words are decoded, changed'
        : `array ${before.array ?? 'unknown'} gave way to ${array ?? 'an unknown one'}`;
    tell(`sensor "${sensor}": ${what}: it is decoded as it was recorded on both sides of that`);
  }
}

export interface BoxItemParts {
  readonly calibrations: KnownCalibrations;
  readonly tell: TellNote;
  /** Null: all. */
  readonly sensor: string | null;
}

/**
 * A file's items, in its own order. What cannot be read is told, and the rest goes on.
 * @throws NodeJS.ErrnoException when the file cannot be read
 */
export async function* boxItems(file: string, parts: BoxItemParts): AsyncGenerator<SiteItem> {
  /** A calibration of this file as the run knows it: looked up once each, not with each frame. */
  const known = new Map<CalibrationRecord, CalibrationRecord>();
  for await (const record of readIncident(file)) {
    if (record.kind === 'damage') {
      parts.tell(`${file}: byte ${record.offset}: ${record.detail}; the rest is replayed`);
    } else if (record.kind === 'gap') {
      const whose = record.sensor === null ? '' : ` of "${record.sensor}"`;
      const lost = `${record.lost} ${record.what}${whose} were lost to a slow disk`;
      parts.tell(`${file}: ${lost} when it was recorded; the replay does without them`);
    } else if ('sensor' in record && parts.sensor !== null && record.sensor !== parts.sensor) {
      continue;
    } else if (record.kind === 'frame') {
      let calibration = known.get(record.calibration);
      if (calibration === undefined) {
        calibration = parts.calibrations.of(record.calibration);
        known.set(record.calibration, calibration);
      }
      parts.calibrations.look(calibration, parts.tell);
      const { atMs, sensor } = record;
      yield { kind: 'frame', atMs, sensor, frame: { ...record, calibration } };
    } else yield* itemsOf(record);
  }
}

function* itemsOf(record: Exclude<BoxRecord, { kind: 'frame' }>): Generator<SiteItem> {
  switch (record.kind) {
    case 'header':
    case 'clock':
      yield { kind: 'clock', atMs: record.atMs, wallMs: Date.parse(record.wall) };
      return;
    case 'event':
      yield { kind: 'event', atMs: record.atMs, event: record.event };
      return;
    case 'level':
    case 'opinion':
      for (const row of record.rows) yield itemOfRow(record, row);
      return;
    case 'noData': {
      const { atMs, sensor, channel, reason, detail } = record;
      if (isThermalChannel(channel) && !NOTED.has(reason)) return;
      yield { kind: 'noData', atMs, sensor, channel, reason, detail };
      return;
    }
    default:
  }
}

function itemOfRow({ kind, sensor, channel }: RowsRecord, row: Row): SiteItem {
  const atMs = row[0] ?? 0;
  if (kind === 'opinion') {
    const share = (name: keyof Opinion) => row[ROW_COLUMNS.opinion.indexOf(name)] ?? 0;
    const opinion: Opinion = {
      fire: share('fire'),
      overheating: share('overheating'),
      warmBody: share('warmBody'),
      hotObject: share('hotObject'),
      other: share('other'),
    };
    return { kind: 'opinion', atMs, sensor, channel, opinion };
  }
  const [, lastAtMs, first, last, min, max, count] = row;
  const value = last ?? first ?? 0;
  const window = {
    ...{ kind: 'level' as const, sensor, channel, firstAtMs: atMs, lastAtMs: lastAtMs ?? atMs },
    ...{ first: first ?? value, last: value, min: min ?? value, max: max ?? value },
    count: count ?? 1,
  };
  return { kind: 'level', atMs: window.lastAtMs, sensor, window };
}

/**
 * What one of the two alarm files holds, pure. Each is a fixed number of bytes, reserved when it is
 * made and written from its beginning in frames of `ring-frames.ts`:
 *
 *   heads frame | event frame | event frame | ... | zeroes, or what an earlier filling left
 *
 * All frames of one filling carry its generation. A frame is believed when its CRC holds, whatever
 * its generation: an alarm that was not overwritten yet is still an alarm. The newest generation
 * alone says where the next frame goes.
 */
import type { Buffer } from 'node:buffer';
import type { JournalEvent } from '../domain/event.ts';
import { eventOf } from './codec.ts';
import { beginsFrame, framesIn, HEADER_BYTES, KIND_EVENT } from './ring-frames.ts';

export interface FileRecord {
  readonly event: JournalEvent;
  /** Exactly as it was journalled. */
  readonly json: string;
  /** Of an earlier filling: what was needed of that has been copied to the other file. */
  readonly stale: boolean;
}

export interface AlarmFileContents {
  /** Alarms of every filling, in the order of the file; an id may stand twice. */
  readonly records: readonly FileRecord[];
  /** Of the newest filling; 0 where nothing can be believed. */
  readonly generation: number;
  /** Where the next frame goes. */
  readonly end: number;
  /** A frame was begun at `end` and not finished: the power went, or its sector is bad. */
  readonly torn: boolean;
  /** Bytes of the newest filling, before `end`, that belong to no believable frame. */
  readonly damagedBytes: number;
}

/** Reads whatever can be believed. Never throws, whatever the bytes are. */
export function readAlarmFile(bytes: Buffer): AlarmFileContents {
  const records: (Omit<FileRecord, 'stale'> & { readonly filling: number })[] = [];
  const starts = new Set<number>();
  let generation = 0;
  let end = 0;
  let frameBytes = 0;
  for (const { at, payload, kind, generation: filling } of framesIn(bytes)) {
    const length = HEADER_BYTES + payload.length;
    starts.add(at);
    if (filling > generation) {
      generation = filling;
      frameBytes = 0;
    }
    if (filling === generation) {
      end = at + length;
      frameBytes += length;
    }
    if (kind !== KIND_EVENT) continue;
    const json = payload.toString('utf8');
    const event = eventOf(json);
    if (event?.lane === 'alarm') records.push({ event, json, filling });
  }
  const torn = !starts.has(end) && beginsFrame(bytes, end);
  return {
    records: records.map(({ filling, ...rest }) => ({ ...rest, stale: filling < generation })),
    generation,
    end,
    torn,
    damagedBytes: end - frameBytes,
  };
}

/** Events as the uplink reads them: whole texts, of which only the envelope is looked at. */
import type { EventText } from '../domain/ports.ts';
import { eventOf } from './codec.ts';

/**
 * The two ends of an event as `EventStamper` makes it: what is known of its time stands first, its
 * number last. Both are anchored, so that nothing within `data` can be taken for them.
 */
const HEAD = new RegExp(
  String.raw`^\{"schema":1,"deviceId":"[^"\\]*","bootId":"([^"\\]*)",` +
    String.raw`"monotonicMs":(-?[\d.]+),"wall":"([^"\\]*)"`,
);
const TAIL = /,"seq":([1-9]\d*)\}$/;

/** Enough for `,"seq":` and the longest safe number: the rest need not be searched. */
const TAIL_LENGTH = 32;

/** Null for what is no event: see `eventOf`, which reads every text of another shape. */
export function eventTextOf(json: string): EventText | null {
  const head = HEAD.exec(json);
  const tail = TAIL.exec(json.slice(-TAIL_LENGTH));
  if (head === null || tail === null) return parsed(json);
  const [, bootId = '', monotonicMs = '', wall = ''] = head;
  return new StoredText(Number(tail[1]), bootId, Number(monotonicMs), wall, json);
}

/** A class and no object literal, for the reason that the uplink's `Entry` has: they come alike. */
class StoredText implements EventText {
  readonly seq: number;
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly wall: string;
  readonly json: string;

  constructor(seq: number, bootId: string, monotonicMs: number, wall: string, json: string) {
    this.seq = seq;
    this.bootId = bootId;
    this.monotonicMs = monotonicMs;
    this.wall = wall;
    this.json = json;
  }
}

function parsed(json: string): EventText | null {
  const event = eventOf(json);
  if (event === null) return null;
  const { seq, bootId, monotonicMs, wall } = event;
  return { seq, bootId, monotonicMs, wall, json };
}

/** Takes texts until they are longer than `maxBytes` together: at least one, if there is any. */
export function takeTexts(rows: Iterable<string>, maxBytes: number): readonly string[] {
  const texts: string[] = [];
  let bytes = 0;
  for (const text of rows) {
    texts.push(text);
    bytes += text.length;
    if (bytes >= maxBytes) break;
  }
  return texts;
}

/** Whether there was nothing behind these: neither bound has cut them short. */
export function isLast(texts: readonly string[], limit: number, maxBytes: number): boolean {
  if (texts.length >= limit) return false;
  return texts.reduce((bytes, text) => bytes + text.length, 0) < maxBytes;
}

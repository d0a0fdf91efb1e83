/**
 * Both ends of carrying an alarm: one that has no broker hands it to a neighbour that has, and
 * repeats until that says a broker took it. Ids make all of it harmless: an alarm that its own
 * appliance delivers later once more is the same event to every reader.
 */
import type { Word } from './wire.ts';

/** An alarm that no broker has taken yet. */
export interface Undelivered {
  readonly id: string;
  /** The event exactly as journalled. */
  readonly json: string;
}

export interface CarrierDeps {
  /** Publishes for another. @returns whether a broker took it. */
  readonly publish: (root: string, json: string) => Promise<boolean>;
  /** Tells the sender. */
  readonly answer: (to: string, id: string) => void;
  /** An alarm of a neighbour came this way for the first time. */
  readonly onAlarm: (alarm: CarriedAlarm) => void;
}

export interface CarriedAlarm {
  readonly from: string;
  readonly id: string;
  readonly zone: string;
  readonly zoneName: string;
}

/** Ids that are remembered, so that a repeat is answered and not published again. */
const REMEMBERED = 1024;
/** Alarms of neighbours under way at a time; more are left to be repeated. */
const MOST_UNDER_WAY = 32;

export class Carrier {
  readonly #deps: CarrierDeps;
  readonly #carried = new Set<string>();
  readonly #known = new Set<string>();
  readonly #underWay = new Set<string>();

  constructor(deps: CarrierDeps) {
    this.#deps = deps;
  }

  /** A word that counts. @returns why it is not carried, or null. */
  take(word: Word & { readonly kind: 'carry' }): string | null {
    const alarm = alarmOf(word);
    if (alarm === null) return 'it is no alarm of its sender';
    const { id } = alarm;
    if (this.#carried.has(id)) {
      this.#deps.answer(word.from, id);
      return null;
    }
    if (this.#underWay.has(id)) return null;
    if (this.#underWay.size >= MOST_UNDER_WAY) return 'too many are under way';
    if (!this.#known.has(id)) this.#deps.onAlarm(alarm);
    remember(this.#known, id);
    this.#underWay.add(id);
    void this.#deps.publish(word.root, word.event).then((taken) => {
      this.#underWay.delete(id);
      if (!taken) return;
      remember(this.#carried, id);
      this.#deps.answer(word.from, id);
    });
    return null;
  }
}

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  const oldest = ids.size > REMEMBERED ? ids.values().next().value : undefined;
  if (oldest !== undefined) ids.delete(oldest);
}

const EVENT_ID = /^[0-9a-f-]{36}$/;

/** Null unless it is an alarm event of the appliance that sends it. */
function alarmOf({ from, event }: { readonly from: string; readonly event: string }) {
  let raw: unknown;
  try {
    raw = JSON.parse(event);
  } catch {
    // What is no JSON is no alarm either: the caller says so.
    return null;
  }
  const { id, deviceId, lane, type, data } = fields(raw);
  const { zone, zoneName } = fields(data);
  if (deviceId !== from || lane !== 'alarm' || type !== 'alarm') return null;
  if (typeof id !== 'string' || !EVENT_ID.test(id)) return null;
  if (typeof zone !== 'string' || typeof zoneName !== 'string') return null;
  return { from, id, zone, zoneName };
}

function fields(raw: unknown): Readonly<Record<string, unknown>> {
  return typeof raw === 'object' && raw !== null ? { ...raw } : {};
}

/** What people say about the recorded days: where it burnt, and where nothing did. */
import { ID_PATTERN } from '../domain/units.ts';

/** Zone of a label that speaks of all zones. */
export const EVERY_ZONE = 'all';

export interface Label {
  /** Its id, or `all`. */
  readonly zone: string;
  /** Milliseconds since 1970; `toMs` itself is not included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `fire`: an alarm is wanted; `nuisance`: whatever alarms here is a nuisance. */
  readonly kind: 'fire' | 'nuisance';
}

export interface Labels {
  readonly labels: readonly Label[];
  /** Entries that cannot be used, each with its remedy. */
  readonly problems: readonly string[];
}

export const NO_LABELS: readonly Label[] = [];
const FORM = '{"zone": id or "all", "from": time, "to": time, "kind": "fire" or "nuisance"}';

/** Reads a list of labels; what is wrong with one of them does not cost the others. */
export function parseLabels(text: string): Labels {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { labels: [], problems: [`no JSON (${why}): write a list of ${FORM}`] };
  }
  if (!Array.isArray(value)) return { labels: [], problems: [`no list: write a list of ${FORM}`] };
  const labels: Label[] = [];
  const problems: string[] = [];
  for (const [at, entry] of (value as readonly unknown[]).entries()) {
    const label = labelOf(entry);
    if (typeof label === 'string') problems.push(`entry ${at + 1}: ${label}`);
    else labels.push(label);
  }
  return { labels: labels.sort((a, b) => a.fromMs - b.fromMs), problems };
}

/** What is wrong with it, or the label. */
function labelOf(entry: unknown): Label | string {
  if (typeof entry !== 'object' || entry === null) return `is no object: write ${FORM}`;
  const { zone, from, to, kind } = entry as Readonly<Record<string, unknown>>;
  if (typeof zone !== 'string' || !ID_PATTERN.test(zone)) {
    return '"zone" is no id of a zone: write its id, or "all"';
  }
  if (kind !== 'fire' && kind !== 'nuisance') return '"kind" must be "fire" or "nuisance"';
  const fromMs = typeof from === 'string' ? Date.parse(from) : NaN;
  const toMs = typeof to === 'string' ? Date.parse(to) : NaN;
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs)) {
    return '"from" and "to" must be times such as "2026-05-04T08:00:00Z"';
  }
  if (fromMs >= toMs) return '"to" must be later than "from"';
  return { zone, fromMs, toMs, kind };
}

/** Whether a label speaks of this zone. */
export function isOf(label: Label, zone: string): boolean {
  return label.zone === EVERY_ZONE || label.zone === zone;
}

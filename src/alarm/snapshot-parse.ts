/**
 * Reads a snapshot that may be anything. What can be read is kept and what cannot is named, so that
 * one bad entry never costs a latched alarm of another zone.
 */
import type { CommandOutcome } from '../domain/command.ts';
import { COMMAND_ERRORS } from '../domain/command.ts';
import type { Explanation, Lane, Vote } from '../domain/event.ts';
import { LANES, VOTE_UNITS } from '../domain/event.ts';
import type { SourceRef } from '../domain/evidence.ts';
import { ROLES } from '../domain/evidence.ts';
import { isId, sensorId, zoneId } from '../domain/units.ts';
import type { ZoneId } from '../domain/units.ts';
import { ANSWERS_KEPT } from './commands.ts';
import { NO_DUTY_MEMORY, parseDuty } from './duty-memory.ts';
import type { AnswerMemory, PanelSnapshot, SeenMemory, ZoneMemory } from './snapshot.ts';
import { SNAPSHOT_FORMAT } from './snapshot.ts';

/** More entries than any appliance has are a corrupt file, not a memory. */
const MOST_ENTRIES = 4_096;

export interface ParsedSnapshot {
  readonly snapshot: PanelSnapshot;
  readonly problems: readonly string[];
}

export const EMPTY_SNAPSHOT: PanelSnapshot = {
  format: SNAPSHOT_FORMAT,
  lanesCovered: { alarm: 0, fault: 0, operator: 0, system: 0 },
  zones: [],
  idles: [],
  unknown: [],
  supervisory: [],
  answered: [],
  wallMs: null,
  duty: NO_DUTY_MEMORY,
};

/** @param raw parsed JSON, or null where there is no snapshot yet. Never throws. */
export function parseSnapshot(raw: unknown): ParsedSnapshot {
  if (raw === null || raw === undefined) return { snapshot: EMPTY_SNAPSHOT, problems: [] };
  if (!isRecord(raw)) return refused('it is no JSON object');
  if (raw['format'] !== SNAPSHOT_FORMAT) {
    return refused(`its format is not ${SNAPSHOT_FORMAT}`);
  }
  const lanesCovered = parseLanes(raw['lanesCovered']);
  if (lanesCovered === null) return refused('lanesCovered is missing or no number');
  const problems: string[] = [];
  const list = <T>(name: string, parse: (entry: unknown) => T | null): readonly T[] =>
    parseList(raw[name], name, parse, problems);
  const duty = parseDuty(raw['duty']);
  if (duty === undefined) problems.push('panel snapshot: duty cannot be read');
  const wallMs = raw['wallMs'];
  return {
    snapshot: {
      format: SNAPSHOT_FORMAT,
      lanesCovered,
      zones: list('zones', parseZone),
      idles: list('idles', parseIdle),
      unknown: list('unknown', parseUnknown),
      supervisory: list('supervisory', parseSeen),
      answered: list('answered', parseAnswered).slice(-ANSWERS_KEPT),
      wallMs: isFinite(wallMs) ? wallMs : null,
      duty: duty ?? NO_DUTY_MEMORY,
    },
    problems,
  };
}

function refused(why: string): ParsedSnapshot {
  return { snapshot: EMPTY_SNAPSHOT, problems: [`panel snapshot refused: ${why}`] };
}

function parseList<T>(
  raw: unknown,
  name: string,
  parse: (entry: unknown) => T | null,
  problems: string[],
): readonly T[] {
  if (!Array.isArray(raw)) {
    problems.push(`panel snapshot: ${name} is no list`);
    return [];
  }
  const kept: T[] = [];
  raw.slice(0, MOST_ENTRIES).forEach((entry: unknown, index) => {
    const parsed = parse(entry);
    if (parsed === null) problems.push(`panel snapshot: ${name}[${index}] cannot be read`);
    else kept.push(parsed);
  });
  return kept;
}

function parseLanes(raw: unknown): Record<Lane, number> | null {
  if (!isRecord(raw)) return null;
  const covered = { alarm: 0, fault: 0, operator: 0, system: 0 };
  for (const lane of LANES) {
    const seq = raw[lane];
    if (!isFinite(seq)) return null;
    covered[lane] = seq;
  }
  return covered;
}

function parseZone(raw: unknown): ZoneMemory | null {
  if (!isRecord(raw)) return null;
  const id = parseZoneId(raw['id']);
  const { name, acknowledged, silenced } = raw;
  const disabledForMs = parseTimeLeft(raw['disabledForMs']);
  const testForMs = parseTimeLeft(raw['testForMs']);
  const alarm = raw['alarm'] === null ? null : parseAlarm(raw['alarm']);
  if (id === null || typeof name !== 'string' || alarm === undefined) return null;
  if (typeof acknowledged !== 'boolean' || typeof silenced !== 'boolean') return null;
  if (disabledForMs === undefined || testForMs === undefined) return null;
  return { id, name, alarm, acknowledged, silenced, disabledForMs, testForMs };
}

/** Undefined when it cannot be read. */
function parseAlarm(raw: unknown): ZoneMemory['alarm'] | undefined {
  if (!isRecord(raw)) return undefined;
  const { ageMs, callPoints } = raw;
  const explanation = parseExplanation(raw['explanation']);
  if (!isFinite(ageMs) || ageMs < 0 || explanation === null) return undefined;
  return isTexts(callPoints) ? { ageMs, explanation, callPoints } : undefined;
}

/** Null stays null; undefined when it cannot be read. */
function parseTimeLeft(raw: unknown): number | null | undefined {
  if (raw === null) return null;
  return isFinite(raw) && raw >= 0 ? raw : undefined;
}

export function parseExplanation(raw: unknown): Explanation | null {
  if (!isRecord(raw)) return null;
  const { summary, confidence } = raw;
  if (typeof summary !== 'string' || !isFinite(confidence)) return null;
  const votes = every(raw['votes'], parseVote);
  const stale = every(raw['stale'], parseRef);
  const faulty = every(raw['faulty'], parseRef);
  const disabled = every(raw['disabled'], parseRef);
  const uncalibrated = every(raw['uncalibrated'], parseRef);
  if (votes === null || stale === null || faulty === null) return null;
  if (disabled === null || uncalibrated === null) return null;
  const read = { summary, votes, stale, faulty, disabled, uncalibrated, confidence };
  return raw['maintenance'] === true ? { ...read, maintenance: true } : read;
}

function parseVote(raw: unknown): Vote | null {
  const ref = parseRef(raw);
  if (ref === null || !isRecord(raw)) return null;
  const { rule, level, value, limit, ageMs, note } = raw;
  const role = ROLES.find((known) => known === raw['role']);
  const unit = VOTE_UNITS.find((known) => known === raw['unit']);
  if (role === undefined || unit === undefined || typeof rule !== 'string') return null;
  if (level !== 'suspect' && level !== 'alarm') return null;
  if (!isFinite(value) || !isFinite(limit) || !isFinite(ageMs)) return null;
  if (typeof note !== 'string') return null;
  return { ...ref, role, rule, level, value, limit, unit, ageMs, note };
}

function parseRef(raw: unknown): SourceRef | null {
  if (!isRecord(raw)) return null;
  const { sensor, channel } = raw;
  if (typeof sensor !== 'string' || !isId(sensor) || typeof channel !== 'string') return null;
  return { sensor: sensorId(sensor), channel };
}

function parseIdle(raw: unknown): PanelSnapshot['idles'][number] | null {
  if (!isRecord(raw)) return null;
  const { source, idlePercent, anchorPercent, firstPercent, dosePercent } = raw;
  if (typeof source !== 'string' || !isPercent(idlePercent)) return null;
  if (!isPercent(anchorPercent)) return null;
  const role = ROLES.find((known) => known === raw['role']);
  return {
    source,
    idlePercent,
    anchorPercent,
    // Missing in memories of older versions.
    ...(isPercent(firstPercent) ? { firstPercent } : {}),
    ...(isPercent(dosePercent) ? { dosePercent } : {}),
    ...(role === undefined ? {} : { role }),
  };
}

function parseUnknown(raw: unknown): PanelSnapshot['unknown'][number] | null {
  if (!isRecord(raw)) return null;
  const { sensor, name } = raw;
  const zone = parseZoneId(raw['zone']);
  if (typeof sensor !== 'string' || !isId(sensor)) return null;
  if (zone === null || typeof name !== 'string') return null;
  return { sensor: sensorId(sensor), zone, name };
}

function parseSeen(raw: unknown): SeenMemory | null {
  if (!isRecord(raw)) return null;
  const { fault, subject, detail } = raw;
  const zone = raw['zone'] === null ? null : parseZoneId(raw['zone']);
  if (zone === null && raw['zone'] !== null) return null;
  if (typeof fault !== 'string' || typeof subject !== 'string') return null;
  return typeof detail === 'string' ? { fault, subject, zone, detail } : null;
}

function parseAnswered(raw: unknown): AnswerMemory | null {
  if (!isRecord(raw) || !isRecord(raw['outcome'])) return null;
  const { key, ageMs } = raw;
  const { requestId, ok, detail } = raw['outcome'];
  if (typeof key !== 'string' || typeof requestId !== 'string') return null;
  if (typeof detail !== 'string') return null;
  const error = COMMAND_ERRORS.find(
    (known) => isRecord(raw['outcome']) && known === raw['outcome']['error'],
  );
  let outcome: CommandOutcome | null = null;
  if (ok === true) outcome = { requestId, ok, detail };
  if (ok === false && error !== undefined) outcome = { requestId, ok, error, detail };
  // Missing in memories of older versions.
  const asked = typeof raw['asked'] === 'string' ? raw['asked'] : null;
  return outcome === null || !isFinite(ageMs) ? null : { key, asked, outcome, ageMs };
}

function parseZoneId(raw: unknown): ZoneId | null {
  return typeof raw === 'string' && isId(raw) ? zoneId(raw) : null;
}

/** All entries or nothing. */
function every<T>(raw: unknown, parse: (entry: unknown) => T | null): readonly T[] | null {
  if (!Array.isArray(raw) || raw.length > MOST_ENTRIES) return null;
  const parsed: T[] = [];
  for (const entry of raw as readonly unknown[]) {
    const value = parse(entry);
    if (value === null) return null;
    parsed.push(value);
  }
  return parsed;
}

export function isRecord(raw: unknown): raw is Record<string, unknown> {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

export function isTexts(raw: unknown): raw is readonly string[] {
  return Array.isArray(raw) && raw.every((entry) => typeof entry === 'string');
}

function isFinite(raw: unknown): raw is number {
  return typeof raw === 'number' && Number.isFinite(raw);
}

function isPercent(raw: unknown): raw is number {
  return isFinite(raw) && raw >= 0 && raw <= 100;
}

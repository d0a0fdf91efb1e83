/** A replay's report for people: one line a fact, tables with aligned columns. */
import { isoFromWallMs } from '../store/wall-time.ts';
import type { Suggestion } from './highest.ts';
import type { Tally } from './ledger.ts';
import { NO_TALLY } from './ledger.ts';
import type { Alarmed, Occasion, OccasionKind, Verdict } from './occasions.ts';
import type { Reproduction } from './record.ts';
import { DIFFERENCES_TOLD } from './record.ts';
import type { DayRow, TuneReport } from './report.ts';

/** Occasions that are told one by one; `--json` has all. */
const OCCASIONS_TOLD = 200;

const KIND_TEXT: Readonly<Record<OccasionKind, string>> = {
  fire: 'fire (label)',
  presumedFire: 'alarm of the record',
  nuisance: 'nuisance (label)',
  presumedNuisance: 'nuisance, presumed: it was reset within 5 minutes',
  unlabelled: 'not in the record, no label',
};

type Row = readonly string[];

/** @param hasProposed false where the present configuration was replayed alone */
export function textOf(report: TuneReport, hasProposed: boolean): readonly string[] {
  const { days, frames, occasions } = report;
  const hours = days.reduce((sum, day) => sum + day.hours, 0);
  const lines = [
    `replayed: ${days.length} ${days.length === 1 ? 'day' : 'days'}, ${hours.toFixed(1)} h, ` +
      `${frames} frames`,
    '',
    ...dayTable(report.rows, hasProposed),
    '',
    occasions.length === 0 ? 'No alarm, in the record or in the replay.' : 'Alarms:',
    ...occasions.slice(0, OCCASIONS_TOLD).flatMap((one) => occasionText(one, hasProposed)),
  ];
  const more = occasions.length - OCCASIONS_TOLD;
  if (more > 0) lines.push(`${more} more alarms: --json has them all`);
  lines.push('', ...faultText(report, hasProposed), ...recordText(report));
  if (report.verdicts.length > 0) lines.push('', ...verdictTable(report.verdicts, hasProposed));
  if (report.unanswered > 0) {
    lines.push(`the model left ${report.unanswered} questions open: there the rules decided alone`);
  }
  return lines;
}

function dayTable(rows: readonly DayRow[], hasProposed: boolean): readonly string[] {
  const head = ['zone', 'day', 'alarms', 'pre-alarms', 'in pre-alarm', 'faults'];
  const busy = rows.filter(
    ({ present, proposed }) => isBusy(present) || (proposed !== null && isBusy(proposed)),
  );
  const quiet = rows.length - busy.length;
  const cells = busy.map(({ zone, day, present, proposed }): Row => {
    const pair = (of: (tally: Readonly<Tally>) => string): string =>
      hasProposed ? `${of(present)} -> ${of(proposed ?? NO_TALLY)}` : of(present);
    return [
      ...[zone, day, pair(({ alarms }) => `${alarms}`), pair(({ preAlarms }) => `${preAlarms}`)],
      pair(({ preAlarmMs }) => `${(preAlarmMs / 1000).toFixed(0)} s`),
      pair(({ faults }) => `${faults}`),
    ];
  });
  const title = hasProposed ? 'Per zone and day, present -> proposed:' : 'Per zone and day:';
  const rest =
    quiet === 0 ? [] : [`${quiet} ${quiet === 1 ? 'zone-day' : 'zone-days'} without any`];
  return cells.length === 0 ? [title, ...rest] : [title, ...table([head, ...cells]), ...rest];
}

function isBusy({ alarms, preAlarms, preAlarmMs, faults }: Readonly<Tally>): boolean {
  return alarms + preAlarms + preAlarmMs + faults > 0;
}

function occasionText(occasion: Occasion, hasProposed: boolean): readonly string[] {
  const { zone, fromMs, kind, recorded, present, proposed, baseMs } = occasion;
  const lines = [`${isoFromWallMs(fromMs).slice(0, 19)}Z ${zone}: ${KIND_TEXT[kind]}`];
  const say = (who: string, alarmed: Alarmed | null): void => {
    lines.push(`  ${who}: ${alarmed === null ? 'no alarm' : alarmedText(alarmed, baseMs)}`);
  };
  if (recorded !== null) lines.push(`  record: ${alarmedText(recorded, null)}`);
  say('present', present);
  if (hasProposed) say('proposed', proposed);
  return lines;
}

function alarmedText({ atMs, reason }: Alarmed, baseMs: number | null): string {
  const at = `alarm at ${isoFromWallMs(atMs).slice(11, 21)}`;
  const after = baseMs === null ? '' : `, ${signed((atMs - baseMs) / 1000)} s`;
  return `${at}${after} (${reason})`;
}

function faultText({ faults }: TuneReport, hasProposed: boolean): readonly string[] {
  const text = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const lines = [`faults, present: ${text(faults.present)}`];
  if (hasProposed) lines.push(`faults, proposed: ${text(faults.proposed)}`);
  return lines;
}

function recordText({ reproduction, pictures }: TuneReport): readonly string[] {
  const lines = [reproducedText(reproduction)];
  for (const text of reproduction.differences.slice(0, DIFFERENCES_TOLD)) {
    lines.push(`  not reproduced: ${text}`);
  }
  const more = reproduction.differences.length - DIFFERENCES_TOLD;
  if (more > 0) lines.push(`  ${more} more: --json has them all`);
  const { same, other, otherwise } = pictures;
  if (same + other + otherwise > 0) {
    const differ = other === 0 ? '' : `, ${other} to other bits (another release recorded them)`;
    const changed = otherwise === 0 ? '' : `, ${otherwise} with other settings than recorded`;
    lines.push(`pictures: ${same} decoded to the recorded bits${differ}${changed}`);
  }
  return lines;
}

function reproducedText({ recorded, reproduced, added }: Reproduction): string {
  const part = (what: string, type: 'alarm' | 'preAlarm'): string =>
    `${reproduced[type]} of ${recorded[type]} ${what}`;
  const extra = added.alarm + added.preAlarm;
  const not = recorded.alarm + recorded.preAlarm - reproduced.alarm - reproduced.preAlarm;
  const verdict = not + extra === 0 ? 'all of it' : `not reproduced: ${not} recorded, ${extra} new`;
  const parts = `${part('alarms', 'alarm')}, ${part('pre-alarms', 'preAlarm')}`;
  return `the record by the present configuration: ${parts}: ${verdict}`;
}

function verdictTable(verdicts: readonly Verdict[], hasProposed: boolean): readonly string[] {
  if (!hasProposed) {
    const rows = verdicts.map(({ zone, presentAlarms, presentNuisances }): Row => [
      ...[zone, `${presentAlarms}`, `${presentNuisances}`],
    ]);
    return ['Verdict:', ...table([['zone', 'alarms', 'nuisances'], ...rows])];
  }
  const head: Row = [
    ...['zone', 'alarms', 'fires missed', 'fires won', 'new', 'avoided', 'nuisances'],
    ...['missed by both', 'proposed later by'],
  ];
  const rows = verdicts.map((one): Row => {
    const { zone, missed, won, added, avoided, missedByBoth } = one;
    return [
      ...[zone, `${one.presentAlarms} -> ${one.proposedAlarms}`, `${missed}`, `${won}`],
      ...[`${added}`, `${avoided}`, `${one.presentNuisances} -> ${one.proposedNuisances}`],
      ...[`${missedByBoth}`, laterText(one)],
    ];
  });
  return ['Verdict, present -> proposed:', ...table([head, ...rows])];
}

function laterText({ earliestSeconds, latestSeconds }: Verdict): string {
  if (earliestSeconds === null || latestSeconds === null) return '-';
  if (earliestSeconds === latestSeconds) return `${signed(latestSeconds)} s`;
  return `${signed(earliestSeconds)} .. ${signed(latestSeconds)} s`;
}

/** The arithmetic of `--suggest`. */
export function suggestionText(suggestions: readonly Suggestion[]): readonly string[] {
  if (suggestions.length === 0) {
    return ['Arithmetic: no thermal picture in times that a label calls a nuisance'];
  }
  const head: Row = [
    ...['zone', 'channel', 'highest', 'limit', 'margin', 'lowest limit'],
    ...['highest rise', 'rise limit', 'lowest rise limit'],
  ];
  const rows = suggestions.map((one): Row => [
    ...[one.zone, `${one.sensor}/${one.channel}`, `${one.maxCelsius.toFixed(1)} C`],
    ...[`${one.limitCelsius} C`, `${signed(one.marginCelsius)} C`],
    ...[`${one.lowestLimitCelsius} C`],
    one.maxRise === null ? 'none counts' : `${one.maxRise.toFixed(1)} C/min`,
    `${one.riseCelsiusPerMinute} C/min`,
    one.lowestRise === null ? '-' : `${one.lowestRise} C/min`,
  ]);
  return [
    'Arithmetic of the times that labels call a nuisance, and no advice: the next day may be',
    'warmer, and a limit that is raised finds a fire later.',
    ...table([head, ...rows]),
  ];
}

function signed(value: number): string {
  const text = value.toFixed(1);
  return value > 0 ? `+${text}` : text;
}

function table(rows: readonly Row[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd(),
  );
}

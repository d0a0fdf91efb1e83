/** What is told of a database that was set aside: what came back, what did not, what to do. */
import type { SetAside } from './messages.ts';
import type { SalvageReport } from './salvage.ts';

export function setAsideText({ reason, movedTo, salvaged }: SetAside): string {
  const what = `the database was set aside as ${movedTo}: ${reason}`;
  if (salvaged.failure !== null) {
    const lost = `reading it out failed (${salvaged.failure}): all in it counts as lost here`;
    return `${what}; ${lost}; keep the file for examination`;
  }
  return `${what}; ${savedText(salvaged)}; ${lostText(salvaged)}; ${remedyFor(reason)}`;
}

function savedText(report: SalvageReport): string {
  const { events, telemetry, cursors, keyed, alarms, tookMs } = report;
  const more = alarms === 0 ? '' : ` (and ${alarms} alarms from the alarm file)`;
  const counts =
    `${events} events${more}, ${telemetry} telemetry rows, ${cursors} delivery positions, ` +
    `${keyed} settings`;
  return `${counts} were brought over in ${(tookMs / 1000).toFixed(1)} s`;
}

function lostText(report: SalvageReport): string {
  const { lostEvents, lostTelemetry, heads, damaged, late, cursors } = report;
  const parts: string[] = [];
  if (lostEvents > 0) parts.push(`${lostEvents} events are lost`);
  if (lostTelemetry > 0) parts.push(`${lostTelemetry} telemetry rows are lost`);
  if (heads === null) parts.push('the newest events may be lost: numbers jump');
  if (damaged.includes('cursor') && cursors === 0) {
    parts.push('delivery positions are lost: events go out once more');
  }
  if (damaged.includes('keyed')) parts.push('settings may be lost: boards are asked again');
  if (late) parts.push('its time was over before the end');
  return parts.length === 0 ? 'nothing is lost' : `${parts.join(', ')}: see the gap records`;
}

function remedyFor(reason: string): string {
  return reason.includes('newer release')
    ? 'to go back to that release: stop the appliance, install it, and give the file its name back'
    : 'replace the card, and keep the file for examination';
}

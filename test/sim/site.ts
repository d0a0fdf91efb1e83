/** The configuration of the simulated site: the same file format and the same checks as a real one. */
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config-schema.ts';
import type { DelayedRole } from '../../src/domain/view.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';

export const CHIP = 'simulated';
/** Lines of the simulated chip. */
export const LINES = {
  siren: 1,
  strobe: 2,
  alarmRelay: 3,
  faultRelay: 4,
} as const;
export const BUTTONS = { reset: 11, silence: 12 } as const;
/** Of the manual call point in this room. */
export const CALL_POINTS = { hall: 13, 'store-1': 14, workshop: 15 } as const;
export const BROKER = 'central';
export const ROOT = 'embereye/v1/site-sim';

/** What may differ from one start of the appliance to the next. */
export interface Setup {
  readonly rooms: readonly string[];
  readonly delaySeconds: Readonly<Record<DelayedRole, number>>;
  /** Named areas of the picture of the store room. */
  readonly areas: boolean;
}

export const ROOM_IDS = ['hall', 'store-1', 'workshop'] as const;
export const NO_DELAYS = { siren: 0, strobe: 0, alarmRelay: 0 } as const;
export const USUAL: Setup = { rooms: ROOM_IDS, delaySeconds: NO_DELAYS, areas: true };

/** The room with areas: one with limits of its own, and a mask. */
export const AREA_ROOM = 'store-1';
export const HOOD = { rows: [0, 4], columns: [0, 7], criticalCelsius: 200 } as const;
export const MASK = { rows: [0, 4], columns: [24, 31] } as const;

/** The room with off-hours limits: a machine of 55 C is usual at work, and a fire at night. */
export const HOURS_ROOM = 'hall';
const OFF_HOURS = 'thermalCelsius: 45, criticalCelsius: 50';
/** Short, so that a board's slow pictures show its end before a fire is critical. */
export const HELD_BACK_SECONDS = 12;
/** In even hours people are at work, in odd ones nobody is; UTC. */
export function isWorking(wallMs: number): boolean {
  return Math.floor(wallMs / 3_600_000) % 2 === 0;
}

/** @throws Error when the text is no valid configuration: a mistake in the harness. */
export function siteConfig({ rooms, delaySeconds, areas }: Setup, directory: string): Config {
  const text = `
device: { id: site-sim }
state: { directory: ${directory}/state, runDirectory: ${directory}/run }
limits: { holdBackSeconds: ${HELD_BACK_SECONDS} }
hours: { timezone: UTC, working: [${workingHours()}] }
panel:
  delays:
${Object.entries(delaySeconds)
  .map(([role, seconds]) => `    ${role}: { seconds: ${seconds} }`)
  .join('\n')}
boards: [${rooms.map((id) => boardText(id, areas)).join(', ')}]
zones: [${rooms.map(zoneText).join(', ')}]
gpio:
  backend: simulated
  outputs:
${Object.entries(LINES)
  .map(([role, line]) => `    - { id: ${role.toLowerCase()}, role: ${role}, line: ${line} }`)
  .join('\n')}
  inputs:
${Object.entries(BUTTONS)
  .map(([role, line]) => `    - { id: ${role}-button, role: ${role}, line: ${line} }`)
  .join('\n')}
${Object.entries(CALL_POINTS)
  .filter(([zone]) => rooms.includes(zone))
  .map(
    ([zone, line]) =>
      `    - { id: call-${zone}, role: manualCallPoint, line: ${line}, zone: ${zone} }`,
  )
  .join('\n')}
`;
  const parsed = parseConfig(text, {}, PLAN_CHECKS);
  if (!parsed.ok) throw new Error(`site: ${JSON.stringify(parsed.problems)}`);
  return parsed.config;
}

function workingHours(): string {
  const days = 'days: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]';
  const clock = (hour: number): string => `${String(hour).padStart(2, '0')}:00`;
  return Array.from(
    { length: 12 },
    (_, i) => `{ ${days}, from: "${clock(2 * i)}", to: "${clock(2 * i + 1)}" }`,
  ).join(', ');
}

function boardText(id: string, areas: boolean): string {
  const match = `id: ${id}, match: { serial: SN-${id} }`;
  if (!areas || id !== AREA_ROOM) return `{ ${match} }`;
  const place = ({ rows, columns }: Pick<typeof HOOD | typeof MASK, 'rows' | 'columns'>): string =>
    `rows: [${rows.join()}], columns: [${columns.join()}]`;
  const { criticalCelsius } = HOOD;
  const own =
    `thermalCelsius: ${criticalCelsius - 30}, criticalCelsius: ${criticalCelsius}, ` +
    `aboveBackgroundCelsius: 300`;
  return (
    `{ ${match}, regions: [{ id: hood, ${place(HOOD)}, limits: { ${own} } }, ` +
    `{ id: mask, ${place(MASK)}, ignore: true }] }`
  );
}

function zoneText(id: string): string {
  const sources = [
    'channel: thermal, role: thermal',
    'channel: ADC1, role: smoke',
    'channel: ADC2, role: flame',
    'channel: DIO, role: flameDigital',
  ];
  const offHours = id === HOURS_ROOM ? `offHours: { ${OFF_HOURS} }, ` : '';
  const listed = sources.map((s) => `{ sensor: ${id}, ${s} }`).join(', ');
  return `{ id: ${id}, ${offHours}sensors: [${listed}] }`;
}

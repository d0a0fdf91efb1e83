/** The configuration of the simulated site: the same file format and the same checks as a real one. */
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config-schema.ts';
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
export const BROKER = 'central';
export const ROOT = 'embereye/v1/site-sim';

/** @throws Error when the text is no valid configuration: a mistake in the harness. */
export function siteConfig(rooms: readonly string[], directory: string): Config {
  const text = `
device: { id: site-sim }
state: { directory: ${directory}/state, runDirectory: ${directory}/run }
boards: [${rooms.map((id) => `{ id: ${id}, match: { serial: SN-${id} } }`).join(', ')}]
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
`;
  const parsed = parseConfig(text, {}, PLAN_CHECKS);
  if (!parsed.ok) throw new Error(`site: ${JSON.stringify(parsed.problems)}`);
  return parsed.config;
}

function zoneText(id: string): string {
  const sources = [
    'channel: thermal, role: thermal',
    'channel: ADC1, role: smoke',
    'channel: ADC2, role: flame',
    'channel: DIO, role: flameDigital',
  ];
  return `{ id: ${id}, sensors: [${sources.map((s) => `{ sensor: ${id}, ${s} }`).join(', ')}] }`;
}

import { describe, expect, it } from 'vitest';
import { runCheckConfig } from '../../src/commands/check-config.ts';
import { parseConfig } from '../../src/config.ts';
import { delayNotes } from '../../src/config-notes.ts';
import { panelPlanOf, PLAN_CHECKS } from '../../src/plan.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const site = (panel: string, outputs = 'siren, strobe') => `
boards: [{ id: b1 }]
zones:
  - { id: hall, sensors: [{ sensor: b1, channel: thermal, role: thermal }] }
gpio:
  backend: simulated
  outputs: [${outputs
    .split(', ')
    .map((role, i) => `{ id: ${role.toLowerCase()}, role: ${role}, line: ${i} }`)
    .join(', ')}]
panel: ${panel}
`;

function config(panel: string, outputs?: string) {
  const parsed = parseConfig(site(panel, outputs), {}, PLAN_CHECKS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

describe('the panel in the configuration', () => {
  it('has defaults: nothing waits, nothing lasts for ever', () => {
    const plan = panelPlanOf(config('{}'));
    expect(plan).toMatchObject({
      maxDisableMs: 24 * 3_600_000,
      maxTestMs: 4 * 3_600_000,
      maxMaintenanceMs: 4 * 3_600_000,
      delaysMs: { siren: 0, strobe: 0, alarmRelay: 0 },
      outputs: [
        { id: 'siren', role: 'siren' },
        { id: 'strobe', role: 'strobe' },
      ],
    });
    expect(delayNotes(config('{}'))).toEqual([]);
  });

  it.each([
    ['{ delays: { siren: { seconds: 601 } } }', 'panel.delays.siren.seconds'],
    ['{ delays: { siren: { seconds: -1 } } }', 'panel.delays.siren.seconds'],
    ['{ delays: { buzzer: { seconds: 5 } } }', 'panel.delays'],
    ['{ delays: { faultRelay: { seconds: 5 } } }', 'panel.delays'],
    ['{ maxMaintenanceHours: 25 }', 'panel.maxMaintenanceHours'],
    ['{ control: { viewerGroup: "a b" } }', 'panel.control.viewerGroup'],
  ])('refuses %s, and says where', (panel, path) => {
    const parsed = parseConfig(site(panel), {}, PLAN_CHECKS);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.problems.map((each) => each.path).join()).toContain(path);
  });

  it('a siren that waits beside a strobe that does not is told, without zones', () => {
    const notes = delayNotes(config('{ delays: { siren: { seconds: 60 } } }'));
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('siren (siren) waits 60 s after the first automatic alarm');
  });

  it('a zone of which every alarm output waits is told with its whole time', () => {
    const delays = '{ delays: { siren: { seconds: 60 }, strobe: { seconds: 30 } } }';
    const notes = delayNotes(config(delays));
    expect(notes.at(-1)).toBe(
      'zone hall: no alarm output warns at once: 9.08 s + 30 s = 39.08 s from crossing to the ' +
        'first of them',
    );
    expect(notes).toHaveLength(3);
  });

  it('only what is wired counts', () => {
    const alone = delayNotes(config('{ delays: { siren: { seconds: 60 } } }', 'siren'));
    expect(alone.at(-1)).toContain('9.08 s + 60 s');
    const none = delayNotes(config('{ delays: { strobe: { seconds: 5 } } }', 'siren'));
    expect(none).toEqual([expect.stringContaining('strobe (no line) waits 5 s')]);
  });

  it('check-config shows it, as text and as JSON', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ee-cfg-'));
    const file = join(folder, 'a.yaml');
    writeFileSync(file, site('{ delays: { siren: { seconds: 60 } } }', 'siren'));
    const run = (json: boolean): string => {
      const out: string[] = [];
      const io = { out: (line: string) => void out.push(line), err: () => undefined };
      expect(runCheckConfig(file, { json }, {}, PLAN_CHECKS, io)).toBe(0);
      return out.join('\n');
    };
    expect(run(false)).toContain('note: zone hall: no alarm output warns at once');
    expect((JSON.parse(run(true)) as { notes: string[] }).notes).toHaveLength(2);
    rmSync(folder, { recursive: true });
  });
});

/** `embereye coverage`: what an installer reads before the array is screwed to the wall. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCoverage } from '../../src/commands/coverage.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'embereye-coverage-'));
afterAll(() => rmSync(folder, { recursive: true }));

function report(yaml: string, json = false) {
  const file = join(folder, 'site.yaml');
  writeFileSync(file, yaml);
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
  };
  const code = runCoverage(file, { json }, {}, PLAN_CHECKS, io);
  return { code, out, err };
}

const board = (more: string) => `
device: { id: unit }
boards:
  - id: hall
    ${more}
zones:
  - id: hall
    sensors:
      - { sensor: hall, channel: thermal, role: thermal }
`;

describe('embereye coverage', () => {
  it('tells the smallest fire of each area', () => {
    const { code, out } = report(
      board(`optics: { lens: 55x35, distanceMetres: 4 }
    regions:
      - { id: stove, rows: [0, 7], columns: [0, 7], limits: { thermalCelsius: 150, criticalCelsius: 250 } }
      - { id: window, rows: [0, 7], columns: [24, 31], ignore: true }`),
    );
    expect(out[0]).toMatch(
      /^hall\/thermal, zone hall: 640 pixels, limit 60 C, critical 120 C, 4 m/,
    );
    expect(out[1]).toMatch(
      /^ {2}flame +warns from \d+\.\d cm x \d+\.\d cm \(\d+ cm2\), alarms from/,
    );
    expect(out.join('\n')).toMatch(/hall\/thermal_stove.*limit 150 C, critical 250 C/);
    expect(out.join('\n')).toContain('FLAG overheated: never reaches 250 C here');
    expect(out.join('\n')).toContain('FLAG masked');
    expect(code).toBe(EXIT.failed);
  });

  it('is content with an array that can work', () => {
    const { code, out } = report(board('optics: { lens: 55x35, distanceMetres: 3 }'));
    expect(out.join('\n')).not.toContain('FLAG');
    expect(code).toBe(EXIT.ok);
  });

  it('says what it cannot know', () => {
    const { code, out } = report(board('cadenceSeconds: 4.09'));
    expect(out.join('\n')).toContain('FLAG optics.distanceMetres is not set');
    expect(code).toBe(EXIT.failed);
  });

  it('flags a limit below the usual temperature', () => {
    const { out } = report(board('optics: { distanceMetres: 3, behindCelsius: 58 }'));
    expect(out.join('\n')).toContain('it warns all the time');
  });

  it('gives the same as JSON', () => {
    const { out } = report(board('optics: { lens: 55x35, distanceMetres: 3 }'), true);
    const { areas } = JSON.parse(out[0] ?? '') as { areas: { fires: { source: string }[] }[] };
    expect(areas[0]?.fires.map(({ source }) => source)).toEqual(['flame', 'glowing', 'overheated']);
  });

  it('names the problems of a configuration', () => {
    const { code, err } = report(board('optics: { distanceMetres: -1 }'));
    expect(code).toBe(EXIT.badInput);
    expect(err.join('\n')).toContain('distanceMetres');
  });
});

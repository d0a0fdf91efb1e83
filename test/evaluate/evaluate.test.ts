import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runEvaluate } from '../../src/commands/evaluate.ts';
import { parseLine } from '../../src/commands/evaluate-read.ts';
import { DEFAULT_EVALUATE_OPTIONS } from '../../src/commands/evaluate-recording.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { SceneCamera, seededRandom } from '../vision/scenes.ts';
import type { SceneObject } from '../vision/scenes.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const OPTICS = { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 };

/** Lines of a recording whose hot object has `celsius(i)` in frame i; 22 C means none. */
function recording(
  frames: number,
  celsius: (frame: number) => number,
  seconds: (frame: number) => number | null,
): string[] {
  const seen = new SceneCamera(OPTICS, seededRandom(1));
  return Array.from({ length: frames }, (_, i) => {
    const thing: SceneObject = {
      kind: 'object',
      row: 8,
      column: 9,
      height: 4,
      width: 4,
      celsius: celsius(i),
    };
    const picture = [...seen.picture([thing])].map((value) => Math.round(value * 100) / 100);
    return JSON.stringify({ t: seconds(i), celsius: picture });
  });
}

interface Run {
  readonly exit: number;
  readonly out: Record<string, unknown>[];
  readonly err: string[];
}

async function evaluate(paths: readonly string[]): Promise<Run> {
  const out: Record<string, unknown>[] = [];
  const err: string[] = [];
  const exit = await runEvaluate(
    paths,
    { ...DEFAULT_EVALUATE_OPTIONS, json: true },
    {
      out: (line) => out.push(JSON.parse(line) as Record<string, unknown>),
      err: (line) => err.push(line),
    },
  );
  return { exit, out, err };
}

function save(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  const text = `${lines.join('\n')}\n`;
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

describe('evaluate', () => {
  it('tells nothing about a quiet room', async () => {
    const file = save(
      'quiet.ndjson',
      recording(
        12,
        () => 22,
        (i) => i,
      ),
    );
    const { exit, out, err } = await evaluate([file]);
    expect(exit).toBe(EXIT.ok);
    expect(err).toEqual([]);
    expect(out).toEqual([
      {
        file,
        frames: 12,
        prealarm_s: null,
        alarm_s: null,
        fault_s: null,
        max_c: expect.any(Number) as number,
        reason: null,
        kind: null,
        bad_lines: 0,
      },
    ]);
  });

  it('warns of a steady 90 C and alarms at 150 C, confirmed by a second frame', async () => {
    const warm = save(
      'warm.ndjson.gz',
      recording(
        12,
        (i) => (i < 4 ? 22 : 90),
        (i) => 100 + i,
      ),
    );
    const hot = save(
      'hot.ndjson.gz',
      recording(
        12,
        (i) => (i < 4 ? 22 : 150),
        (i) => i,
      ),
    );
    const { exit, out } = await evaluate([warm, hot]);
    expect(exit).toBe(EXIT.ok);
    expect(out).toMatchObject([
      { prealarm_s: 5, alarm_s: null, fault_s: null },
      { prealarm_s: null, alarm_s: 5, fault_s: null },
    ]);
    expect(out[0]?.['reason']).toMatch(/limit 60/);
    expect(out[1]?.['reason']).toMatch(/limit 120/);
  });

  it('takes 4.09 s for frames without a time, and for times that go back or leap', async () => {
    const missing = save(
      'a.ndjson',
      recording(
        9,
        (i) => (i < 4 ? 22 : 150),
        () => null,
      ),
    );
    const leaping = recording(
      9,
      (i) => (i < 4 ? 22 : 150),
      (i) => (i < 3 ? -3e7 : 1.7e9) + i * 4.09,
    );
    const { out } = await evaluate([missing, save('b.ndjson', leaping)]);
    expect(out.map((line) => line['alarm_s'])).toEqual([20.45, 20.45]);
    expect(out.map((line) => line['fault_s'])).toEqual([null, null]);
  });

  it('finds recordings in folders and passes labels over', async () => {
    save(
      'b.ndjson.gz',
      recording(
        3,
        () => 22,
        (i) => i,
      ),
    );
    save(
      'a.ndjson',
      recording(
        2,
        () => 22,
        (i) => i,
      ),
    );
    save('LABELS.json', ['{}']);
    const { exit, out } = await evaluate([folder]);
    expect(exit).toBe(EXIT.ok);
    expect(out.map((line) => line['frames'])).toEqual([2, 3]);
  });

  it('reports bad lines with their place and evaluates the others', async () => {
    const lines = recording(
      12,
      (i) => (i < 4 ? 22 : 150),
      (i) => i,
    );
    lines.splice(2, 0, 'no json', '{"celsius": [1, 2]}', '[]', '{"eeprom": 1}', '');
    const file = save('spoilt.ndjson', lines);
    const { exit, out, err } = await evaluate([file]);
    expect(exit).toBe(EXIT.badInput);
    expect(out).toMatchObject([{ frames: 12, bad_lines: 4, alarm_s: 5 }]);
    expect(err).toHaveLength(4);
    expect(err[0]).toMatch(`${file}:3: no JSON`);
    expect(err[1]).toMatch(`${file}:4: "celsius" must have 768 entries, got 2 entries`);
  });

  it('goes on after a path that is missing, empty or no gzip', async () => {
    const good = save(
      'z.ndjson',
      recording(
        2,
        () => 22,
        (i) => i,
      ),
    );
    const fake = join(folder, 'fake.ndjson.gz');
    writeFileSync(fake, 'not compressed');
    const empty = save('empty.ndjson', []);
    const { exit, out, err } = await evaluate([join(folder, 'none'), fake, empty, good]);
    expect(exit).toBe(EXIT.unavailable);
    expect(out.map((line) => line['frames'])).toEqual([0, 2]);
    expect(err.some((line) => line.includes('none: cannot be read'))).toBe(true);
    expect(err.some((line) => line.includes('fake.ndjson.gz: cannot be read'))).toBe(true);
    expect(err.some((line) => line.includes('empty.ndjson: holds no frame'))).toBe(true);
  });

  it('reads a gzip that was cut off or damaged as far as it goes, and says so', async () => {
    const lines = recording(
      40,
      (i) => (i < 4 ? 22 : 150),
      (i) => i,
    );
    const whole = gzipSync(`${lines.join('\n')}\n`);
    const cut = join(folder, 'cut.ndjson.gz');
    writeFileSync(cut, whole.subarray(0, whole.length - 2_000));
    const damaged = join(folder, 'damaged.ndjson.gz');
    writeFileSync(damaged, whole.fill(0xff, whole.length - 2_000));
    const { exit, out, err } = await evaluate([cut, damaged]);
    expect(exit).toBe(EXIT.badInput);
    expect(out).toMatchObject([
      { alarm_s: 5, bad_lines: 1 },
      { alarm_s: 5, bad_lines: 1 },
    ]);
    expect(err[0]).toMatch(/cut\.ndjson\.gz:\d+: no JSON/);
    expect(err[1]).toMatch(/damaged\.ndjson\.gz:\d+: /);
  });

  it('takes NaN and Infinity, which Python writes, for pixels without a reading', async () => {
    const lines = recording(
      12,
      (i) => (i < 4 ? 22 : 150),
      (i) => i,
    ).map((line, i) =>
      line.replace(/\[[^,]*,[^,]*,/, i % 2 === 0 ? '[NaN, -Infinity,' : '[1,Infinity,'),
    );
    const { exit, out } = await evaluate([save('python.ndjson', lines)]);
    expect(exit).toBe(EXIT.ok);
    expect(out).toMatchObject([{ frames: 12, bad_lines: 0, alarm_s: 5 }]);
  });

  it("takes the recording's own period for a time that goes back", async () => {
    const lines = recording(
      40,
      (i) => (i < 20 ? 22 : 150),
      (i) => (i < 10 ? 500 : 0) + i / 8,
    );
    const { out } = await evaluate([save('back.ndjson', lines)]);
    expect(out).toMatchObject([{ fault_s: null }]);
    expect(out[0]?.['alarm_s']).toBe(2.625);
  });

  it('calls frames without a usable calibration a fault, not a temperature', async () => {
    const zeros = '0'.repeat(832 * 4);
    const lines = Array.from({ length: 8 }, (_, i) =>
      JSON.stringify({ t: i * 4.09, eeprom: zeros, ram: '1234'.repeat(834) }),
    );
    const { out } = await evaluate([save('zeros.ndjson', lines)]);
    expect(out).toMatchObject([{ frames: 8, max_c: null, alarm_s: null }]);
    expect(out[0]?.['fault_s']).toBeGreaterThan(0);
    expect(out[0]?.['reason']).toMatch(/badCalibration/);
  });

  it('calls an array that repeats its picture frozen', async () => {
    const [first] = recording(
      1,
      () => 22,
      () => null,
    );
    const { out } = await evaluate([
      save(
        'frozen.ndjson',
        Array.from({ length: 12 }, () => first!),
      ),
    ]);
    expect(out[0]?.['reason']).toMatch(/frozen/);
  });

  it('reads any text without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(['bad', 'celsius', 'words']).toContain(parseLine(text, 1).kind);
      }),
    );
  });
});

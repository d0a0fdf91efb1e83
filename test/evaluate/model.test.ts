import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { EvaluateArguments } from '../../src/commands/evaluate-cli.ts';
import { evaluateHere } from '../../src/commands/evaluate-cli.ts';
import { parseLine } from '../../src/commands/evaluate-read.ts';
import type { EvaluateOptions } from '../../src/commands/evaluate-recording.ts';
import {
  DEFAULT_EVALUATE_OPTIONS,
  evaluateRecording,
} from '../../src/commands/evaluate-recording.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { SceneKind } from '../../src/domain/opinion.ts';
import type { StartModelProcess } from '../../src/model-process.ts';
import { alwaysSure, SimulatedModel } from '../../src/model-simulated.ts';
import type { Classifier, ClassifierAnswer } from '../../src/vision/classifier.ts';
import { SceneCamera, seededRandom } from '../vision/scenes.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evaluate-model-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A thing of 90 C from the 5th second on, at rows 8..11, columns 9..12. */
function warmThing(more: object = {}): string[] {
  const optics = { backgroundCelsius: 22, noiseCelsius: 0.2, blurPixels: 0.5 };
  const camera = new SceneCamera(optics, seededRandom(1));
  return Array.from({ length: 20 }, (_, i) => {
    const celsius = i < 5 ? 22 : 90;
    const thing = { kind: 'object', row: 8, column: 9, height: 4, width: 4, celsius } as const;
    const picture = [...camera.picture([thing])].map((value) => Math.round(value * 100) / 100);
    return JSON.stringify({ t: i, celsius: picture, ...more });
  });
}

class Always implements Classifier {
  asked = 0;
  readonly #answer: ClassifierAnswer;

  constructor(answer: ClassifierAnswer) {
    this.#answer = answer;
  }

  static sureOf(kind: SceneKind): Always {
    return new Always({ ok: true, opinion: alwaysSure(kind)() });
  }

  async classify(): Promise<ClassifierAnswer> {
    this.asked += 1;
    // As late as any answer can be in virtual time.
    await new Promise((resolve) => setImmediate(resolve));
    return this.#answer;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function run(lines: readonly string[], options: Partial<EvaluateOptions>) {
  async function* stream() {
    for (const [i, text] of lines.entries()) yield parseLine(text, i + 1);
  }
  const bad: string[] = [];
  const result = evaluateRecording(
    stream(),
    { ...DEFAULT_EVALUATE_OPTIONS, ...options },
    (_, why) => bad.push(why),
  );
  return result.then((evaluation) => ({ ...evaluation, bad }));
}

describe('evaluate with a model', () => {
  it('a warm thing is a pre-alarm by the rules, an alarm where the model sees a fire', async () => {
    const lines = warmThing();
    const rules = await run(lines, {});
    expect(rules).toMatchObject({ alarmSeconds: null, kind: null, unanswered: 0 });
    expect(rules.prealarmSeconds).not.toBeNull();
    const fire = Always.sureOf('fire');
    const model = await run(lines, { classifier: fire });
    // Confirmed by the second picture; by then the model has been asked once, so by the third.
    expect(model.alarmSeconds).toBe(7);
    expect(model).toMatchObject({ kind: 'fire', unanswered: 0 });
    expect(fire.asked).toBeGreaterThan(5);
    expect(await run(lines, { classifier: Always.sureOf('fire') })).toEqual(model);
  });

  it('what the model does not answer is counted, and the rules decide alone', async () => {
    const lines = warmThing();
    const { kind, unanswered, bad, ...rules } = await run(lines, {});
    const silent = new Always({ ok: false, kind: 'gone', message: 'gone' });
    expect(await run(lines, { classifier: silent })).toEqual({
      ...{ ...rules, kind, bad },
      unanswered: silent.asked,
    });
    expect(unanswered).toBe(0);
  });
});

describe('lines of a black box', () => {
  it('that are no frames are passed over, as are fields that nobody knows', async () => {
    const lines = warmThing({ sensor: 'kitchen', kind: 'frame', atMs: 5, decision: { level: 1 } });
    const event = '{"kind":"event","type":"alarm","t":"2026-01-01T00:00:00Z"}';
    const calibration = '{"kind":"calibration","sensor":"kitchen","eeprom":"00"}';
    const rows = lines.flatMap((line) => [line, event, calibration]);
    expect(await run(rows, {})).toEqual(await run(warmThing(), {}));
  });

  it('a line that is neither is still told', async () => {
    const { bad } = await run(['{"t":1}', '{"kind":7}'], {});
    expect(bad).toHaveLength(2);
  });

  it('frames of two arrays are not mixed', async () => {
    const cold = warmThing({ sensor: 'hall' }).slice(0, 5);
    const hot = warmThing({ sensor: 'kitchen' });
    const mixed = [...cold.slice(0, 2), ...hot, ...cold.slice(2)];
    const first = await run(mixed, {});
    expect(first).toMatchObject({ frames: 5, badLines: 20, prealarmSeconds: null });
    expect(first.bad[0]).toMatch(/a frame of "kitchen" among those of "hall": .*--sensor/);
    const { frames, prealarmSeconds, badLines } = await run(mixed, { sensor: 'kitchen' });
    expect({ frames, badLines }).toEqual({ frames: 20, badLines: 0 });
    expect(prealarmSeconds).not.toBeNull();
  });
});

const CONFIG = `
boards:
  - id: kitchen
    match: { serial: K1 }
    mount: { rotate: 180 }
    regions:
      - { id: stove, rows: [10, 16], columns: [18, 23], ignore: true }
      - { id: bench, rows: [0, 23], columns: [0, 5], limits: { thermalCelsius: 45 } }
  - { id: hall, match: { serial: H1 } }
zones:
  - { id: kitchen, sensors: [{ sensor: kitchen, channel: thermal, role: thermal }] }
  - { id: hall, sensors: [{ sensor: hall, channel: ADC1, role: smoke }] }
model: { enabled: false }
`;

describe('the command', () => {
  const simulated: StartModelProcess = (listener) => {
    const judge = alwaysSure('fire');
    return new SimulatedModel({ answerMs: 0, lateMs: 0, judge }).startOn(systemClock())(listener);
  };

  async function command(options: Partial<EvaluateArguments>, startModel = simulated) {
    const recording = join(folder, 'warm.ndjson');
    writeFileSync(recording, warmThing().join('\n'));
    const config = join(folder, 'site.yaml');
    writeFileSync(config, CONFIG);
    const out: string[] = [];
    const err: string[] = [];
    const given = options.config === undefined ? options : { ...options, config };
    const exit = await evaluateHere(
      [recording],
      { period: 4.09, model: true, json: true, ...given },
      {
        ...{ clock: systemClock(), random: systemRandom(), environment: {}, programs: folder },
        startModel,
        io: { out: (line) => out.push(line), err: (line) => err.push(line) },
      },
    );
    return { exit, err, line: JSON.parse(out[0] ?? '{}') as Record<string, unknown> };
  }

  it('asks the model that comes with the release, or the named one, or none', async () => {
    expect((await command({})).line).toMatchObject({
      kind: 'fire',
      alarm_s: expect.any(Number) as number,
    });
    expect((await command({ model: 'my.onnx' })).line).toMatchObject({ kind: 'fire' });
    expect((await command({ model: false })).line).toMatchObject({ kind: null, alarm_s: null });
  });

  const refusing: StartModelProcess = (listener) => {
    const judge = alwaysSure('fire');
    const model = new SimulatedModel({ answerMs: 0, lateMs: 0, judge });
    model.trouble = 'refuses';
    return model.startOn(systemClock())(listener);
  };

  it('goes on without a model of its own accord and says so; a named one must be usable', async () => {
    const own = await command({}, refusing);
    expect(own).toMatchObject({ exit: EXIT.ok, line: { kind: null } });
    expect(own.err.join()).toMatch(/region-classifier.onnx: is not there.*the rules decide alone/);
    const named = await command({ model: 'my.onnx' }, refusing);
    expect(named).toMatchObject({ exit: EXIT.badInput, line: {} });
    expect(named.err.join()).toMatch(/my.onnx: is not there/);
  });

  it('judges a sensor of a configuration: its mounting, mask, areas and limits', async () => {
    // Turned by 180 degrees the thing lies at rows 12..15, columns 19..22: within the mask.
    const masked = await command({ config: 'site', sensor: 'kitchen' });
    expect(masked).toMatchObject({ exit: EXIT.ok, err: [] });
    expect(masked.line).toMatchObject({ prealarm_s: null, alarm_s: null, kind: null });
    const unmasked = await command({ config: 'site' });
    expect(unmasked.line['prealarm_s']).not.toBeNull();
  });

  it.each(['hall', 'cellar'])('names the sensors there are in place of "%s"', async (sensor) => {
    const { exit, err } = await command({ config: 'site', sensor });
    expect(exit).toBe(EXIT.badInput);
    expect(err).toEqual([
      `no zone listens to a thermal array of a sensor "${sensor}": there are kitchen`,
    ]);
  });
});

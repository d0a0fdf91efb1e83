/**
 * `npm run proof:detection -- [--scenes N] [--seed N] [--class NAME] [--clean] [--policy JSON]
 * [--misses] [--json FILE] [--model FILE|off]`: the project's own test scenes through detector and panel, held against
 * what they must do and against fixed limits. Every class of damage that real arrays show is put
 * into one frame in a hundred, unless `--clean`. Ends with 1 when a target is missed.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { RecordingPolicy } from '../../src/commands/evaluate-recording.ts';
import { DEFAULT_EVALUATE_OPTIONS } from '../../src/commands/evaluate-recording.ts';
import { ModelClassifier } from '../../src/model-classifier.ts';
import { wantedModel } from '../../src/model-parts.ts';
import { forkModelProcess } from '../../src/model-process.ts';
import { judge, TARGETS } from './judge.ts';
import type { SceneClass } from './scenes.ts';
import { CLASSES, testScene } from './scenes.ts';
import type { TrialResult } from './trial.ts';
import { runTrial } from './trial.ts';

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '72' },
    seed: { type: 'string', default: '1' },
    class: { type: 'string' },
    clean: { type: 'boolean', default: false },
    json: { type: 'string' },
    misses: { type: 'boolean', default: false },
    policy: { type: 'string' },
    model: { type: 'string' },
  },
});

const perClass = Number(values.scenes);
const policy = values.policy === undefined ? {} : (JSON.parse(values.policy) as RecordingPolicy);
const classifier = values.model === 'off' ? null : await openClassifier(values.model ?? null);
const options = { ...DEFAULT_EVALUATE_OPTIONS, policy, classifier };
const kinds = CLASSES.filter((kind) => values.class === undefined || kind === values.class);
const results: TrialResult[] = [];
for (const kind of kinds) {
  for (let index = 0; index < perClass; index++) {
    const scene = testScene(Number(values.seed), kind, index);
    results.push(await runTrial(scene, options, !values.clean));
  }
  process.stderr.write(`... ${kind}: ${perClass} scenes\n`);
}

await classifier?.close();

let failed = 0;
for (const target of TARGETS) {
  const concerned = results.filter((result) => target.concerns(result));
  if (concerned.length === 0) continue;
  const met = concerned.filter((result) => target.met(result));
  const share = met.length / concerned.length;
  const passed = share >= target.share;
  if (!passed) failed += 1;
  const percent = (100 * share).toFixed(1);
  console.log(
    `${passed ? 'ok  ' : 'MISS'} ${target.name}: ${met.length} of ${concerned.length} (${percent} %), ` +
      `needed ${(100 * target.share).toFixed(0)} %`,
  );
  if (!values.misses) continue;
  for (const result of concerned.filter((one) => !target.met(one))) console.log(missText(result));
}
for (const line of judge(results)) console.log(line);
if (values.json !== undefined) {
  const lines = results.map(({ scene, truth, outcome, fixedSeconds }) => ({
    scene: scene.name,
    what: scene.what,
    cadenceSeconds: scene.cadenceSeconds,
    ...truth,
    ...outcome,
    fixedSeconds,
  }));
  writeFileSync(values.json, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
process.exitCode = failed === 0 ? 0 : 1;

function missText({ scene, truth, outcome }: TrialResult): string {
  const at = (seconds: number | null): string => (seconds === null ? '-' : seconds.toFixed(1));
  const kind: SceneClass = scene.kind;
  return (
    `       ${kind} ${scene.name} (${scene.what}, every ${scene.cadenceSeconds} s): 60 C at ` +
    `${at(truth.limitSeconds)}, 120 C at ${at(truth.criticalSeconds)}, peak ` +
    `${truth.peakCelsius.toFixed(0)}; pre-alarm ${at(outcome.prealarmSeconds)}, alarm ` +
    `${at(outcome.alarmSeconds)} ${outcome.alarmSeconds === null ? '' : (outcome.reason ?? '')}`
  );
}

/** The shipped model, or a named one; the proof is worth nothing without the one that was asked for. */
async function openClassifier(file: string | null): Promise<ModelClassifier> {
  const programs = dirname(fileURLToPath(import.meta.url));
  const wanted = wantedModel({ file, sha256: null, threads: 1 }, programs);
  const start = forkModelProcess(join(programs, 'inference.js'));
  const opened = new ModelClassifier(
    { wanted, deadlineMs: 30_000 },
    { clock: systemClock(), random: systemRandom(), start, onFault: () => undefined },
  );
  const verdict = await opened.ready();
  if (verdict.ok) return opened;
  await opened.close();
  throw new Error(`the model cannot be used: ${verdict.detail}`);
}

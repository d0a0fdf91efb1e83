// `npm run train`: scenes -> the real detector's features -> weights, description and model card.
// docs/training.md says what each step is and what it needs.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildEntry } from './build.mjs';
import { root, setup } from './setup.mjs';

/** Seeds of what is learnt from, of what temperature and costs are set on, and of what judges. */
const SETS = {
  learn: { seed: 101, count: 6000, shard: 250 },
  calibrate: { seed: 202, count: 1500, shard: 250 },
  judge: { seed: 303, count: 2000, shard: 250 },
};

const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '30' },
    out: { type: 'string', default: root },
    work: { type: 'string' },
    data: { type: 'string', default: join(root, '..', 'shared', 'data', 'thermal') },
  },
});

/** Debian's Python has the packages; a Python that someone installed beside it has not. */
function findPython() {
  for (const command of ['/usr/bin/python3', 'python3']) {
    const found = spawnSync(command, ['-c', 'import numpy, onnx, torch'], { stdio: 'ignore' });
    if (found.status === 0) return command;
  }
  console.error(
    'train: no Python with numpy, onnx and torch; install them first: ' +
      'sudo apt-get install -y python3-numpy python3-onnx python3-torch',
  );
  process.exit(2);
}

const python = findPython();
const programs = join(root, 'training');
// Sums must not depend on how many cores share them.
const env = {
  ...process.env,
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  PYTHONDONTWRITEBYTECODE: '1',
};

function run(command, args, options = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { stdio: 'inherit', env, cwd: programs, ...options });
    child.on('error', failed);
    child.on('exit', (code, signal) =>
      code === 0 ? done() : failed(new Error(`${command} ${args[0]} ended with ${signal ?? code}`)),
    );
  });
}

/** Recordings flow from Python to the detector through a pipe: nothing large is written. */
async function rowsFrom(extract, program, args, name) {
  const rows = join(work, `${name}.f32`);
  const source = spawn(python, [join(programs, program), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const ended = new Promise((done, failed) => {
    source.on('error', failed);
    source.on('exit', (code) =>
      code === 0 ? done() : failed(new Error(`${program} ended with ${code}`)),
    );
  });
  const reader = run(process.execPath, [extract, rows, join(work, `${name}.json`)], {
    stdio: [source.stdout, 'inherit', 'inherit'],
  });
  await Promise.all([ended, reader]);
  return rows;
}

/** Makes the rows of all sets, as many shards at once as there are cores. */
async function makeRows(extract) {
  const data = existsSync(values.data) ? ['--data', resolve(values.data)] : [];
  const jobs = [];
  for (const [set, { seed, count, shard }] of Object.entries(SETS)) {
    const total = Math.max(4, Math.round(count * Number(values.scale)));
    for (let first = 0; first < total; first += shard) {
      const args = ['--seed', seed, '--first', first, '--count', Math.min(shard, total - first)];
      jobs.push({ set, name: `${set}-${first}`, args: [...args.map(String), ...data] });
    }
  }
  const files = { learn: [], calibrate: [], judge: [], real: [] };
  const waiting = jobs.map((job, i) => ({ ...job, i }));
  const results = new Array(jobs.length);
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      results[job.i] = await rowsFrom(extract, 'generate.py', job.args, job.name);
      console.log(`train: ${job.name} done, ${waiting.length} to go`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  jobs.forEach(({ set }, i) => files[set].push(results[i]));
  if (data.length > 0) files.real.push(await rowsFrom(extract, 'real.py', data, 'real'));
  else console.log(`train: no recordings at ${values.data}: judged on generated scenes alone`);
  return files;
}

setup({ tests: false });
const work =
  values.work === undefined ? mkdtempSync(join(tmpdir(), 'embereye-train-')) : resolve(values.work);
mkdirSync(work, { recursive: true });
const model = join(resolve(values.out), 'models', 'region-classifier.onnx');
const card = join(resolve(values.out), 'docs', 'model-card.md');
mkdirSync(join(resolve(values.out), 'docs'), { recursive: true });

const extract = await buildEntry('training/extract.ts');
const files = await makeRows(extract);
const program = (name) => join(programs, name);
await run(python, [
  program('train.py'),
  ...['--learn', ...files.learn, '--calibrate', ...files.calibrate],
  ...['--model', model, '--epochs', values.epochs],
]);
await run(python, [
  program('evaluate.py'),
  ...['--model', model, '--card', card, '--sets', JSON.stringify(SETS), '--scale', values.scale],
  ...['--judge', ...files.judge, ...(files.real.length > 0 ? ['--real', ...files.real] : [])],
]);
// The description is a file of the repository like any other.
const about = model.replace(/\.onnx$/, '.json');
await run(process.execPath, [
  join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs'),
  ...['--config', join(root, '.prettierrc.json'), '--log-level', 'warn', '--write', about],
]);
if (values.work === undefined) rmSync(work, { recursive: true });
console.log(`train: wrote ${model} and ${card}`);

// Types, lint, format and the repository's own rules, side by side; every failure is shown.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

setup({ tests: false });
const bin = (name) => join(root, 'node_modules', '.bin', name);
const steps = [
  ['types', bin('tsc'), ['--noEmit', '-p', '.']],
  ['lint', bin('eslint'), ['--cache', '--cache-location', 'node_modules/.cache/eslint', '.']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['rules', bin('vitest'), ['run', '--config', 'vitest.tidy.config.ts']],
];

function run([name, command, args]) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    child.stderr.on('data', (data) => (text += data));
    child.on('exit', (code) => {
      console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name}`);
      if (code !== 0) console.log(text);
      resolve(code === 0);
    });
  });
}

const results = await Promise.all(steps.map(run));
process.exitCode = results.every(Boolean) ? 0 : 1;

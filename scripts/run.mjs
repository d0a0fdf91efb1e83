// `npm run ...` in one place: sets up, builds, runs. Everything after the task goes to the task.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

const [task, ...args] = process.argv.slice(2);

function run(command, commandArgs) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, { cwd: root, stdio: 'inherit' });
    // Ctrl-C reaches the child through the terminal; this process waits for its clean end.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/** Builds a TypeScript entry outside src (bench, simulation) and runs it. */
async function runEntry(entry, nodeArgs, entryArgs) {
  const { build, buildEntry } = await import('./build.mjs');
  await build();
  const file = await buildEntry(entry);
  return run(process.execPath, [...nodeArgs, file, ...entryArgs]);
}

/** One plain line that a person and a machine can read, after vitest's own report. */
async function test() {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-test-'));
  const report = join(folder, 'report.json');
  const named = join(root, 'scripts', 'again-reporter.mjs');
  const reporters = [
    ...['--reporter=default', `--reporter=${named}`],
    ...['--reporter=json', `--outputFile.json=${report}`],
  ];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const code = await run(process.execPath, [vitest, 'run', ...reporters, ...args]);
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  rmSync(folder, { recursive: true });
  const skipped = testResults.flatMap((file) =>
    file.assertionResults.filter((one) => one.status === 'skipped' || one.status === 'pending'),
  );
  for (const one of skipped) console.log(`skipped: ${one.fullName}`);
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
  return code;
}

const tasks = {
  async demo() {
    setup({ tests: false });
    const { build } = await import('./build.mjs');
    await build();
    return run(process.execPath, [join(root, 'dist/embereye.js'), 'demo', ...args]);
  },
  async test() {
    setup({ tests: true });
    return test();
  },
  async sim() {
    setup({ tests: false });
    return runEntry('test/sim/main.ts', [], args);
  },
  async bench() {
    setup({ tests: false });
    return runEntry('bench/main.ts', ['--expose-gc'], args);
  },
  async 'proof:kill'() {
    setup({ tests: true });
    return runEntry('bench/kill/main.ts', [], args);
  },
  async 'test:fleet'() {
    setup({ tests: true, parts: ['nats-server', 'postgresql', 'nftables'] });
    const { buildEntry } = await import('./build.mjs');
    await buildEntry('central/main.ts');
    return runEntry('test/fleet/main.ts', [], args);
  },
  async 'proof:chaos'() {
    setup({ tests: true, parts: ['libfaketime', 'nftables', 'iproute2', 'e2fsprogs'] });
    return runEntry('bench/chaos/main.ts', [], args);
  },
  async 'proof:power'() {
    setup({ tests: true, parts: ['qemu-system-arm'] });
    return runEntry('bench/power/main.ts', [], args);
  },
  async 'proof:outage'() {
    setup({ tests: false });
    return runEntry('bench/outage/main.ts', [], args);
  },
  async 'test:arm64'() {
    setup({ tests: true });
    const { buildEntry } = await import('./build.mjs');
    await buildEntry('test/arm64/checks.ts');
    return runEntry('test/arm64/main.ts', [], args);
  },
  async 'test:kernel'() {
    setup({ tests: false });
    return runEntry('test/kernel/main.ts', [], args);
  },
  async 'proof:detection'() {
    setup({ tests: false });
    return runEntry('bench/detection/main.ts', [], args);
  },
  async 'proof:walk'() {
    setup({ tests: false });
    return runEntry('bench/walk/main.ts', [], args);
  },
  async 'test:mutation'() {
    setup({ tests: true });
    const stryker = join(root, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js');
    return run(process.execPath, [stryker, 'run', 'stryker.config.mjs', ...args]);
  },
  async release() {
    setup({ tests: false });
    return runEntry('scripts/release/main.ts', [], args);
  },
  async image() {
    setup({ tests: false });
    return runEntry('scripts/image/main.ts', [], args);
  },
  async provision() {
    setup({ tests: false });
    return runEntry('scripts/provision/main.ts', [], args);
  },
  async 'test:deb'() {
    setup({ tests: true });
    return runEntry('test/deb/main.ts', [], args);
  },
  async 'test:image'() {
    setup({ tests: true });
    return runEntry('test/image/main.ts', [], args);
  },
  async 'test:container'() {
    setup({ tests: true });
    return runEntry('test/container/main.ts', [], args);
  },
  async generate() {
    setup({ tests: false });
    return runEntry('scripts/generate.ts', [], args);
  },
};

const chosen = tasks[task];
if (chosen === undefined) {
  console.error(`run: no task "${task}"; one of: ${Object.keys(tasks).join(', ')}`);
  process.exit(2);
}
process.exitCode = await chosen();

/**
 * `npm run test:kernel [-- --all --machine virt --suite kernel --renew --console]`: the GPIO
 * contract on real kernels in emulated machines. Exit code 1 when something fails, 4 when this
 * machine lacks a part that cannot be installed. See docs/testing-on-a-kernel.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ARM64_NODES, CROSS_PARTS } from '../arm64/cross-build.ts';
import { CannotRunHere, ensureSystemParts } from '../arm64/host.ts';
import type { DebianRelease } from './debian.ts';
import { DEBIAN_PARTS, debianKernel } from './debian.ts';
import type { Suite } from './guest-image.ts';
import { buildSuites, writeImage } from './guest-image.ts';
import type { MachineKind } from './kinds.ts';
import { MACHINE_KINDS } from './kinds.ts';
import type { Outcome } from './session.ts';
import { runSession } from './session.ts';

const { values } = parseArgs({
  options: {
    machine: { type: 'string' },
    all: { type: 'boolean', default: false },
    suite: { type: 'string' },
    renew: { type: 'boolean', default: false },
    console: { type: 'boolean', default: false },
  },
});

/** Kernels of older releases run with `--all`. */
const NEWEST: DebianRelease = 'trixie';

function chosen(kind: MachineKind): boolean {
  return (
    (values.machine === undefined || kind.board === values.machine) &&
    (values.all || kind.release === NEWEST)
  );
}

function isWanted({ script }: Suite): boolean {
  return values.suite === undefined || script === values.suite;
}

async function runAll(folder: string): Promise<readonly Outcome[]> {
  const [node] = ARM64_NODES;
  if (node === undefined) throw new Error('no arm64 Node is known');
  const app = join(folder, 'app');
  await buildSuites(app, node);
  const outcomes: Outcome[] = [];
  for (const whole of MACHINE_KINDS.filter(chosen)) {
    const kind = { ...whole, suites: whole.suites.filter(isWanted) };
    const kernel = await debianKernel(kind.release, values.renew);
    const { board, console: terminal, suites } = kind;
    const image = join(folder, 'initramfs');
    await writeImage(image, app, node, { kernel, board, console: terminal, suites });
    outcomes.push(await runSession(kind, kernel, { folder, image, showAll: values.console }));
  }
  return outcomes;
}

const startMs = performance.now();
const folder = mkdtempSync(join(tmpdir(), 'embereye-kernel-'));
try {
  ensureSystemParts([
    { file: 'qemu-system-aarch64', apt: 'qemu-system-arm' },
    ...CROSS_PARTS,
    ...DEBIAN_PARTS,
  ]);
  const outcomes = await runAll(folder);
  const sum = (of: (outcome: Outcome) => number): number =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  console.log('\nmachine   kernel                      boot    total   passed  failed  skipped');
  for (const { kind, version, bootMs, totalMs, passed, failed, skipped } of outcomes) {
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(7);
    const counts = [passed, failed, skipped].map((count) => String(count).padStart(7)).join(' ');
    const machine = `${kind.board.padEnd(9)} ${version.padEnd(24)}`;
    console.log(`${machine} ${seconds(bootMs)} ${seconds(totalMs)} ${counts}`);
  }
  console.log(`\nin ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  const [passed, failed] = [sum((one) => one.passed), sum((one) => one.failed)];
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  console.error(`test:kernel: ${error.message}`);
  process.exitCode = 4;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

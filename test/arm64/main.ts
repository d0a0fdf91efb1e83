/**
 * `npm run test:arm64 [-- --node 20]`: the bundle and every native part under arm64 Node 20 and
 * 22 on an emulated Cortex-A72. Exit code 1 when something fails, 4 when this machine lacks a part that
 * cannot be installed. See docs/testing-on-a-kernel.md.
 */
import { createHash } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { eventually } from '../e2e/processes.ts';
import { checkAppliance } from './appliance-check.ts';
import { productPackages, writePackages } from './app-tree.ts';
import { ARM64_NODES, CROSS_PARTS } from './cross-build.ts';
import { EmulatedNode } from './emulator.ts';
import { cachedFolder, CannotRunHere, ensureSystemParts, ROOT } from './host.ts';
import type { KnownPackage } from './packages.ts';
import { unpackedPackage } from './packages.ts';

interface Check {
  readonly name: string;
  readonly run: () => Promise<string>;
}

/** The product as installed for this Node: packages from the cache, the bundle as just built. */
async function installedFor(node: KnownPackage): Promise<string> {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  const key = createHash('sha256').update(lock).update(node.integrity).digest('hex');
  const folder = await cachedFolder(join('installed', `node-${node.version}`), key, (target) =>
    writePackages(target, productPackages(), node),
  );
  const dist = join(folder, 'dist');
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist);
  for (const name of readdirSync(join(ROOT, 'dist'))) {
    if (name.endsWith('.js')) cpSync(join(ROOT, 'dist', name), join(dist, name));
  }
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  return folder;
}

/** A pseudo-terminal that echoes. */
async function startEcho(folder: string): Promise<{ path: string; process: ChildProcess }> {
  const path = join(folder, 'ttyEcho');
  const process = spawn('socat', [`PTY,link=${path},raw,echo=0`, 'EXEC:cat'], { stdio: 'ignore' });
  await eventually('socat makes a pty', () => existsSync(path));
  return { path, process };
}

function checksOf(node: EmulatedNode, folder: string, ptyPath: string): readonly Check[] {
  const part = (name: string, ...args: string[]): Check => ({
    name,
    run: () => node.run([join(folder, 'dist', 'test-arm64-checks.js'), name, ...args]),
  });
  const program = join(folder, 'dist', 'embereye.js');
  const config = join(ROOT, 'config', 'appliance.yaml');
  const firstLine = async (args: readonly string[]): Promise<string> =>
    (await node.run([program, ...args])).split('\n')[0] ?? '';
  return [
    part('every package', join(folder, 'package.json')),
    part('better-sqlite3'),
    part('koffi and epoll'),
    part('bus-thread', join(folder, 'dist', 'bus-thread.js')),
    part('onoff'),
    part('serialport', ptyPath),
    part('onnxruntime-node'),
    part('region model', join(ROOT, 'models', 'region-classifier.onnx')),
    { name: 'embereye --version', run: () => firstLine(['--version']) },
    { name: 'embereye check-config', run: () => firstLine(['check-config', config]) },
    { name: 'embereye run', run: () => checkAppliance(node, program) },
  ];
}

async function runChecks(
  node: KnownPackage,
  only: string | undefined,
): Promise<{ passed: number; failed: number }> {
  const folder = await installedFor(node);
  const emulated = new EmulatedNode(node.version, join(await unpackedPackage(node), 'bin', 'node'));
  const scratch = mkdtempSync(join(tmpdir(), 'embereye-arm64-'));
  const echo = await startEcho(scratch);
  const counts = { passed: 0, failed: 0 };
  console.log(`\nNode ${node.version}, arm64`);
  for (const { name, run } of checksOf(emulated, folder, echo.path)) {
    if (only !== undefined && !name.includes(only)) continue;
    const startMs = performance.now();
    const line = (word: string, said: string): void => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5);
      console.log(`${word} ${name.padEnd(22)} ${seconds} s  ${said}`);
    };
    try {
      const said = await run();
      counts.passed += 1;
      line('ok  ', said);
    } catch (error) {
      counts.failed += 1;
      line('FAIL', error instanceof Error ? error.message : String(error));
    }
  }
  echo.process.kill();
  rmSync(scratch, { recursive: true, force: true });
  return counts;
}

const { values } = parseArgs({
  options: { node: { type: 'string' }, only: { type: 'string' } },
});
try {
  const startMs = performance.now();
  ensureSystemParts([
    { file: 'qemu-aarch64-static', apt: 'qemu-user-static' },
    { file: 'socat', apt: 'socat' },
    ...CROSS_PARTS,
  ]);
  const total = { passed: 0, failed: 0 };
  for (const node of ARM64_NODES) {
    if (values.node !== undefined && !node.version.startsWith(`${values.node}.`)) continue;
    const { passed, failed } = await runChecks(node, values.only);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`\nin ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotRunHere)) throw error;
  console.error(`test:arm64: ${error.message}`);
  process.exitCode = 4;
}

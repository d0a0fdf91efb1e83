/** Runs what is in a finished tree, with the Node that is in it: natively, or emulated. */
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAppliance } from '../../test/arm64/appliance-check.ts';
import type { StartsNode } from '../../test/arm64/emulator.ts';
import { EmulatedNode, runToEnd } from '../../test/arm64/emulator.ts';
import { Child, eventually } from '../../test/e2e/processes.ts';
import type { Arch } from './arch.ts';
import { bundleChecks } from './bundle.ts';

/** How long a step took, and what it said. */
export interface Checked {
  readonly name: string;
  readonly seconds: number;
  /** What was seen; why not, where it failed. */
  readonly said: string;
  readonly ok: boolean;
}

/**
 * A way to run a tree's Node on this machine; null where there is none. arm64 is emulated as the
 * processor of a Raspberry Pi 4.
 */
export function runnerOf(tree: string, arch: Arch): StartsNode | null {
  const program = join(tree, 'bin', 'node');
  if (arch === process.arch) return { start: (args) => new Child(program, args) };
  return arch === 'arm64' ? new EmulatedNode('', program) : null;
}

/** `process.versions` of the Node in a tree. @throws Error when it does not run */
export async function partsOfNode(node: StartsNode): Promise<Record<string, string>> {
  const text = await runToEnd(node, ['-p', 'JSON.stringify(process.versions)']);
  return JSON.parse(text) as Record<string, string>;
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<string>;
}

/**
 * Starts the programs and uses every native part of a tree.
 * @param whole also runs the appliance until a simulated board's smoke sounds its siren.
 */
export async function checkTree(
  tree: string,
  arch: Arch,
  node: StartsNode,
  whole: boolean,
  say: (checked: Checked) => void,
): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'embereye-release-'));
  const echo = await startEcho(scratch);
  try {
    // Beside the release's packages, yet not in the release.
    symlinkSync(join(tree, 'node_modules'), join(scratch, 'node_modules'));
    const checks = await bundleChecks(scratch);
    let allGood = true;
    for (const { name, run } of stepsOf(tree, arch, node, checks, echo.path, whole)) {
      const startMs = performance.now();
      const [ok, said] = await run().then(
        (text) => [true, text] as const,
        (error: unknown) =>
          [false, error instanceof Error ? error.message : String(error)] as const,
      );
      say({ name, ok, said, seconds: (performance.now() - startMs) / 1000 });
      allGood &&= ok;
    }
    return allGood;
  } finally {
    echo.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function stepsOf(
  tree: string,
  arch: Arch,
  node: StartsNode,
  checks: string,
  echoPath: string,
  whole: boolean,
): readonly Step[] {
  const program = join(tree, 'dist', 'embereye.js');
  const part = (name: string, argument = ''): Step => ({
    name,
    run: () => runToEnd(node, [checks, name, argument, arch]),
  });
  const command = (...args: string[]): Step => ({
    name: `embereye ${args[0] ?? ''}`,
    run: async () => (await runToEnd(node, [program, ...args])).split('\n')[0] ?? '',
  });
  return [
    command('--version'),
    command('check-config', join(tree, 'config', 'appliance.yaml')),
    part('better-sqlite3'),
    part('koffi and epoll'),
    part('bus-thread', join(tree, 'dist', 'bus-thread.js')),
    part('onoff'),
    part('serialport', echoPath),
    part('onnxruntime-node'),
    part('region model', join(tree, 'models', 'region-classifier.onnx')),
    ...(whole ? [{ name: 'embereye run', run: () => checkAppliance(node, program) }] : []),
  ];
}

/** A pseudo-terminal that echoes. */
async function startEcho(folder: string): Promise<{ path: string; stop: () => void }> {
  const path = join(folder, 'ttyEcho');
  const child = spawn('socat', [`PTY,link=${path},raw,echo=0`, 'EXEC:cat'], { stdio: 'ignore' });
  await eventually('socat makes a pty', () => existsSync(path));
  return { path, stop: () => void child.kill() };
}

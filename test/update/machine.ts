/**
 * A whole machine in a folder: the package, slots, a configuration, and a small supervisor in
 * systemd's place, which starts the real launcher again whenever what it started has ended.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { lookAtUnit } from '../../src/update/look.ts';
import { run } from '../../src/update/real-world.ts';
import { freeBytes } from '../../src/update/unpack.ts';
import type { UpdateWorld } from '../../src/update/world.ts';
import { pathsOf } from '../../src/update/world.ts';
import { PROJECT_ROOT, Scratch } from '../e2e/processes.ts';
import { ARCH, packTree, REAL_NODE, SigningKey, writeManifest, writeTree } from './releases.ts';

const RESPAWN_MS = 200;

/** What a release does wrong when it is run, in front of its bundle; it passes every check before. */
export type Flaw = 'none' | 'throws' | 'hangs' | { readonly losesPort: number };

export class Machine {
  readonly scratch = new Scratch();
  readonly root: string;
  readonly out: string;
  readonly runDirectory = join(this.scratch.memory, 'run');
  readonly key = new SigningKey();
  readonly said: string[] = [];
  #child: ChildProcess | null = null;
  #server: Server | null = null;
  #supervised = false;
  #respawn: NodeJS.Timeout | undefined;
  starts = 0;

  /** Below node_modules, where a bundle without its packages finds them. */
  constructor(version: string) {
    const parent = join(PROJECT_ROOT, 'node_modules/.cache');
    mkdirSync(parent, { recursive: true });
    this.root = mkdtempSync(join(parent, 'update-'));
    this.out = join(this.root, 'outside');
    const { factory, releases } = pathsOf(this.root);
    for (const folder of [this.out, factory, releases, join(this.root, 'etc/embereye')]) {
      mkdirSync(folder, { recursive: true });
    }
    this.#write(factory, version, 'none');
    for (const name of ['embereye', 'embereye-launch']) {
      const script = join(factory, 'bin', name);
      copyFileSync(join(PROJECT_ROOT, 'system/bin', name), script);
      chmodSync(script, 0o755);
    }
  }

  /** A signed tarball of the bundle that is built, with another version and perhaps a flaw. */
  release(version: string, flaw: Flaw): string {
    const tree = join(this.out, `tree-${version}`);
    mkdirSync(tree);
    this.#write(tree, version, flaw);
    return packTree(tree, this.out, { version, key: this.key });
  }

  configure(settings: object): void {
    const { config, releases } = pathsOf(this.root);
    const state = {
      directory: join(this.root, 'var/lib/embereye'),
      runDirectory: this.runDirectory,
    };
    const update = { directory: releases, remote: true };
    // The trees of the tests carry none.
    const model = { enabled: false };
    const gpio = { backend: 'simulated' };
    writeFileSync(
      config,
      JSON.stringify({ device: { id: 'unit' }, state, update, model, gpio, ...settings }),
    );
  }

  /** Serves the releases. @returns where */
  async serve(): Promise<string> {
    const server = createServer((request, response) => {
      response.end(readFileSync(join(this.out, basename(request.url ?? '/'))));
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  start(): void {
    this.#supervised = true;
    this.#spawn();
  }

  /** As `systemctl restart`. */
  restart(): Promise<void> {
    this.#child?.kill('SIGTERM');
    return Promise.resolve();
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.#supervised = false;
    clearTimeout(this.#respawn);
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    this.#server?.close();
    this.scratch.remove();
    rmSync(this.root, { recursive: true, force: true });
  }

  world(): UpdateWorld {
    const clock = systemClock();
    return {
      ...{ clock, random: systemRandom(), root: this.root, arch: ARCH, pid: process.pid },
      wallTime: () => new Date().toISOString(),
      say: (line) => void this.said.push(line),
      look: () => lookAtUnit(this.runDirectory, clock),
      restart: () => this.restart(),
      tryOut: (program, args) => run(program, args, 60_000),
      ...{ freeBytes, markGood: null, onStep: () => undefined },
    };
  }

  #write(tree: string, version: string, flaw: Flaw): void {
    writeTree(tree, { version, key: this.key, node: REAL_NODE });
    const dist = join(PROJECT_ROOT, 'dist');
    for (const name of readdirSync(dist).filter((one) => one.endsWith('.js'))) {
      copyFileSync(join(dist, name), join(tree, 'dist', name));
    }
    const main = join(tree, 'dist/embereye.js');
    const own = /^(#!.*\n)?/.exec(readFileSync(main, 'utf8'))?.[0] ?? '';
    const bundle = readFileSync(main, 'utf8').slice(own.length);
    const { version: built } = JSON.parse(
      readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'),
    ) as { version: string };
    const named = bundle.replace(`true ? "${built}"`, `true ? "${version}"`);
    if (named === bundle && built !== version) throw new Error('the bundle names no version');
    writeFileSync(main, own + flawText(flaw) + named);
    writeManifest(tree);
  }

  #spawn(): void {
    this.starts += 1;
    const script = join(this.root, 'opt/embereye/bin/embereye-launch');
    const child = spawn('sh', [script, 'run', '--config', pathsOf(this.root).config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, EMBEREYE_ROOT: this.root },
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.said.push(text));
    child.once('exit', () => {
      if (!this.#supervised) return;
      this.#respawn = setTimeout(() => this.#spawn(), RESPAWN_MS);
    });
  }
}

function flawText(flaw: Flaw): string {
  const whenRun = (text: string): string => `if (process.argv[2] === 'run') {\n${text}\n}\n`;
  if (flaw === 'none') return '';
  if (flaw === 'throws') return whenRun(`throw new Error('a broken build');`);
  if (flaw === 'hangs') {
    return whenRun('setInterval(() => undefined, 1000);\nawait new Promise(() => undefined);');
  }
  return `import flawedNet from 'node:net';\n${whenRun(`
    const connect = flawedNet.Socket.prototype.connect;
    flawedNet.Socket.prototype.connect = function (...args) {
      const [options] = Array.isArray(args[0]) ? args[0] : args;
      if (Number(options?.port) === ${flaw.losesPort}) options.port = 9;
      return connect.apply(this, args);
    };`)}`;
}

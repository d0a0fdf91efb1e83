/**
 * Starts an image in an emulated machine and tells what it saw: for measuring by hand.
 * `node_modules/.bin/esbuild test/image-build/boot.ts --bundle --platform=node --format=esm
 * --packages=external --outfile=dist/boot.js && node dist/boot.js --image FILE --machine virt`
 * Options: --machine raspi3b (the default), --grow-mib 4096 (the card), --ask "command" (in a shell
 * of the guest, many times), --health 9090, --console, --keep FILE (the card as it was left),
 * --words "more words for the guest".
 */
import { cpSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootFilesOf } from '../../scripts/image/boot-files.ts';
import { MIB } from '../../scripts/image/layout.ts';
import { runTool } from '../arm64/host.ts';
import { Machine } from '../kernel/machine.ts';
import { raspi3b, virt } from './machines.ts';

const { values } = parseArgs({
  options: {
    image: { type: 'string' },
    machine: { type: 'string', default: 'raspi3b' },
    'grow-mib': { type: 'string', default: '4096' },
    ask: { type: 'string', multiple: true, default: [] },
    health: { type: 'string' },
    console: { type: 'boolean', default: false },
    keep: { type: 'string' },
    words: { type: 'string', default: '' },
  },
});

const PATIENCE_MS = 560_000;
const HOST_PORT = 29_090;

let over = false;

async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (performance.now() < endMs) {
    if (await done()) return;
    if (over) throw new Error(`the machine ended before: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}

async function healthy(): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${HOST_PORT}/health`, {
      signal: AbortSignal.timeout(2000),
    });
    return answer.ok;
  } catch {
    // Nobody answers there yet; until() says so when it lasts.
    return false;
  }
}

async function run(folder: string, image: string): Promise<void> {
  const card = join(folder, 'card');
  await runTool('cp', ['--sparse=always', image, card]);
  truncateSync(card, Number(values['grow-mib']) * MIB);
  const boot = await bootFilesOf(card, folder);
  const shell = values.ask.length === 0 ? [] : ['systemd.debug_shell=ttyAMA0'];
  const options = {
    disk: card,
    boot,
    forwards:
      values.health === undefined
        ? []
        : [{ hostPort: HOST_PORT, guestPort: Number(values.health) }],
    extraWords: [...shell, ...values.words.split(' ').filter((word) => word !== '')],
  };
  const chosen = values.machine === 'virt' ? await virt(folder, options) : raspi3b(options);
  const lines: string[] = [];
  const seconds = (): string => ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);
  const startMs = performance.now();
  const machine = await Machine.start({
    ...chosen,
    kernel: boot.kernel,
    initramfs: boot.initrd,
    onLine: (line) => {
      lines.push(line);
      if (values.console) console.log(`${seconds()} | ${line}`);
    },
  });
  void machine.ended.then(() => (over = true));
  const say = (text: string): void => console.log(`${seconds()} s  ${text}`);
  try {
    if (values.health !== undefined) {
      await until('/health answers 200', healthy);
      say('/health answers 200');
    }
    for (const [i, command] of values.ask.entries()) {
      const from = lines.length;
      const mark = `end-of-answer-${i}`;
      const ended = (): boolean => lines.slice(from).some((line) => line.startsWith(mark));
      // A shell that is not there yet hears nothing: ask again.
      await until(command, async () => {
        if (!ended()) machine.type(`\n${command}; echo "end-of-answer"-${i}\n`);
        await new Promise((resolve) => setTimeout(resolve, 3000));
        return ended();
      });
      say(`$ ${command}`);
      for (const line of lines.slice(from)) console.log(`          ${line}`);
    }
  } finally {
    machine.kill();
    await machine.ended;
    if (values.keep !== undefined) cpSync(card, values.keep);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'embereye-boot-'));
try {
  if (values.image === undefined) throw new Error('--image FILE is missing');
  await run(folder, values.image);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

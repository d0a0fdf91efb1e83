/** The appliance itself on an emulated processor: a board full of smoke, a siren, a clean stop. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawBoard } from '../e2e/field.ts';
import { eventually, pause, Scratch } from '../e2e/processes.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import type { StartsNode } from './emulator.ts';
import { lastWords } from './emulator.ts';

const SIREN = 17;
/** An emulated processor is ten to thirty times slower than a real one. */
const PATIENCE_MS = 90_000;
/** How long the board shows clean air first. */
const CLEAN_MS = 1000;

interface Site {
  readonly configFile: string;
  readonly boardPort: number;
  readonly brokerPort: number;
  readonly sirenFile: string;
}

async function makeSite(scratch: Scratch): Promise<Site> {
  const [boardPort, httpPort, brokerPort] = [await freePort(), await freePort(), await freePort()];
  const lines = join(scratch.memory, 'gpio');
  const configFile = join(scratch.disk, 'appliance.yaml');
  const config = {
    device: { id: 'unit' },
    state: { directory: join(scratch.disk, 'state'), runDirectory: join(scratch.memory, 'run') },
    ingest: { host: '127.0.0.1', port: boardPort },
    http: { host: '127.0.0.1', port: httpPort },
    boards: [{ id: 'a', match: { serial: 'A' } }],
    zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
    gpio: {
      backend: 'simulated',
      mirrorDirectory: lines,
      outputs: [{ id: 'siren', role: 'siren', line: SIREN }],
    },
    uplink: { embeddedBroker: { enabled: true, port: brokerPort } },
  };
  writeFileSync(configFile, JSON.stringify(config));
  const sirenFile = join(lines, `simulated-${SIREN}`, 'value');
  return { configFile, boardPort, brokerPort, sirenFile };
}

/** Runs `program` (the bundle) until its siren sounds and its alarm is published; stops it. */
export async function checkAppliance(node: StartsNode, program: string): Promise<string> {
  const scratch = new Scratch();
  const site = await makeSite(scratch);
  const appliance = node.start([program, 'run', '--config', site.configFile]);
  const broker = `mqtt://127.0.0.1:${site.brokerPort}`;
  const watcher = node.start([program, 'watch', '--broker', broker]);
  let board: RawBoard | null = null;
  try {
    await eventually(
      () => `the siren's line is opened: ${lastWords(appliance)}`,
      () => levelIn(site.sirenFile) === '0',
      PATIENCE_MS,
    );
    board = await RawBoard.connect(site.boardPort, 'A');
    board.clean();
    await eventually(
      () => `the subscriber: ${lastWords(watcher)}`,
      () => watcher.err.includes('watching'),
      PATIENCE_MS,
    );
    await pause(CLEAN_MS);
    board.smoke();
    const sounds = (): boolean => levelIn(site.sirenFile) === '1';
    await eventually(() => `the siren: ${lastWords(appliance)}`, sounds, PATIENCE_MS);
    const isAlarm = (line: string): boolean => line.includes('"type":"alarm"');
    const published = () => watcher.lines().some(isAlarm);
    await eventually(() => `an alarm event: ${lastWords(watcher)}`, published, PATIENCE_MS);
    const { code } = await appliance.end('SIGTERM');
    if (code !== 0) throw new Error(`stopped with ${code ?? 'a signal'}: ${lastWords(appliance)}`);
    return 'smoke on a board, siren high, alarm published, stopped with 0';
  } finally {
    board?.close();
    await watcher.end('SIGKILL');
    await appliance.end('SIGKILL');
    scratch.remove();
  }
}

function levelIn(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null; // not opened yet
  }
}

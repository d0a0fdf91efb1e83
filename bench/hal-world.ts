/**
 * What hangs on the wires of the `hal` measurement, all of it outside the appliance's event loop: an
 * array on a played I2C bus (a C library that stands in for the kernel's ioctl and takes the time of
 * each bit), boards behind pseudo-terminals, a Modbus TCP unit.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SimulatedArray } from '../src/simulator/array.ts';
import { pause } from './alarm-rig.ts';
import { ended, PROGRAM } from './appliance-process.ts';
import { Skipped } from './section.ts';

const STANDIN = join(dirname(fileURLToPath(import.meta.url)), '..', 'test', 'hal', 'standin');
export const ARRAY_ADDRESS = 0x33;
const BUS_HZ = 400_000;
const ARRAY_WORDS = 832;
const BOARDS = 2;
const BOARD_CADENCE_SECONDS = 1;
const UP_WITHIN_MS = 10_000;

/** Plain JavaScript for `node -e`: holding registers that count; prints its port. */
const MODBUS_UNIT = `
let reading = 1000;
const server = require('node:net').createServer((socket) => {
  let waiting = Buffer.alloc(0);
  socket.on('error', () => undefined).on('data', (bytes) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 12) {
      const count = waiting.readUInt16BE(10);
      const answer = Buffer.alloc(9 + 2 * count);
      waiting.copy(answer, 0, 0, 8);
      answer.writeUInt16BE(3 + 2 * count, 4);
      answer.writeUInt8(2 * count, 8);
      for (let i = 0; i < count; i++) answer.writeUInt16BE(reading++ % 2000, 9 + 2 * i);
      socket.write(answer);
      waiting = waiting.subarray(12);
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

export class HalWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'embereye-hal-'));
  readonly busPath = join(this.folder, 'i2c-1');
  readonly ioctlLibrary = join(this.folder, 'libbus.so');
  /** Serial ports of the boards. */
  readonly serialPaths = Array.from({ length: BOARDS }, (_, i) => join(this.folder, `tty${i}`));
  modbusPort = 0;
  readonly #children: ChildProcess[] = [];

  /** @throws Skipped where a compiler or socat is missing. */
  static async start(): Promise<HalWorld> {
    for (const [tool, flag] of [
      ['cc', '--version'],
      ['socat', '-V'],
    ] as const) {
      if (spawnSync(tool, [flag]).status !== 0) throw new Skipped(`${tool} is not installed`);
    }
    const world = new HalWorld();
    world.#playBus();
    for (const [i, path] of world.serialPaths.entries()) await world.#startBoard(i, path);
    world.modbusPort = await world.#startModbus();
    return world;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => ended(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #playBus(): void {
    const sources = ['bus.c', 'chips.c'].map((name) => join(STANDIN, name));
    const flags = ['-shared', '-fPIC', '-O2', '-pthread'];
    execFileSync('cc', [...flags, '-o', this.ioctlLibrary, ...sources]);
    const array = new SimulatedArray({ seed: 'hal' });
    const scene = new Float32Array(768).fill(23);
    const picture = array.dump(scene, { ambientCelsius: 27, supplyVolts: 3.3 });
    const eepromFile = this.#words('eeprom', array.eeprom);
    const pictureFile = this.#words('picture', picture);
    const lines = [`speed ${BUS_HZ}`, `mlx90640 ${ARRAY_ADDRESS} ${eepromFile} ${pictureFile}`];
    writeFileSync(this.busPath, `${lines.join('\n')}\n`);
  }

  #words(name: string, words: Uint16Array): string {
    const bytes = Buffer.alloc(2 * ARRAY_WORDS);
    words.subarray(0, ARRAY_WORDS).forEach((word, i) => bytes.writeUInt16LE(word, 2 * i));
    const path = join(this.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  async #startBoard(index: number, path: string): Promise<void> {
    const port = await freePort();
    const terminal = `PTY,link=${path},raw,echo=0`;
    this.#spawn('socat', [terminal, `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr`]);
    const endMs = performance.now() + UP_WITHIN_MS;
    while (!existsSync(path)) {
      if (performance.now() > endMs) throw new Error('socat made no pseudo-terminal');
      await pause(20);
    }
    this.#spawn(process.execPath, [
      ...[PROGRAM, 'simulate-board', '--to', `127.0.0.1:${port}`, '--seed', `hal-${index}`],
      ...['--serial', `HAL${index}`, '--cadence', String(BOARD_CADENCE_SECONDS)],
    ]);
  }

  async #startModbus(): Promise<number> {
    const { stdout } = this.#spawn(process.execPath, ['-e', MODBUS_UNIT]);
    const text = await new Promise<string>((resolve) => {
      stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()));
    });
    return Number(text);
  }

  #spawn(command: string, args: readonly string[]): ChildProcess {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.resume();
    this.#children.push(child);
    return child;
  }
}

/** `sensors` and `zones` of the configuration. */
export function halSettings(world: HalWorld): Readonly<Record<string, unknown>> {
  const channels = Array.from({ length: 8 }, (_, i) => ({
    channel: `register${i}`,
    register: i,
    high: 4000,
  }));
  const sensors = [
    {
      id: 'array',
      driver: 'mlx90640-i2c',
      options: { bus: world.busPath, address: ARRAY_ADDRESS, refreshHz: 16 },
    },
    ...world.serialPaths.map((path, i) => ({
      id: `board-${i}`,
      driver: 'serial-board',
      options: { path, cadenceSeconds: BOARD_CADENCE_SECONDS },
    })),
    {
      id: 'plc',
      driver: 'modbus',
      options: {
        tcp: { host: '127.0.0.1', port: world.modbusPort },
        unit: 1,
        groups: [{ table: 'holding', address: 0, count: 8, cadenceSeconds: 0.1 }],
        channels,
      },
    },
  ];
  const roles = [
    { sensor: 'array', channel: 'thermal', role: 'thermal' },
    { sensor: 'board-0', channel: 'ADC1', role: 'smoke' },
    { sensor: 'board-1', channel: 'ADC1', role: 'smoke' },
    { sensor: 'plc', channel: 'register0', role: 'smoke' },
  ];
  return { sensors, zones: roles.map((role, i) => ({ id: `zone-${i}`, sensors: [role] })) };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** One life of the machine: from its power to the cut. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'node:http';
import type { GuestKernel } from '../../test/kernel/debian.ts';
import { MACHINE_KINDS } from '../../test/kernel/kinds.ts';
import { Machine } from '../../test/kernel/machine.ts';
import { Pl061Pins } from '../../test/kernel/pins.ts';
import { freePort, until } from '../kill/children.ts';
import type { LossyDisk } from './disk.ts';
import { GUEST_BOARD_PORT, GUEST_HTTP_PORT, SIREN_LINE } from './image.ts';

export interface GuestOptions {
  readonly folder: string;
  readonly kernel: GuestKernel;
  readonly image: string;
  readonly disk: LossyDisk;
  readonly showAll: boolean;
}

/** An emulated processor is ten to thirty times slower than a real one. */
const BOOT_PATIENCE_MS = 300_000;
const KEPT_LINES = 60;

export class Guest {
  readonly boardPort: number;
  readonly #httpPort: number;
  readonly #machine: Machine;
  readonly #pins: Pl061Pins;
  readonly #disk: LossyDisk;
  readonly #console: string[];

  private constructor(
    parts: { readonly machine: Machine; readonly pins: Pl061Pins; readonly disk: LossyDisk },
    ports: { readonly board: number; readonly http: number },
    console: string[],
  ) {
    this.boardPort = ports.board;
    this.#httpPort = ports.http;
    this.#machine = parts.machine;
    this.#pins = parts.pins;
    this.#disk = parts.disk;
    this.#console = console;
  }

  /** Power on; resolves when the appliance says that it is healthy. */
  static async start(options: GuestOptions): Promise<Guest> {
    const { folder, kernel, image, disk, showAll } = options;
    const [kind] = MACHINE_KINDS;
    if (kind === undefined) throw new Error('no machine is known');
    await disk.powerOn();
    const ports = { board: await freePort(), http: await freePort() };
    const deviceTree = join(folder, 'device-tree');
    writeFileSync(deviceTree, await kind.deviceTree(kernel, folder));
    const forward = (host: number, guest: number) => `hostfwd=tcp:127.0.0.1:${host}-:${guest}`;
    const said: string[] = [];
    const machine = await Machine.start({
      hardware: [
        ...kind.hardware,
        ...['-drive', `file=${disk.address},if=none,id=disk,format=raw,cache=none`],
        ...['-device', 'virtio-blk-device,drive=disk'],
        '-netdev',
        `user,id=net,${forward(ports.board, GUEST_BOARD_PORT)},${forward(ports.http, GUEST_HTTP_PORT)}`,
        ...['-device', 'virtio-net-device,netdev=net'],
      ],
      ...{ kernel: kernel.image, initramfs: image, deviceTree, serialsBefore: 0 },
      commandLine: kind.commandLine,
      onLine: (line) => {
        if (showAll) console.log(`  | ${line}`);
        said.push(line);
        if (said.length > KEPT_LINES) said.shift();
      },
    });
    const pins = await Pl061Pins.of(machine);
    const guest = new Guest({ machine, pins, disk }, ports, said);
    await guest.#healthy();
    return guest;
  }

  async #healthy(): Promise<void> {
    try {
      await until(
        'the appliance is healthy',
        async () => {
          if (this.#console.some((line) => /^@(fail|exit)/.test(line))) {
            throw new Error('the guest says that it failed');
          }
          return (await statusOf(this.#httpPort)) === 200;
        },
        BOOT_PATIENCE_MS,
      );
    } catch (error) {
      await this.cut();
      const words = this.#console.slice(-20).join('\n  | ');
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n  | ${words}`);
    }
  }

  /** The siren as it is seen from outside the machine. */
  async siren(): Promise<boolean> {
    return (await this.#pins.answer(`level ${SIREN_LINE}`)) === '1';
  }

  /** Both at once: the machine, and what its disk had not been told to keep. */
  async cut(): Promise<void> {
    this.#machine.kill();
    await this.#disk.cut();
    await this.#machine.ended;
  }

  get lastWords(): string {
    return this.#console.slice(-20).join('\n');
  }
}

function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', path: '/health', timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', () => resolve(0));
    asked.on('timeout', () => void asked.destroy());
    asked.end();
  });
}

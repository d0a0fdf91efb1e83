/** An emulated unit, started with nothing but what lies in its own card. */
import { request } from 'node:http';
import { freePort, pause, until } from '../../bench/kill/children.ts';
import type { LossyDisk } from '../../bench/power/disk.ts';
import { bootFilesOf } from '../../scripts/image/boot-files.ts';
import type { Forward, ImageMachine } from '../image-build/machines.ts';
import { raspi3b, virt } from '../image-build/machines.ts';
import { Emulator } from './emulator.ts';

/** Levels of the pins 0..31 (BCM2835 ARM Peripherals, chapter 6.1, GPLEV0), at 0x3f000000 here. */
const GPLEV0 = 0x3f20_0034;
const GUEST_BOARD_PORT = 4888;
const GUEST_HTTP_PORT = 9090;
const EXTRA_WORDS = ['systemd.journald.forward_to_console=1'];
/** An emulated processor is ten to thirty times slower than a real one. */
const ASK_EVERY_MS = 3000;
const BOOT_PATIENCE_MS = 600_000;

export interface UnitOptions {
  /** The flashed card, a file. */
  readonly card: string;
  /** For what is taken out of the card. */
  readonly folder: string;
  readonly logFile: string;
}

interface Ports {
  readonly board: number;
  readonly http: number;
}

export class Unit {
  readonly boardPort: number;
  readonly #httpPort: number;
  readonly #machine: Emulator;
  /** Null: the card's file itself. */
  readonly #disk: LossyDisk | null;

  private constructor(machine: Emulator, disk: LossyDisk | null, ports: Ports) {
    this.#machine = machine;
    this.#disk = disk;
    this.boardPort = ports.board;
    this.#httpPort = ports.http;
  }

  /** Powers on a Raspberry Pi 3 B, without waiting for anything. @param disk holds the card */
  static async onPi(options: UnitOptions, disk: LossyDisk): Promise<Unit> {
    const boot = await bootFilesOf(options.card, options.folder);
    await disk.powerOn();
    const { ports, forwards } = await newPorts();
    const machine = raspi3b({ disk: disk.address, boot, forwards, extraWords: EXTRA_WORDS });
    return new Unit(await startIn(machine, boot, options.logFile), disk, ports);
  }

  /** The same card on a machine with a faster network and a hardware watchdog: QEMU's `virt`. */
  static async onVirt(options: UnitOptions): Promise<Unit> {
    const boot = await bootFilesOf(options.card, options.folder);
    const { ports, forwards } = await newPorts();
    const disk = options.card;
    const given = { disk, boot, forwards, extraWords: EXTRA_WORDS };
    const machine = await virt(options.folder, given);
    return new Unit(await startIn(machine, boot, options.logFile), null, ports);
  }

  /** The appliance answers that its step runs and its outputs follow. @throws Error in words */
  async armed(): Promise<void> {
    let over = false;
    void this.#machine.ended.then(() => (over = true));
    await until(
      'the appliance is armed',
      async () => {
        await pause(ASK_EVERY_MS);
        if (over)
          throw new Error(`the machine ended: ${this.#machine.console.slice(-5).join(' ')}`);
        return (await this.status('/health')) === 200;
      },
      BOOT_PATIENCE_MS,
    );
  }

  /** Status of a page of the appliance; 0 where nobody answers. */
  async status(path: string): Promise<number> {
    return (await this.#page(path)).status;
  }

  /** A value of `/metrics` by its name with labels, as it stands there; null without one. */
  async metric(name: string): Promise<number | null> {
    const { text } = await this.#page('/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? null : Number(line.slice(name.length));
  }

  #page(path: string): Promise<{ readonly status: number; readonly text: string }> {
    return new Promise((resolve) => {
      const options = { port: this.#httpPort, host: '127.0.0.1', path, timeout: 5000 };
      const none = (): void => resolve({ status: 0, text: '' });
      const asked = request(options, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', none);
      });
      asked.on('error', none);
      asked.on('timeout', () => void asked.destroy());
      asked.end();
    });
  }

  /** Whether a pin of the header is high, seen from outside the machine. */
  async pin(line: number): Promise<boolean> {
    return (((await this.#machine.word(GPLEV0)) >>> line) & 1) === 1;
  }

  /** Machine and card lose their power together. Again is no harm. */
  async cut(): Promise<void> {
    this.#machine.kill();
    await this.#disk?.cut();
    await this.#machine.ended;
  }

  /** What systemd said of how long the start took, by the clock of the machine. */
  get startUp(): string {
    const words = /Startup finished in (.*)$/;
    const line = this.#machine.console.findLast((one) => words.test(one));
    return words.exec(line ?? '')?.[1] ?? 'systemd did not say';
  }
}

async function newPorts(): Promise<{ ports: Ports; forwards: readonly Forward[] }> {
  const ports = { board: await freePort(), http: await freePort() };
  const forwards = [
    { hostPort: ports.board, guestPort: GUEST_BOARD_PORT },
    { hostPort: ports.http, guestPort: GUEST_HTTP_PORT },
  ];
  return { ports, forwards };
}

function startIn(
  { hardware, deviceTree, commandLine }: ImageMachine,
  { kernel, initrd }: { readonly kernel: string; readonly initrd: string },
  logFile: string,
): Promise<Emulator> {
  return Emulator.start({
    logFile,
    args: [
      ...hardware,
      ...['-kernel', kernel, '-initrd', initrd, '-dtb', deviceTree],
      ...['-append', commandLine, '-serial', 'stdio'],
    ],
  });
}

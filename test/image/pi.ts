/** The emulated Raspberry Pi 3 B, started with nothing but what lies in its own card. */
import { request } from 'node:http';
import { freePort, pause, until } from '../../bench/kill/children.ts';
import type { LossyDisk } from '../../bench/power/disk.ts';
import type { BootFiles } from '../../scripts/image/boot-files.ts';
import { raspi3b } from '../image-build/machines.ts';
import { Emulator } from './emulator.ts';

/** Levels of the pins 0..31 (BCM2835 ARM Peripherals, chapter 6.1, GPLEV0), at 0x3f000000 here. */
const GPLEV0 = 0x3f20_0034;
const GUEST_BOARD_PORT = 4888;
const GUEST_HTTP_PORT = 9090;
/** An emulated processor is ten to thirty times slower than a real one. */
const ASK_EVERY_MS = 3000;
const BOOT_PATIENCE_MS = 600_000;

export interface PiOptions {
  readonly boot: BootFiles;
  readonly disk: LossyDisk;
  readonly logFile: string;
}

export class Pi {
  readonly boardPort: number;
  readonly #httpPort: number;
  readonly #machine: Emulator;
  readonly #disk: LossyDisk;

  private constructor(machine: Emulator, disk: LossyDisk, ports: readonly [number, number]) {
    this.#machine = machine;
    this.#disk = disk;
    [this.boardPort, this.#httpPort] = ports;
  }

  /** Power on, without waiting for anything. */
  static async start({ boot, disk, logFile }: PiOptions): Promise<Pi> {
    await disk.powerOn();
    const ports = [await freePort(), await freePort()] as const;
    const [board, http] = ports;
    const { hardware, deviceTree, commandLine } = raspi3b({
      disk: disk.address,
      boot,
      forwards: [
        { hostPort: board, guestPort: GUEST_BOARD_PORT },
        { hostPort: http, guestPort: GUEST_HTTP_PORT },
      ],
      extraWords: ['systemd.journald.forward_to_console=1'],
    });
    const machine = await Emulator.start({
      logFile,
      args: [
        ...hardware,
        ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-dtb', deviceTree],
        ...['-append', commandLine, '-serial', 'stdio'],
      ],
    });
    return new Pi(machine, disk, ports);
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
  status(path: string): Promise<number> {
    return new Promise((resolve) => {
      const options = { port: this.#httpPort, host: '127.0.0.1', path, timeout: 5000 };
      const asked = request(options, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      });
      asked.on('error', () => resolve(0));
      asked.on('timeout', () => void asked.destroy());
      asked.end();
    });
  }

  /** Whether a pin of the header is high, seen from outside the machine. */
  async pin(line: number): Promise<boolean> {
    return (((await this.#machine.word(GPLEV0)) >>> line) & 1) === 1;
  }

  /** Machine and card lose their power together. */
  async cut(): Promise<void> {
    this.#machine.kill();
    await this.#disk.cut();
    await this.#machine.ended;
  }

  get console(): readonly string[] {
    return this.#machine.console;
  }
}

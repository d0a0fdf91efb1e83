/**
 * Keeps a GY-MCU90640 module's pictures coming: opens its line, asks for its output, and tells a
 * module that says nothing from one that cannot be understood.
 */
import type { ArrayIntake } from '../../domain/mlx90640/array-intake.ts';
import { ModuleFrameDecoder, START_OUTPUT } from '../../domain/mlx90640/module-frame.ts';
import type { Cancel } from '../../domain/ports.ts';
import type { DriverHost, SensorHandle } from '../sensor-driver.ts';
import { SerialKeeper } from '../serial-keeper.ts';

/** Without a picture for so many of its periods, and this much longer, something is wrong. */
const PATIENT_PERIODS = 3;
const PATIENT_MARGIN_MS = 1000;

export interface ModuleOptions {
  readonly path: string;
  readonly baudRate: number;
  /** Time between two pictures. */
  readonly periodMs: number;
  /** Whether to send the command that starts the automatic output. */
  readonly startOutput: boolean;
}

type ModuleFault = 'moduleSilent' | 'moduleGarbled';

export class ModuleKeeper implements SensorHandle {
  readonly #options: ModuleOptions;
  readonly #host: DriverHost;
  readonly #intake: ArrayIntake;
  readonly #decoder: ModuleFrameDecoder;
  readonly #keeper: SerialKeeper;
  #raised: ModuleFault | null = null;
  #cancelWatch: Cancel | null = null;
  #isOpen = false;
  /** Since the last look: bytes that came, what began like a picture and was none. */
  #bytes = 0;
  #damaged = 0;

  constructor(options: ModuleOptions, host: DriverHost) {
    this.#options = options;
    this.#host = host;
    // The module has an emissivity of its own; these are for arrays that are computed here.
    this.#intake = host.openArray({ emissivity: 1, reflectedCelsius: null });
    this.#decoder = new ModuleFrameDecoder({
      picture: (hundredths, ambientCelsius) => this.#picture(hundredths, ambientCelsius),
      damaged: () => this.#noteDamaged(),
    });
    this.#keeper = new SerialKeeper({
      serial: host.serial,
      path: options.path,
      baudRate: options.baudRate,
      clock: host.clock,
      random: host.random,
      subject: host.sensor,
      fault: (notice) => host.fault(notice),
      opened: () => this.#opened(),
      data: (bytes) => this.#receive(bytes),
      lost: () => this.#lost(),
    });
    this.#watch();
  }

  async close(): Promise<void> {
    this.#unwatch();
    await this.#keeper.close();
  }

  #opened(): void {
    this.#isOpen = true;
    this.#decoder.reset();
    this.#start();
    this.#watch();
  }

  #lost(): void {
    this.#isOpen = false;
    this.#noData('hardware', `${this.#options.path} is gone`);
    this.#watch();
  }

  #start(): void {
    if (this.#options.startOutput) this.#keeper.write(START_OUTPUT);
  }

  #receive(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.#decoder.receive(bytes);
  }

  #picture(hundredths: Uint16Array, ambientCelsius: number): void {
    this.#intake.computed(hundredths, ambientCelsius, this.#host.clock.monotonicMs());
    this.#host.requestStep();
    this.#restore();
    this.#watch();
  }

  #noteDamaged(): void {
    this.#damaged += 1;
    this.#noData('corrupt', 'the checksum of a picture is wrong');
  }

  #unwatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
  }

  #watch(): void {
    this.#unwatch();
    this.#bytes = 0;
    this.#damaged = 0;
    const patienceMs = PATIENT_PERIODS * this.#options.periodMs + PATIENT_MARGIN_MS;
    this.#cancelWatch = this.#host.clock.after(patienceMs, () => this.#missed(patienceMs));
  }

  #missed(patienceMs: number): void {
    const { path, baudRate } = this.#options;
    if (!this.#isOpen) {
      // Said again and again: a sensor that says nothing would be one more fault, for one cable.
      this.#noData('hardware', `${path} is not open`);
      this.#watch();
      return;
    }
    const since = `for ${(patienceMs / 1000).toFixed(1)} s`;
    if (this.#bytes === 0) {
      const remedy =
        "check 3V3 or 5V, GND, the module's TX to RX here and its RX to TX here; " +
        'is its UART output selected (solder bridge), and its baud rate the one configured?';
      this.#raise('moduleSilent', `${path} has sent nothing ${since}: ${remedy}`);
      this.#noData('hardware', `the module has sent nothing ${since}`);
    } else {
      const seen = `${this.#bytes} bytes, no picture, ${this.#damaged} wrong checksums`;
      const remedy =
        `is the module set to another baud rate than ${baudRate} (9600, 115200 or 460800), or ` +
        'is another device on this line?';
      this.#raise('moduleGarbled', `${path} cannot be understood ${since} (${seen}): ${remedy}`);
      this.#noData('corrupt', `no picture could be read ${since} (${seen})`);
    }
    this.#start();
    this.#watch();
  }

  #noData(reason: 'hardware' | 'corrupt', detail: string): void {
    this.#intake.noData(reason, detail, this.#host.clock.monotonicMs());
    this.#host.requestStep();
  }

  #raise(fault: ModuleFault, detail: string): void {
    if (this.#raised === fault) return;
    this.#restore();
    this.#raised = fault;
    this.#host.fault({ fault, subject: this.#host.sensor, raised: true, detail });
  }

  #restore(): void {
    const fault = this.#raised;
    if (fault === null) return;
    this.#raised = null;
    const detail =
      fault === 'moduleSilent' ? 'the module sends again' : 'its pictures can be read again';
    this.#host.fault({ fault, subject: this.#host.sensor, raised: false, detail });
  }
}

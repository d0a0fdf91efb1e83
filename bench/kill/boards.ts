/** Boards that fill their rooms with smoke and clear them again, whoever listens. */
import { connect, type Socket } from 'node:net';

const CLEAN = 290;
const SMOKE = 2900;
const REPORT_EVERY_MS = 40;
const REDIAL_MS = 100;

/** One board: dials for ever, reports every 40 ms. */
export class Board {
  readonly name: string;
  readonly #port: number;
  readonly #timer: NodeJS.Timeout;
  #socket: Socket | null = null;
  #stopped = false;
  #smoking = false;

  constructor(port: number, name: string) {
    this.#port = port;
    this.name = name;
    this.#timer = setInterval(() => this.#report(), REPORT_EVERY_MS);
    this.#dial();
  }

  get smoking(): boolean {
    return this.#smoking;
  }

  set smoking(smoking: boolean) {
    this.#smoking = smoking;
    this.#report();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#socket?.destroy();
  }

  #dial(): void {
    if (this.#stopped) return;
    const socket = connect({
      port: this.#port,
      host: '127.0.0.1',
      noDelay: true,
    });
    socket.on('connect', () => {
      this.#socket = socket;
      socket.write(`#serialno:${this.name}!`);
      this.#report();
    });
    socket.on('data', () => undefined);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = null;
      setTimeout(() => this.#dial(), REDIAL_MS);
    });
  }

  #report(): void {
    const adc1 = this.#smoking ? SMOKE : CLEAN;
    this.#socket?.write(`#Sensor:ADC1=${adc1},ADC2=1310,ADC3:=1,DIO=0!`);
  }
}

/** The wires of `bad-input-site.ts`: buses with chips, and serial ports with what is behind them. */
import { systemClock } from '../../src/clock.ts';
import type { I2cBackend } from '../../src/hal/bus-ports.ts';
import { createLinuxI2c } from '../../src/hal/i2c-linux.ts';
import { SimulatedI2c } from '../../src/hal/simulated-i2c.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { atSpeed, REAL_BOARD_TIMING } from '../../src/simulator/board-timing.ts';
import { Mlx90640Registers } from '../../src/simulator/mlx90640-registers.ts';
import { Scene } from '../../src/simulator/scene.ts';
import { BoardPlayer } from './board-player.ts';
import { THREAD_PATH } from './bus-rigs.ts';
import { PtyBoard } from './pty.ts';
import { heardAt } from './uart.ts';

/** A bus that no machine has. */
export const NO_BUS = '/dev/i2c-250';
export const FAST_BUS = '/dev/i2c-1';
export const SLOW_BUS = '/dev/i2c-3';
const ADDRESS = 0x33;
export const SWAPPED_ADDRESS = 0x34;
export const SHARED_ADDRESS = 0x35;
const BOARD_SPEED = 5;
const clock = systemClock();

function array(seed: number, speedHz: number): Mlx90640Registers {
  const picture = new Scene({ seed }).sample(0);
  return new Mlx90640Registers({
    array: new SimulatedArray({ seed }),
    scene: () => picture,
    now: () => clock.monotonicMs(),
    speedHz: () => speedHz,
    seed,
  });
}

/** Two chips that answer together: a 1 comes only where both send one. */
function together(one: Mlx90640Registers, two: Mlx90640Registers): Pick<typeof one, 'transfer'> {
  return {
    transfer(write, readBytes) {
      const first = one.transfer(write, readBytes);
      const second = two.transfer(write, readBytes);
      if (first === null || second === null) return first ?? second;
      return first.map((byte, at) => byte & (second[at] ?? 0));
    },
  };
}

/** Buses: one of 400 kHz, one of 100 kHz, and whatever this machine has. */
export class Buses implements I2cBackend {
  readonly kind = 'mixed';
  readonly swapped = array(2, 400_000);
  readonly #fast = new SimulatedI2c({ clock });
  readonly #slow = new SimulatedI2c({ clock, speedHz: 100_000 });
  readonly #real = createLinuxI2c({ clock, threadPath: THREAD_PATH });

  constructor() {
    this.#fast.attach(FAST_BUS, ADDRESS, array(1, 400_000));
    this.#fast.attach(FAST_BUS, SWAPPED_ADDRESS, this.swapped);
    this.#fast.attach(FAST_BUS, SHARED_ADDRESS, together(array(3, 400_000), array(4, 400_000)));
    this.#slow.attach(SLOW_BUS, ADDRESS, array(5, 100_000));
  }

  open(path: string): ReturnType<I2cBackend['open']> {
    if (path === FAST_BUS) return this.#fast.open(path);
    return (path === SLOW_BUS ? this.#slow : this.#real).open(path);
  }
}

/** Serial ports: a board, a modem, and a board that sends at half the rate. */
export class Lines {
  readonly board: PtyBoard;
  readonly modem: PtyBoard;
  readonly slow: PtyBoard;
  readonly player: BoardPlayer;
  readonly #cancels: (() => void)[] = [];

  private constructor(board: PtyBoard, modem: PtyBoard, slow: PtyBoard) {
    this.board = board;
    this.modem = modem;
    this.slow = slow;
    const timing = atSpeed(REAL_BOARD_TIMING, BOARD_SPEED);
    this.player = new BoardPlayer(clock, (bytes) => board.send(bytes), timing);
    board.onReceive = (bytes) => this.player.hear(bytes);
    modem.onReceive = (bytes) => modem.send(Buffer.concat([bytes, Buffer.from('\r\nERROR\r\n')]));
  }

  static async plug(): Promise<Lines> {
    const ports = [await PtyBoard.create(), await PtyBoard.create(), await PtyBoard.create()];
    const [board, modem, slow] = ports;
    if (board === undefined || modem === undefined || slow === undefined) throw new Error('none');
    await Promise.all(ports.map((port) => port.plug()));
    const lines = new Lines(board, modem, slow);
    lines.player.linkUp();
    lines.#chatter();
    return lines;
  }

  #chatter(): void {
    const readings = heardAt(this.player.source.readings(0), 57_600, 115_200);
    const every = (run: () => void): void => {
      run();
      this.#cancels.push(clock.after(500, () => every(run)));
    };
    every(() => this.slow.send(readings));
    every(() => this.modem.send(Buffer.from('\r\nRING\r\n')));
  }

  async close(): Promise<void> {
    for (const cancel of this.#cancels) cancel();
    this.player.linkDown();
    for (const port of [this.board, this.modem, this.slow]) await port.close();
  }
}

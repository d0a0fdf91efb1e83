/**
 * One alarm after another through a running appliance. Each trial is one reading of smoke from a
 * board whose zone was quiet; a silence between trials lets the siren go, which the next alarm of
 * another zone lifts, and a reset ends all of them when every board has had its turn.
 */
import { connect, type Socket } from 'node:net';
import { announcement, REAL_BOARD_STYLE, sensorPacket } from '../src/simulator/packets.ts';
import { ApplianceProcess } from './appliance-process.ts';
import { LineFile, monotonicMs } from './line-file.ts';

const BOARDS = 24;
const SIREN_LINE = 17;
const STROBE_LINE = 27;
const SILENCE_LINE = 5;
const RESET_LINE = 6;
/** Simulated inputs are looked at every 20 ms. */
const PRESS_MS = 25;
const WITHIN_MS = 10_000;
const QUIET = { smoke: 300, flame: 1300, third: 4, digitalFlame: 0 } as const;
const SMOKE = { ...QUIET, smoke: 3500 } as const;

interface Board {
  readonly zone: string;
  readonly socket: Socket;
  readonly quiet: Buffer;
  readonly smoke: Buffer;
}

/** What the appliance has to know; a single reading makes an alarm. */
function settings(): Readonly<Record<string, unknown>> {
  const ids = Array.from({ length: BOARDS }, (_, i) => `trial-${i + 1}`);
  const line = (id: string, number: number) => ({ id, role: id, line: number });
  return {
    boards: ids.map((id) => ({ id, match: { serial: id } })),
    detection: { confirmations: 1 },
    zones: ids.map((id) => ({
      id,
      sensors: [{ sensor: id, channel: 'ADC1', role: 'smoke' }],
    })),
    gpio: {
      backend: 'simulated',
      outputs: [line('siren', SIREN_LINE), line('strobe', STROBE_LINE)],
      inputs: [line('silence', SILENCE_LINE), line('reset', RESET_LINE)].map((input) => ({
        ...input,
        debounceMs: 0,
      })),
    },
  };
}

export class AlarmRig {
  readonly appliance: ApplianceProcess;
  readonly siren: LineFile;
  readonly #strobe: LineFile;
  readonly #silence: LineFile;
  readonly #reset: LineFile;
  readonly #boards: readonly Board[];
  #next = 0;
  /** One of each board when it was opened. */
  #packetsSent = BOARDS;

  private constructor(appliance: ApplianceProcess, boards: readonly Board[]) {
    const file = (line: number): LineFile => new LineFile(appliance.lines, line);
    this.appliance = appliance;
    this.#boards = boards;
    this.siren = file(SIREN_LINE);
    this.#strobe = file(STROBE_LINE);
    this.#silence = file(SILENCE_LINE);
    this.#reset = file(RESET_LINE);
  }

  /** @param more settings of the configuration */
  static async start(more: Readonly<Record<string, unknown>> = {}): Promise<AlarmRig> {
    const appliance = await ApplianceProcess.start({ ...settings(), ...more });
    const boards = await Promise.all(
      Array.from({ length: BOARDS }, (_, i) => openBoard(i, appliance.ports.boards)),
    );
    await pause(300);
    return new AlarmRig(appliance, boards);
  }

  /** Readings that the boards of the rig have sent so far. */
  get packetsSent(): number {
    return this.#packetsSent;
  }

  /** The zone whose alarm the next trial makes. */
  get nextZone(): string {
    return this.#board.zone;
  }

  /**
   * Sends the deciding packet, with the siren off before.
   *
   * @returns the moment before its bytes were handed to the kernel, in one piece
   */
  sendSmoke(): number {
    if (this.siren.isHigh) throw new Error('the siren was on before the alarm');
    const { socket, smoke } = this.#board;
    const sentMs = monotonicMs();
    socket.write(smoke);
    this.#packetsSent += 1;
    if (socket.writableLength > 0) throw new Error('the packet did not leave at once');
    return sentMs;
  }

  /** Ends the trial: the smoke has gone, the siren is silenced, and after the last board reset. */
  async settle(): Promise<void> {
    const { socket, quiet } = this.#board;
    socket.write(quiet);
    this.#packetsSent += 1;
    this.#next = (this.#next + 1) % BOARDS;
    await press(this.#silence, () => !this.siren.isHigh);
    if (this.#next === 0) await press(this.#reset, () => !this.#strobe.isHigh);
    // Trials must not fall into step with the appliance's tick.
    await pause(5 + Math.random() * 30);
  }

  /** Packet to output for one alarm, in milliseconds. */
  async trial(): Promise<number> {
    const sentMs = this.sendSmoke();
    const latencyMs = this.siren.waitUntilHigh(WITHIN_MS) - sentMs;
    await this.settle();
    return latencyMs;
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#boards) socket.destroy();
    for (const line of [this.siren, this.#strobe, this.#silence, this.#reset]) line.close();
    await this.appliance.stop();
  }

  get #board(): Board {
    const board = this.#boards[this.#next];
    if (board === undefined) throw new Error('there are no boards');
    return board;
  }
}

async function openBoard(index: number, port: number): Promise<Board> {
  const zone = `trial-${index + 1}`;
  const style = { ...REAL_BOARD_STYLE, location: `Trial ${index + 1}` };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  socket.on('data', () => undefined);
  const quiet = sensorPacket(QUIET, style);
  socket.write(Buffer.concat([announcement('serialno', zone, style), quiet]));
  return { zone, socket, quiet, smoke: sensorPacket(SMOKE, style) };
}

/** Holds a button until it has had its effect, then lets it go for long enough to be noticed. */
async function press(button: LineFile, done: () => boolean): Promise<void> {
  button.set(true);
  const startMs = monotonicMs();
  while (!done()) {
    if (monotonicMs() - startMs > WITHIN_MS) throw new Error('a button had no effect');
    await pause(3);
  }
  button.set(false);
  await pause(PRESS_MS);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

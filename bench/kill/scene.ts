/**
 * What goes on around the appliance: zone after zone fills with smoke, operators acknowledge and
 * silence over MQTT (so that the next alarm makes the siren rise again), and now and then all is
 * aired and reset.
 */
import type { Random } from '../../src/domain/ports.ts';
import { Board } from './boards.ts';
import { Commander } from './children.ts';

const ZONES = 16;
const BEAT_MS = 70;
/** So many zones smoke at a time before everything is aired. */
const MOST_SMOKING = 10;

export const zoneNames: readonly string[] = Array.from({ length: ZONES }, (_, i) => `z${i + 1}`);

/** Smoke that a board began to report: its zone, and the wall time in ms. */
export interface Crossing {
  readonly zone: string;
  readonly atMs: number;
}

export class Scene {
  readonly #boards: readonly Board[];
  readonly #commands: Readonly<Record<'acknowledge' | 'silence' | 'reset', Commander>>;
  readonly #random: Random;
  readonly #timer: NodeJS.Timeout;
  #beat = 0;
  #asked = 0;
  #crossings: readonly Crossing[] = [];

  constructor(boardPort: number, brokerPort: number, root: string, random: Random) {
    const commander = (name: string) => new Commander(brokerPort, `${root}/command/${name}`);
    this.#commands = {
      acknowledge: commander('acknowledge'),
      silence: commander('silence'),
      reset: commander('reset'),
    };
    this.#random = random;
    this.#boards = zoneNames.map((name) => new Board(boardPort, name));
    this.#timer = setInterval(() => this.#next(), BEAT_MS);
  }

  /** The last board that had begun to send smoke by then. */
  newestCrossing(untilMs: number): Crossing | null {
    return this.#crossings.findLast(({ atMs }) => atMs <= untilMs) ?? null;
  }

  /** Ends the alarms: the last events have to be told too. */
  airAndReset(): void {
    clearInterval(this.#timer);
    for (const board of this.#boards) board.smoking = false;
  }

  async stop(): Promise<void> {
    for (const board of this.#boards) board.stop();
    await Promise.all(Object.values(this.#commands).map((command) => command.stop()));
  }

  #next(): void {
    this.#beat += 1;
    const smoking = this.#boards.filter((board) => board.smoking);
    if (smoking.length >= MOST_SMOKING) {
      for (const board of this.#boards) board.smoking = false;
      setTimeout(() => this.#ask('reset', {}), BEAT_MS);
      return;
    }
    switch (this.#beat % 3) {
      case 0: {
        const calm = this.#boards.filter((board) => !board.smoking);
        const chosen = calm[this.#random.uint32() % Math.max(1, calm.length)];
        if (chosen === undefined) return;
        this.#crossings = [...this.#crossings.slice(-9), { zone: chosen.name, atMs: Date.now() }];
        chosen.smoking = true;
        return;
      }
      case 1:
        this.#ask('silence', {});
        return;
      default:
        this.#ask('acknowledge', {
          zone: zoneNames[this.#random.uint32() % ZONES],
        });
    }
  }

  #ask(name: 'acknowledge' | 'silence' | 'reset', fields: object): void {
    this.#asked += 1;
    this.#commands[name].send({
      requestId: `ask-${this.#asked}`,
      actor: 'proof',
      ...fields,
    });
  }
}

/**
 * A process of its own that plays the boards, looks at the siren's line and strikes at the moment
 * it is told: clocks start here at the last byte that decides and stop here when the level is seen
 * (as in `bench/latency.ts`), and a blow falls a fraction of a millisecond after it was due.
 * One request a line on its standard input, one answer a line on its output.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { LineFile, monotonicMs } from '../line-file.ts';
import { zoneNames } from '../kill/scene.ts';

const REPORT_EVERY_MS = 100;
const REDIAL_MS = 50;
const CLEAN = 290;
const SMOKE = 2900;
const NAP_MS = 0.05;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** What the probe does to the appliance or to the broker, and when. */
export interface Blow {
  /** Counted from the rise of the siren, or from sending the smoke. */
  readonly from: 'rise' | 'sent';
  readonly delayMs: number;
  /** Killed with SIGKILL. */
  readonly kill?: number;
  /** Written as a whole. */
  readonly write?: { readonly file: string; readonly text: string };
}

export type ProbeRequest =
  | {
      readonly do: 'cross';
      readonly zone: string;
      /** The appliance's process: how long it waited for a processor is part of the answer. */
      readonly pid: number;
      readonly withinMs: number;
      readonly blow: Blow | null;
    }
  | { readonly do: 'air' }
  | { readonly do: 'connected' };

/** Times on CLOCK_MONOTONIC. */
export interface Crossed {
  readonly sentMs: number;
  /** Null when the siren did not rise in time, or the blow came before. */
  readonly roseMs: number | null;
  readonly blewMs: number | null;
  /** Longest time between two looks at the line: this process was not let run. */
  readonly blindMs: number;
  /** For how long the appliance's main thread was ready and had no processor. */
  readonly waitedMs: number;
  /** Why nothing was tried. */
  readonly refused: string | null;
}

export type ProbeAnswer = Crossed | { readonly connected: number };

class Board {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #name: string;
  #socket: Socket | null = null;
  #smoking = false;

  constructor(host: string, port: number, name: string) {
    this.#address = { host, port };
    this.#name = name;
    setInterval(() => this.report(), REPORT_EVERY_MS);
    this.#dial();
  }

  get connected(): boolean {
    return this.#socket !== null;
  }

  /** True when the reading has left this process. */
  smoke(smoking: boolean): boolean {
    this.#smoking = smoking;
    this.report();
    return this.#socket?.writableLength === 0;
  }

  report(): void {
    const adc1 = this.#smoking ? SMOKE : CLEAN;
    this.#socket?.write(`#Sensor:ADC1=${adc1},ADC2=1310,ADC3:=1,DIO=0!`);
  }

  #dial(): void {
    const socket = connect({ ...this.#address, noDelay: true });
    socket.on('connect', () => {
      this.#socket = socket;
      socket.write(`#serialno:${this.#name}!`);
      this.report();
    });
    socket.on('data', () => undefined);
    // Told by `close`, which follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = null;
      setTimeout(() => this.#dial(), REDIAL_MS);
    });
  }
}

/** Serves requests until its input ends. */
export function runProbe(host: string, port: number, lines: string, sirenLine: number): void {
  const boards = new Map(zoneNames.map((name) => [name, new Board(host, port, name)]));
  const answer = (value: ProbeAnswer): void => void writeSync(1, `${JSON.stringify(value)}\n`);
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    const request = JSON.parse(line) as ProbeRequest;
    if (request.do === 'air') for (const board of boards.values()) board.smoke(false);
    if (request.do === 'cross') answer(cross(boards.get(request.zone), lines, sirenLine, request));
    else answer({ connected: [...boards.values()].filter((board) => board.connected).length });
  });
  input.on('close', () => process.exit(0));
}

type CrossRequest = Extract<ProbeRequest, { readonly do: 'cross' }>;

function cross(
  board: Board | undefined,
  lines: string,
  sirenLine: number,
  { pid, withinMs, blow }: CrossRequest,
): Crossed {
  const refuse = (refused: string): Crossed => {
    return { sentMs: 0, roseMs: null, blewMs: null, blindMs: 0, waitedMs: 0, refused };
  };
  if (board?.connected !== true) return refuse('its board is not connected');
  const siren = new LineFile(lines, sirenLine);
  try {
    if (siren.isHigh) return refuse('the siren was on before the alarm');
    const waitedBefore = waitedMs(pid);
    const sentMs = monotonicMs();
    if (!board.smoke(true)) return refuse('the packet did not leave at once');
    const watch = new Watch(siren, sentMs, { pid, withinMs, blow });
    watch.run();
    // Of a process that has just been killed it cannot be told any more.
    const waited = Math.max(0, waitedMs(pid) - waitedBefore);
    return { sentMs, ...watch.seen, waitedMs: waited, refused: null };
  } finally {
    siren.close();
  }
}

type Sought = Pick<CrossRequest, 'pid' | 'withinMs' | 'blow'>;

/** Looks at the siren some ten times a millisecond until it rose and the blow has fallen. */
class Watch {
  readonly #siren: LineFile;
  readonly #sentMs: number;
  readonly #endMs: number;
  readonly #blow: Blow | null;
  readonly #pid: number;
  #roseMs: number | null = null;
  #blewMs: number | null = null;
  #blindMs = 0;

  constructor(siren: LineFile, sentMs: number, { pid, withinMs, blow }: Sought) {
    this.#siren = siren;
    this.#sentMs = sentMs;
    this.#endMs = sentMs + withinMs;
    this.#blow = blow;
    this.#pid = pid;
  }

  get seen() {
    return { roseMs: this.#roseMs, blewMs: this.#blewMs, blindMs: this.#blindMs };
  }

  run(): void {
    let lookedMs = this.#sentMs;
    while (!this.#over(lookedMs)) {
      const dueInMs = this.#dueMs() - monotonicMs();
      if (dueInMs > NAP_MS * 2) Atomics.wait(sleeper, 0, 0, NAP_MS);
      const nowMs = monotonicMs();
      this.#blindMs = Math.max(this.#blindMs, nowMs - lookedMs);
      lookedMs = nowMs;
      if (this.#roseMs === null && this.#siren.isHigh) this.#roseMs = monotonicMs();
      if (this.#blewMs === null && nowMs >= this.#dueMs()) this.#strike();
    }
  }

  /** An appliance that has been killed raises nothing any more; any other blow keeps it from nothing. */
  #over(nowMs: number): boolean {
    const struck = this.#blow === null || this.#blewMs !== null;
    const killed = this.#blow?.kill === this.#pid && this.#blewMs !== null;
    return nowMs > this.#endMs || killed || (this.#roseMs !== null && struck);
  }

  #dueMs(): number {
    if (this.#blow === null || this.#blewMs !== null) return Number.POSITIVE_INFINITY;
    const from = this.#blow.from === 'sent' ? this.#sentMs : this.#roseMs;
    return from === null ? Number.POSITIVE_INFINITY : from + this.#blow.delayMs;
  }

  #strike(): void {
    const { kill, write } = this.#blow ?? {};
    if (kill !== undefined && kill > 0) process.kill(kill, 'SIGKILL');
    if (write !== undefined) writeFileSync(write.file, write.text);
    this.#blewMs = monotonicMs();
  }
}

/** Run delay of a process's main thread (`/proc/PID/schedstat`, nanoseconds); 0: nobody tells. */
function waitedMs(pid: number): number {
  try {
    const [, delayNs = '0'] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return Number(delayNs) / 1e6;
  } catch {
    // It has ended, or this kernel does not count: then nothing explains a late output.
    return 0;
  }
}

/** What stands around an appliance: boards on raw sockets, and an independent MQTT client. */
import { connect, type Socket } from 'node:net';
import { Child, eventually, pause } from './processes.ts';

/** ADC1 of a room without smoke, and of one that is full of it (above every limit). */
const CLEAN = 290;
const SMOKE = 2900;
const REPORT_EVERY_MS = 50;

/** A board of a few words: says who it is, and then its readings again and again. */
export class RawBoard {
  readonly socket: Socket;
  readonly #timer: NodeJS.Timeout;
  #adc1: number | null = null;
  #heard = '';
  #closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => (this.#heard += bytes.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.#closed = true));
    this.#timer = setInterval(() => this.#report(), REPORT_EVERY_MS);
  }

  static connect(port: number, serial: string | null): Promise<RawBoard> {
    return eventually('the board port takes a connection', async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const board = new RawBoard(socket);
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('close', () => resolve(false));
      });
      if (!open) board.close();
      if (open && serial !== null) board.send(`#serialno:${serial}!`);
      return open ? board : null;
    });
  }

  get heard(): string {
    return this.#heard;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  smoke(): void {
    this.#show(SMOKE);
  }

  clean(): void {
    this.#show(CLEAN);
  }

  close(): void {
    clearInterval(this.#timer);
    this.socket.destroy();
  }

  #show(adc1: number): void {
    this.#adc1 = adc1;
    this.#report();
  }

  #report(): void {
    if (this.#adc1 !== null && !this.#closed) this.send(reading(this.#adc1));
  }
}

export function reading(adc1: number): string {
  return `#Sensor:ADC1=${adc1},ADC2=1310,ADC3:=1,DIO=0!`;
}

export interface Heard {
  readonly topic: string;
  readonly retain: boolean;
  readonly payload: Record<string, unknown>;
  readonly correlation: string | null;
}

/** `mosquitto_sub` in a process of its own: knows the appliance by the broker alone. */
export class Listener {
  readonly #child: Child;

  private constructor(port: number, filter: string, version: '5' | '311') {
    this.#child = new Child('mosquitto_sub', [
      ...['-p', String(port), '-t', filter, '-q', '1', '-F', '%j', '-V', version],
      ...['-i', `listener-${version}-${process.pid}-${Math.random().toString(36).slice(2)}`],
    ]);
  }

  /** Resolves when the subscription stands. */
  static async start(
    port: number,
    filter = 'embereye/v1/unit/#',
    version: '5' | '311' = '5',
  ): Promise<Listener> {
    const listener = new Listener(port, filter, version);
    const probe = filter.replace('#', `probe-${version}`);
    await eventually('the listener is subscribed', async () => {
      await publish(port, probe, '{}');
      await pause(50);
      return listener.heard().length > 0;
    });
    return listener;
  }

  /** What the appliance said; commands to it are somebody else's words. */
  heard(): Heard[] {
    return this.#child.lines().flatMap((line) => {
      const { topic, retain, payload, properties } = JSON.parse(line) as {
        topic: string;
        retain: number;
        payload: string;
        properties?: Record<string, string>;
      };
      if (topic.includes('/command/')) return [];
      return {
        topic,
        retain: retain === 1,
        payload: JSON.parse(payload) as Record<string, unknown>,
        correlation: properties?.['correlation-data'] ?? null,
      };
    });
  }

  /** Payloads of one lane in order of arrival, repetitions left out. */
  events(lane: string): Record<string, unknown>[] {
    const seen = new Map<unknown, Record<string, unknown>>();
    for (const { topic, payload } of this.heard()) {
      if (topic.endsWith(`/event/${lane}`) && !seen.has(payload['id'])) {
        seen.set(payload['id'], payload);
      }
    }
    return [...seen.values()];
  }

  event(lane: string, test: (payload: Record<string, unknown>) => boolean, patienceMs?: number) {
    return eventually(
      () => `event on ${lane}; heard ${JSON.stringify(this.events(lane))}`,
      () => this.events(lane).find(test),
      patienceMs,
    );
  }

  on(topicEnd: string, test: (heard: Heard) => boolean = () => true): Promise<Heard> {
    return eventually(
      () => `message on ${topicEnd}`,
      () => this.heard().find((heard) => heard.topic.endsWith(topicEnd) && test(heard)),
    );
  }

  end(): Promise<unknown> {
    return this.#child.end('SIGKILL');
  }
}

/** One message by `mosquitto_pub`; further options go to it as they are. */
export async function publish(
  port: number,
  topic: string,
  payload: string,
  options: readonly string[] = [],
): Promise<void> {
  const args = ['-p', String(port), '-t', topic, '-q', '1', '-m', payload, ...options];
  const { code } = await new Child('mosquitto_pub', args).ended;
  if (code !== 0) throw new Error(`mosquitto_pub ended with ${String(code)}`);
}

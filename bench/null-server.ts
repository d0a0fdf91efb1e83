/**
 * What reading the same bytes over TCP costs when nothing is made of them: a server in a process of
 * its own that counts the `!` of whatever comes. It is the measure for the appliance, which does the
 * same reading and then decodes and decides. It has a metrics page as the appliance has, so that
 * both are timed in the same way.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { METRIC } from '../src/commands/load-metrics.ts';
import { cpuSecondsOf, ended } from './appliance-process.ts';

/** Plain JavaScript for `node -e`: prints its two ports. */
const SERVER = `
let packets = 0;
const boards = require('node:net').createServer((socket) => {
  socket.on('error', () => undefined).on('data', (bytes) => {
    for (let at = bytes.indexOf(33); at >= 0; at = bytes.indexOf(33, at + 1)) packets += 1;
  });
});
const page = require('node:http').createServer((request, response) => {
  response.end('${METRIC.packets}{kind="${METRIC.kindSensor}"} ' + packets + '\\n');
});
boards.listen(0, '127.0.0.1', () => page.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ boards: boards.address().port, http: page.address().port }))));
`;

export class NullServer {
  readonly port: number;
  readonly metricsUrl: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: { boards: number; http: number }) {
    this.#child = child;
    this.port = ports.boards;
    this.metricsUrl = `http://127.0.0.1:${ports.http}/metrics`;
  }

  static async start(): Promise<NullServer> {
    const child = spawn(process.execPath, ['-e', SERVER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((resolve) => {
      child.stdout.once('data', (text: Buffer) => resolve(text.toString()));
    });
    return new NullServer(child, JSON.parse(line) as { boards: number; http: number });
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child);
  }

  stop(): Promise<void> {
    return ended(this.#child);
  }
}

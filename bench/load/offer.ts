/**
 * How much the load generator can offer: against a sink in another process that reads and forgets.
 * The appliance must be the bottleneck of a load test, so this has to stay far above its figures.
 */
import { spawn } from 'node:child_process';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { runLoad } from '../../src/commands/load.ts';
import type { Section } from '../section.ts';
import { figure } from '../section.ts';

/** Plain JavaScript for `node -e`: prints its port, then reads for ever. */
const SINK = `
const server = require('node:net').createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => undefined).on('error', () => undefined);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

interface OfferFigure {
  readonly traffic: 'sensor' | 'mixed' | 'frames';
  readonly packetsPerSecond: number;
  readonly framesPerSecond: number;
  readonly megabytesPerSecond: number;
}

/** Offers each kind of traffic from `clients` connections for `durationSeconds`. */
async function measureOffer(
  clients: number,
  durationSeconds: number,
): Promise<readonly OfferFigure[]> {
  const sink = spawn(process.execPath, ['-e', SINK], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const port = await new Promise<number>((resolve) => {
      sink.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    });
    const figures: OfferFigure[] = [];
    for (const traffic of ['sensor', 'mixed', 'frames'] as const) {
      figures.push(await offer(traffic, clients, durationSeconds, port));
    }
    return figures;
  } finally {
    sink.kill();
  }
}

async function offer(
  traffic: OfferFigure['traffic'],
  clients: number,
  durationSeconds: number,
  port: number,
): Promise<OfferFigure> {
  const lines: string[] = [];
  const code = await runLoad(
    {
      host: '127.0.0.1',
      port,
      clients,
      durationSeconds,
      includeFrames: traffic === 'mixed',
      framesOnly: traffic === 'frames',
      seed: 'bench',
      json: true,
    },
    {
      out: (line) => lines.push(line),
      err: (line) => lines.push(line),
      clock: systemClock(),
      random: systemRandom(),
      signal: new AbortController().signal,
    },
  );
  if (code !== 0) throw new Error(`load against the sink failed: ${lines.join('; ')}`);
  const { offered } = JSON.parse(lines[0] ?? '') as {
    offered: {
      bytes: number;
      seconds: number;
      packetsPerSecond: number;
      framesPerSecond: number;
    };
  };
  return {
    traffic,
    packetsPerSecond: Math.round(offered.packetsPerSecond),
    framesPerSecond: Math.round(offered.framesPerSecond),
    megabytesPerSecond: Math.round(offered.bytes / offered.seconds / 1e6),
  };
}

export const offerSection: Section = {
  name: 'offer',
  title: 'What the load generator can offer, against a sink that forgets',
  run: async () => {
    const offers = await measureOffer(20, 3);
    return offers.flatMap(({ traffic, packetsPerSecond, framesPerSecond, megabytesPerSecond }) => [
      figure(`${traffic}: packets offered`, packetsPerSecond, '/s'),
      ...(framesPerSecond > 0 ? [figure(`${traffic}: frames offered`, framesPerSecond, '/s')] : []),
      figure(`${traffic}: bytes offered`, megabytesPerSecond, 'MB/s'),
    ]);
  },
};

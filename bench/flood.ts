/**
 * Twenty boards flat out while another one alarms: what the flood costs the others, and the
 * appliance in memory. The clocks are those of `latency.ts`.
 */
import { systemClock } from '../src/clock.ts';
import { readMetrics } from '../src/commands/load-metrics.ts';
import { processedPackets } from '../src/commands/load-report.ts';
import { AlarmRig, pause } from './alarm-rig.ts';
import { monotonicMs } from './line-file.ts';
import { startLoad } from './load/background.ts';
import type { Figure, Section } from './section.ts';
import { figure, latencyFigures } from './section.ts';

const CLIENTS = 20;
/** Many times the 2 million packets that the goal names, so that enough alarms fit in. */
const SECONDS = 60;
/** The load test connects and lets calibrations settle first. */
const UNTIL_FLOOD_MS = 1500;

async function flood(rig: AlarmRig): Promise<readonly Figure[]> {
  const { appliance } = rig;
  const residentBefore = appliance.residentMegabytes;
  const target = {
    port: appliance.ports.boards,
    metrics: appliance.metricsUrl,
  };
  const load = startLoad({ clients: CLIENTS, duration: SECONDS, ...target });
  await pause(UNTIL_FLOOD_MS);
  const untilMs = monotonicMs() + SECONDS * 1000 - UNTIL_FLOOD_MS;
  const latencies: number[] = [];
  while (monotonicMs() < untilMs) latencies.push(await rig.trial());
  const { offered, failures } = await load.report;
  if (failures.length > 0) throw new Error(`the flood broke off: ${failures.join('; ')}`);
  const samples = await readMetrics(appliance.metricsUrl, systemClock());
  const sent = offered.packets + rig.packetsSent;
  return [
    ...latencyFigures('packet to output', latencies),
    figure('packets of the flood', offered.packets, 'packets'),
    figure('packets of the flood, taken in', offered.packetsPerSecond, '/s'),
    figure('lost', sent - processedPackets(samples), 'packets'),
    figure('resident memory before', residentBefore, 'MB'),
    figure('largest resident memory', appliance.peakMegabytes, 'MB'),
  ];
}

export const floodSection: Section = {
  name: 'flood',
  title: `Flood: ${CLIENTS} boards flat out, and the alarms of another one`,
  async run(progress): Promise<readonly Figure[]> {
    const rig = await AlarmRig.start();
    try {
      progress(`${SECONDS} s of flood`);
      return await flood(rig);
    } finally {
      await rig.stop();
    }
  },
};

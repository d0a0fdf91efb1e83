/**
 * Last byte of the deciding packet to the output. The clock (CLOCK_MONOTONIC) starts in the sending
 * process before the packet is written and stops when the level is read, in this process, from the
 * file on tmpfs that mirrors the line: never in the appliance.
 */
import { AlarmRig, pause } from './alarm-rig.ts';
import { startLoad } from './load/background.ts';
import type { Figure, Section } from './section.ts';
import { latencyFigures } from './section.ts';

const TRIALS = 400;
/** 20 boards that send 50 packets a second each: 1,000, and 5 frames a second each: 100. */
const READINGS = { clients: 20, rate: 50 } as const;
const FRAMES = { clients: 20, rate: 5, 'frames-only': true } as const;
const CALIBRATED_MS = 3000;

async function trials(rig: AlarmRig): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) latencies.push(await rig.trial());
  return latencies;
}

async function underLoad(rig: AlarmRig): Promise<readonly number[]> {
  const { appliance } = rig;
  const target = {
    port: appliance.ports.boards,
    metrics: appliance.metricsUrl,
    duration: 3600,
  };
  const loads = [READINGS, FRAMES].map((load) => startLoad({ ...load, ...target }));
  await pause(CALIBRATED_MS);
  const latencies = await trials(rig);
  await Promise.all(loads.map((load) => load.stop()));
  const reports = await Promise.all(loads.map((load) => load.report));
  for (const { server } of reports) {
    if (server === null || server.packets === 0) throw new Error('there was no load');
  }
  return latencies;
}

export const latencySection: Section = {
  name: 'latency',
  title: 'Packet to output: last byte of the deciding packet to the level of the siren',
  async run(progress): Promise<readonly Figure[]> {
    const rig = await AlarmRig.start();
    try {
      progress(`${TRIALS} alarms, nothing else to do`);
      const idle = await trials(rig);
      progress(`${TRIALS} alarms under 1,000 packets/s and 100 frames/s`);
      const loaded = await underLoad(rig);
      return [
        ...latencyFigures('idle', idle),
        ...latencyFigures('under 1,000 packets/s and 100 frames/s', loaded),
      ];
    } finally {
      await rig.stop();
    }
  },
};

/**
 * Twenty boards flat out over TCP, from a process of their own, into decided zone state: each with
 * its own EEPROM and changing frames. A frame counts when its temperatures were computed with a
 * calibration and reached the panel, a sensor packet when a crossing in it alone would have.
 * Beside it a server that only counts the same packets, and the processor time that both take.
 */
import type { LoadReport } from '../src/commands/load-report.ts';
import { ApplianceProcess } from './appliance-process.ts';
import { startLoad } from './load/background.ts';
import { NullServer } from './null-server.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const CLIENTS = 20;

interface Kind {
  readonly name: 'sensor packets' | 'frames';
  readonly packetsPerClient: number;
  readonly options: Readonly<Record<string, boolean>>;
  readonly decided: (report: LoadReport) => number;
}

const KINDS: readonly Kind[] = [
  {
    name: 'sensor packets',
    packetsPerClient: 200_000,
    options: {},
    decided: ({ server }) => server?.decidedPackets ?? 0,
  },
  {
    name: 'frames',
    packetsPerClient: 5_000,
    options: { 'frames-only': true },
    decided: ({ server }) => server?.decidedFrames ?? 0,
  },
];

interface Pace {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

async function intoAppliance(
  kind: Kind,
): Promise<{ readonly pace: Pace; readonly others: readonly Figure[] }> {
  const appliance = await ApplianceProcess.start();
  try {
    const cpuBefore = appliance.cpuSeconds;
    const load = {
      clients: CLIENTS,
      packets: kind.packetsPerClient,
      port: appliance.ports.boards,
    };
    const report = await startLoad({
      ...load,
      ...kind.options,
      metrics: appliance.metricsUrl,
    }).report;
    const cpu = appliance.cpuSeconds - cpuBefore;
    const { server } = report;
    if (server === null) throw new Error('the load test has no figures of the appliance');
    const decided = kind.decided(report);
    return {
      pace: {
        perSecond: decided / server.seconds,
        perCpuSecond: decided / cpu,
      },
      others: [
        figure(`${kind.name}: offered`, report.offered.packets, 'packets'),
        figure(`${kind.name}: lost or not decided`, report.offered.packets - decided, 'packets'),
        figure(`${kind.name}: largest resident memory`, appliance.peakMegabytes, 'MB'),
      ],
    };
  } finally {
    await appliance.stop();
  }
}

async function intoNothing(kind: Kind): Promise<Pace> {
  const server = await NullServer.start();
  try {
    const cpuBefore = server.cpuSeconds;
    const load = {
      clients: CLIENTS,
      packets: kind.packetsPerClient,
      port: server.port,
    };
    const report = await startLoad({
      ...load,
      ...kind.options,
      metrics: server.metricsUrl,
    }).report;
    const cpu = server.cpuSeconds - cpuBefore;
    const counted = report.server?.packets ?? 0;
    return {
      perSecond: report.server?.packetsPerSecond ?? 0,
      perCpuSecond: counted / cpu,
    };
  } finally {
    await server.stop();
  }
}

export const ingestTcpSection: Section = {
  name: 'ingest',
  title: `Ingest over TCP: ${CLIENTS} boards flat out into decided zone state`,
  async run(progress) {
    const figures: Figure[] = [];
    for (const kind of KINDS) {
      progress(`${kind.name} into the appliance`);
      const { pace, others } = await intoAppliance(kind);
      progress(`${kind.name} into a server that only counts them`);
      const nothing = await intoNothing(kind);
      figures.push(
        figure(`${kind.name} decided`, pace.perSecond, '/s'),
        figure(`${kind.name} per second of its processor time`, pace.perCpuSecond, '/s'),
        ...others,
        figure(`${kind.name} only counted`, nothing.perSecond, '/s'),
        figure(
          `${kind.name}: processor time against only counting`,
          nothing.perCpuSecond / pace.perCpuSecond,
          'times',
        ),
      );
    }
    return figures;
  },
};

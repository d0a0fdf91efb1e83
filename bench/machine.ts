/** What the figures were measured on. */
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Mean number of running processes over the last minute, before the measurements. */
  readonly load: number;
}

const atStart: Machine = {
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGigabytes: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  load: loadavg()[0] ?? 0,
};

export function machine(): Machine {
  return atStart;
}

export function machineLine(): string {
  const { cpu, cores, memoryGigabytes, kernel, node, load } = atStart;
  return (
    `${cores} x ${cpu}, ${memoryGigabytes} GB, Linux ${kernel}, node ${node}, ` +
    `load ${load.toFixed(1)} before the start`
  );
}

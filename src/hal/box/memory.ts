/** Memory that programs can still get, and how busy the processor is. */
import type { KernelFiles } from '../bus-ports.ts';
import type { BoxReader, BoxReport } from './report.ts';
import { below, merged, NOTHING, shown, unreadable } from './report.ts';

const MEMORY = 'memory';
const LOAD = 'load';
const HYSTERESIS_PART = 0.25;

/** Readings `memoryAvailableMegabytes`, `load1Tasks`; fault `memoryLow`. */
export function memoryReader(files: KernelFiles, limitMegabytes: number): BoxReader {
  return {
    name: MEMORY,
    async read() {
      return merged([await memory(files, limitMegabytes), await load(files)]);
    },
  };
}

async function memory(files: KernelFiles, limitMegabytes: number): Promise<BoxReport> {
  const text = await files.read('/proc/meminfo');
  if (!text.ok) return unreadable(MEMORY, text.error);
  const [, kibibytes] = /^MemAvailable:\s+(\d{1,15}) kB/m.exec(text.value) ?? [];
  if (kibibytes === undefined) {
    return { ...NOTHING, unread: [{ what: MEMORY, why: '/proc/meminfo has no MemAvailable' }] };
  }
  const megabytes = (Number(kibibytes) * 1024) / 1e6;
  const verdict = below(megabytes, limitMegabytes, limitMegabytes * HYSTERESIS_PART);
  const measured = `${shown(megabytes)} MB of memory available, limit ${shown(limitMegabytes)} MB`;
  const remedy = 'see what takes it with ps aux --sort=-rss, and stop what does not belong here';
  return {
    present: [MEMORY],
    readings: [{ name: 'memoryAvailableMegabytes', value: megabytes, unit: 'megabytes' }],
    conditions: [
      {
        fault: 'memoryLow',
        verdict,
        detail: verdict === 'bad' ? `${measured}: ${remedy}` : measured,
      },
    ],
    unread: [],
  };
}

async function load(files: KernelFiles): Promise<BoxReport> {
  const text = await files.read('/proc/loadavg');
  if (!text.ok) return unreadable(LOAD, text.error);
  const [, minute] = /^(\d{1,9}(?:\.\d{1,9})?) /.exec(text.value) ?? [];
  if (minute === undefined) return NOTHING;
  const reading = { name: 'load1Tasks', value: Number(minute), unit: 'tasks' } as const;
  return { ...NOTHING, present: [LOAD], readings: [reading] };
}

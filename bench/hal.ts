/**
 * Whether a slow bus stops the step: the event loop of a whole appliance, in this process, while an
 * array is read at 16 Hz on a played bus of 400 kHz (each picture half is a system call of 38 ms),
 * beside two serial boards and a Modbus unit; and the same appliance without any of them, in the
 * same run.
 *
 * The delay is what `monitorEventLoopDelay` sees: a timer every millisecond, recorded as the time
 * between two of its calls; that millisecond is taken off. An idle loop shows the timer's own
 * coarseness.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { startAppliance } from '../src/appliance.ts';
import type { Appliance } from '../src/appliance.ts';
import { systemClock, systemRandom } from '../src/clock.ts';
import { parseConfig } from '../src/config.ts';
import { createLinuxI2c } from '../src/hal/i2c-linux.ts';
import { createModbus } from '../src/hal/modbus-wire.ts';
import { createSerialPorts } from '../src/hal/serial-port.ts';
import { simulatedHardware } from '../src/hal/simulated-hardware.ts';
import { silentLog } from '../src/log.ts';
import type { StepReport } from '../src/runtime.ts';
import { pause } from './alarm-rig.ts';
import { HalWorld, halSettings } from './hal-world.ts';
import type { Figure, Section } from './section.ts';
import { figure, latencyFigures } from './section.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const TMPFS = '/dev/shm';
const WARM_UP_MS = 8000;
const MEASURED_MS = 30_000;
const TIMER_MS = 1;

interface Seen {
  readonly stepMs: number[];
  readonly decisionMs: number[];
  readonly readings: Map<string, number>;
  /** Times that a sensor said why it has none. */
  noData: number;
}

interface Phase {
  readonly seen: Seen;
  /** Milliseconds beyond the timer's own. */
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** What passes through the steps while `taking`. */
class Recorder {
  readonly seen: Seen = { stepMs: [], decisionMs: [], readings: new Map(), noData: 0 };
  taking = false;

  take({ inputs, nowMs, startedMs }: StepReport): void {
    if (!this.taking) return;
    this.seen.stepMs.push(nowMs - startedMs);
    let oldestMs = nowMs;
    for (const window of inputs.windows) {
      if (window.kind === 'noData') {
        this.seen.noData += window.count;
        continue;
      }
      if (window.kind === 'opinion') continue;
      oldestMs = Math.min(oldestMs, window.firstAtMs);
      const count = window.kind === 'thermal' ? window.frames : window.count;
      const name = `${window.sensor} ${window.channel}`;
      this.seen.readings.set(name, (this.seen.readings.get(name) ?? 0) + count);
    }
    if (oldestMs < nowMs) this.seen.decisionMs.push(nowMs - oldestMs);
  }
}

async function startWith(
  settings: Readonly<Record<string, unknown>>,
  world: HalWorld,
  recorder: Recorder,
): Promise<{ readonly appliance: Appliance; removeState(): void }> {
  const folders = {
    state: mkdtempSync(join(tmpdir(), 'embereye-hal-')),
    run: mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), 'embereye-hal-')),
  };
  const parsed = parseConfig(
    JSON.stringify({
      device: { id: 'bench' },
      state: { directory: folders.state, runDirectory: folders.run },
      ingest: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0 },
      gpio: { backend: 'simulated', outputs: [{ id: 'siren', role: 'siren', line: 17 }] },
      ...settings,
    }),
    {},
  );
  if (!parsed.ok) throw new Error(`the configuration is broken: ${JSON.stringify(parsed)}`);
  const clock = systemClock();
  const random = systemRandom();
  const threadPath = join(HERE, 'bus-thread.js');
  const appliance = await startAppliance({
    ...{ clock, random, log: silentLog, config: parsed.config },
    configHash: 'bench',
    version: 'bench',
    hardware: {
      ...simulatedHardware(clock),
      serial: createSerialPorts({ clock }),
      i2c: createLinuxI2c({ clock, threadPath, ioctlLibrary: world.ioctlLibrary }),
      modbus: createModbus({ clock, random }),
    },
    writerPath: join(HERE, 'store-writer.js'),
    clockState: () => 'unsynchronised',
    residentBytes: () => process.memoryUsage.rss(),
    hooks: { onStep: (report) => recorder.take(report) },
  });
  const removeState = (): void => {
    for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
  };
  return { appliance, removeState };
}

async function measure(
  settings: Readonly<Record<string, unknown>>,
  world: HalWorld,
): Promise<Phase> {
  const recorder = new Recorder();
  const started = await startWith(settings, world, recorder);
  const { appliance } = started;
  await pause(WARM_UP_MS);
  const monitor = monitorEventLoopDelay({ resolution: TIMER_MS });
  monitor.enable();
  recorder.taking = true;
  await pause(MEASURED_MS);
  recorder.taking = false;
  monitor.disable();
  const faults = appliance.core.runtime.view().faults;
  await appliance.stop('measured');
  started.removeState();
  const beyond = (ns: number): number => Math.max(0, ns / 1e6 - TIMER_MS);
  const delay = {
    p50: beyond(monitor.percentile(50)),
    p99: beyond(monitor.percentile(99)),
    max: beyond(monitor.max),
  };
  if (faults.length > 0) process.stderr.write(`  ... faults: ${JSON.stringify(faults)}\n`);
  return { seen: recorder.seen, delay };
}

function perSecond({ seen }: Phase, name: string): Figure {
  const count = seen.readings.get(name) ?? 0;
  if (count === 0) throw new Error(`nothing came from ${name}: there was nothing to measure`);
  return figure(`decided: ${name}`, (1000 * count) / MEASURED_MS, '/s');
}

function delayFigures(name: string, { delay }: Phase): readonly Figure[] {
  return [
    figure(`${name}: event-loop delay p50`, delay.p50, 'ms', 'less 1 ms of the timer'),
    figure(`${name}: event-loop delay p99`, delay.p99, 'ms', 'less 1 ms of the timer'),
    figure(`${name}: event-loop delay largest`, delay.max, 'ms', 'less 1 ms of the timer'),
  ];
}

export const halSection: Section = {
  name: 'hal',
  title: 'Wired sensors: array at 16 Hz on 400 kHz, two serial boards, Modbus at 10 Hz',
  async run(progress): Promise<readonly Figure[]> {
    const world = await HalWorld.start();
    try {
      progress(`${MEASURED_MS / 1000} s without sensors`);
      const quiet = await measure({}, world);
      progress(`${MEASURED_MS / 1000} s with all of them`);
      const busy = await measure(halSettings(world), world);
      return [
        perSecond(busy, 'array thermal'),
        perSecond(busy, 'board-0 thermal'),
        perSecond(busy, 'board-1 ADC1'),
        perSecond(busy, 'plc register0'),
        figure('subpages overtaken, and other no-data', busy.seen.noData, 'times'),
        ...delayFigures('without sensors', quiet),
        ...delayFigures('with sensors', busy),
        figure('event-loop delay p99, with : without', busy.delay.p99 / quiet.delay.p99, ': 1'),
        ...latencyFigures('step itself, without sensors', quiet.seen.stepMs),
        ...latencyFigures('step itself, with sensors', busy.seen.stepMs),
        ...latencyFigures('reading to decided', busy.seen.decisionMs),
      ];
    } finally {
      await world.stop();
    }
  },
};

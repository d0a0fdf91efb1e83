/**
 * A whole appliance in real time with everything miswired at once, beside a good sensor of each kind:
 * what it says of each mistake, and that the good ones go on.
 *
 * GPIO is the character device backend on a model of the kernel, serial lines are pseudo-terminals
 * under the real serialport, Modbus is modbus-serial over the loopback, a bus that is not there is
 * looked for in the real /dev; arrays are simulated chips on simulated buses.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Appliance } from '../../src/appliance.ts';
import { startAppliance } from '../../src/appliance.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { parseConfig } from '../../src/config.ts';
import type { FaultData } from '../../src/domain/event.ts';
import { openCdevBackend } from '../../src/hal/gpio-cdev.ts';
import type { Hardware } from '../../src/hal/hardware.ts';
import { createKernelFiles } from '../../src/hal/kernel-files.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import { simulatedHardware } from '../../src/hal/simulated-hardware.ts';
import { silentLog } from '../../src/log.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import type { StepReport } from '../../src/runtime.ts';
import {
  Buses,
  FAST_BUS,
  Lines,
  NO_BUS,
  SHARED_ADDRESS,
  SLOW_BUS,
  SWAPPED_ADDRESS,
} from './bad-input-wires.ts';
import { CdevModel } from './cdev-model.ts';
import type { ModbusRig } from './modbus-rigs.ts';
import { tcpRig } from './modbus-rigs.ts';
import { hasSocat } from './pty.ts';

export const CHIP = 'pinctrl-rp1';
const WRITER = join(import.meta.dirname, '../../dist/store-writer.js');
const clock = systemClock();

const thermal = (id: string) => ({ sensor: id, channel: 'thermal', role: 'thermal' });

function sensorsOf(lines: Lines | null, modbusPort: number) {
  const contact = (line: number | string) => ({ chip: CHIP, line, channel: 'call' });
  const unit = (number: number) => ({
    tcp: { host: '127.0.0.1', port: modbusPort },
    unit: number,
    groups: [{ table: 'holding', address: 0, count: 2, cadenceSeconds: 0.5 }],
    channels: [{ channel: 'smoke', register: 0, high: 65_535 }],
  });
  const loop = [{ channel: 'smoke', input: 'voltage0', shuntOhm: 150 }];
  const wired = [
    { id: 'door', driver: 'gpio-contact', options: contact(5) },
    { id: 'wrong-pin', driver: 'gpio-contact', options: contact(99) },
    { id: 'held-pin', driver: 'gpio-contact', options: contact(18) },
    { id: 'forbidden-pin', driver: 'gpio-contact', options: contact(19) },
    { id: 'siren-pin', driver: 'gpio-contact', options: contact('GPIO17') },
    { id: 'array', driver: 'mlx90640-i2c', options: { bus: FAST_BUS } },
    { id: 'no-bus', driver: 'mlx90640-i2c', options: { bus: NO_BUS } },
    { id: 'no-overlay', driver: 'iio-adc', options: { device: 'mcp3008', channels: loop } },
    { id: 'slow-bus', driver: 'mlx90640-i2c', options: { bus: SLOW_BUS, refreshHz: 16 } },
    {
      id: 'two-chips',
      driver: 'mlx90640-i2c',
      options: { bus: FAST_BUS, address: SHARED_ADDRESS },
    },
    { id: 'swapped', driver: 'mlx90640-i2c', options: { bus: FAST_BUS, address: SWAPPED_ADDRESS } },
    { id: 'plc', driver: 'modbus', options: unit(1) },
    { id: 'wrong-unit', driver: 'modbus', options: unit(2) },
  ];
  if (lines === null) return wired;
  const board = (path: string) => ({ path, cadenceSeconds: 1 });
  return [
    ...wired,
    { id: 'board', driver: 'serial-board', options: board(lines.board.path) },
    { id: 'modem', driver: 'serial-board', options: board(lines.modem.path) },
    { id: 'wrong-rate', driver: 'serial-board', options: board(lines.slow.path) },
  ];
}

const CHANNELS: Readonly<Record<string, readonly [channel: string, role: string]>> = {
  'gpio-contact': ['call', 'flameDigital'],
  'iio-adc': ['smoke', 'smoke'],
  modbus: ['smoke', 'smoke'],
  'serial-board': ['ADC1', 'smoke'],
};

/** Faults that follow from what a sensor's own fault says: its channels have no data. */
const CONSEQUENCES = new Set(['noData', 'sensorSilent', 'sourceSilent']);

export interface Told extends FaultData {
  readonly type: string;
  /** Good readings of each sensor until then. */
  readonly readings: ReadonlyMap<string, number>;
}

export class BadInputSite {
  readonly buses: Buses;
  readonly appliance: Appliance;
  readonly #modbus: ModbusRig;
  readonly #lines: Lines | null;
  readonly #close: () => Promise<void>;
  readonly #told: Told[];
  readonly #readings: ReadonlyMap<string, number>;

  private constructor(
    parts: { buses: Buses; modbus: ModbusRig; lines: Lines | null; appliance: Appliance },
    heard: { told: Told[]; readings: ReadonlyMap<string, number> },
    close: () => Promise<void>,
  ) {
    this.buses = parts.buses;
    this.appliance = parts.appliance;
    this.#modbus = parts.modbus;
    this.#lines = parts.lines;
    this.#told = heard.told;
    this.#readings = heard.readings;
    this.#close = close;
  }

  static async start(): Promise<BadInputSite> {
    const lines = hasSocat ? await Lines.plug() : null;
    const modbus = await tcpRig();
    if (modbus.units === null || modbus.address.kind !== 'tcp') throw new Error('no units');
    modbus.units.mischief = ({ unit }) => (unit === 2 ? { kind: 'wrongUnit', unit: 7 } : null);
    const buses = new Buses();
    const chips = new CdevModel(clock);
    chips.addChip(0, CHIP, 54, { 5: 'GPIO5', 17: 'GPIO17' });
    chips.holdElsewhere(CHIP, 18, 'spi0 CS0');
    chips.setFault(CHIP, 19, 'forbidden');
    const opened = await openCdevBackend({ clock, ...partsOf(chips) });
    if (!opened.ok) throw opened.error;
    const folder = mkdtempSync(join(tmpdir(), 'bad-input-'));
    const run = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/bad-input-') : folder;
    const told: Told[] = [];
    const readings = new Map<string, number>();
    const hardware: Hardware = {
      ...{ ...simulatedHardware(clock), gpio: opened.value, i2c: buses },
      ...{ serial: createSerialPorts({ clock }), modbus: modbus.backend },
      files: createKernelFiles({ clock }),
    };
    const sensors = sensorsOf(lines, modbus.address.port);
    const appliance = await startAppliance({
      ...{ clock, random: systemRandom(), log: silentLog, hardware, writerPath: WRITER },
      config: configOf(sensors, folder, run),
      ...{ configHash: 'test', version: 'test', clockState: () => 'synchronised' as const },
      residentBytes: () => 0,
      hooks: { onStep: (report) => listen(report, told, readings) },
    });
    const close = async (): Promise<void> => {
      await appliance.stop('tested');
      chips.remove();
      for (const one of [folder, run]) rmSync(one, { recursive: true, force: true });
    };
    return new BadInputSite({ buses, modbus, lines, appliance }, { told, readings }, close);
  }

  /**
   * What was raised of a sensor itself, in order; its channels' want of data left out, and that the
   * zone of its name is blind.
   */
  raisedOf(subject: string): readonly Told[] {
    return this.#told.filter(
      (one) => one.subject === subject && one.type === 'faultRaised' && one.fault !== 'zoneBlind',
    );
  }

  /** Good readings of a sensor so far. */
  readingsOf(sensor: string): number {
    return this.#readings.get(sensor) ?? 0;
  }

  supervisoryOf(subject: string): readonly Told[] {
    return this.#told.filter((one) => one.subject === subject && one.type === 'supervisoryRaised');
  }

  async stop(): Promise<void> {
    await this.#close();
    await this.#modbus.close();
    await this.#lines?.close();
  }
}

function partsOf({ libc, watch, devDirectory, kernelNs }: CdevModel) {
  return { libc, watch, devDirectory, kernelNs };
}

function configOf(sensors: ReturnType<typeof sensorsOf>, directory: string, runDirectory: string) {
  const parsed = parseConfig(
    JSON.stringify({
      state: { directory, runDirectory },
      ingest: { enabled: false },
      http: { host: '127.0.0.1', port: 0 },
      box: { enabled: false },
      gpio: { outputs: [{ id: 'siren', role: 'siren', chip: CHIP, line: 17 }] },
      sensors,
      zones: sensors.map(({ id, driver }) => {
        const [channel = '', role = ''] = CHANNELS[driver] ?? [];
        const source = channel === '' ? thermal(id) : { sensor: id, channel, role };
        return { id, sensors: [source] };
      }),
    }),
    {},
    PLAN_CHECKS,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function listen({ inputs, events }: StepReport, told: Told[], readings: Map<string, number>): void {
  for (const { type, data } of events) {
    if (type !== 'faultRaised' && type !== 'supervisoryRaised') continue;
    if (!CONSEQUENCES.has(data.fault)) told.push({ ...data, type, readings: new Map(readings) });
  }
  for (const window of inputs.windows) {
    if (window.kind === 'noData') continue;
    readings.set(window.sensor, (readings.get(window.sensor) ?? 0) + 1);
  }
}

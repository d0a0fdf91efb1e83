/** Registers of a Modbus device, on a serial line or over TCP, as channels. */
import type { LevelAccumulator } from '../../domain/evidence-bank.ts';
import type { Channel } from '../channels/channel.ts';
import { createChannel, delayMsOf } from '../channels/channel.ts';
import { listenMs, settingsOf, transferMs } from '../modbus/address.ts';
import type { ModbusChannel, ModbusOptions, PollGroup } from '../modbus/options.ts';
import { addressOf, groupsOf, modbusFields, modbusProblems, scaled } from '../modbus/options.ts';
import { probeUnit } from '../modbus/probe-unit.ts';
import { valueAt } from '../modbus/registers.ts';
import { unitAt } from '../modbus/trouble.ts';
import { UnitHealth } from '../modbus/unit-health.ts';
import { UnitPoller } from '../modbus/unit-poller.ts';
import type { DriverHost, SensorTiming } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

/** Readings further apart than so many cadences have a gap between them: filters start anew. */
const GAP_CADENCES = 3;
const HALF_WAY_PERCENT = 50;

export const modbus = defineSensorDriver({
  kind: 'modbus',
  summary: 'Registers of a Modbus device, RTU on a serial line or TCP',
  options: modbusFields,
  timing: timingOf,
  channels: (options) => options.channels.map(({ channel }) => channel),
  check: modbusProblems,
  open: (options, host) => {
    const address = addressOf(options);
    // Options without a line have been refused by `check`.
    if (address === null) return { close: () => Promise.resolve() };
    const { unit, timeoutMs } = options;
    const health = new UnitHealth(options.groups, host.sensor, (notice) => host.fault(notice));
    const readers = new Map(
      options.groups.map((group, place) => [group, readersOf(options, place, host)]),
    );
    const where = unitAt(address, unit);
    const poller = new UnitPoller<PollGroup>({
      modbus: host.modbus,
      address,
      unit,
      timeoutMs,
      groups: options.groups,
      clock: host.clock,
      random: host.random,
      words: (group, words, atMs) => {
        for (const reader of readers.get(group) ?? []) reader.accept(words, atMs);
        health.succeeded(group, `${where} (${settingsOf(address)})`);
      },
      failed: (group, error, atMs) => {
        for (const reader of readers.get(group) ?? []) reader.missing(error.message, atMs);
        health.failed(group, error);
      },
      told: () => host.requestStep(),
    });
    return { close: () => poller.close() };
  },
  probe: (options, host) => {
    const address = addressOf(options);
    return address === null ? Promise.resolve([]) : probeUnit(options, address, host);
  },
});

/**
 * The slowest group sets the cadence. A reading is late by the filters, and by waiting for the
 * other groups of this unit and for one repetition, before which the line is listened to; other
 * sensors on the line add to that.
 */
function timingOf(options: ModbusOptions): SensorTiming {
  const address = addressOf(options);
  const cadences = options.channels.map((one) => cadenceMsOf(options, one));
  const filters = options.channels.map((one) => delayMsOf(one, cadenceMsOf(options, one)));
  const transfers = options.groups.map((one) => (address === null ? 0 : transferMs(address, one)));
  const { timeoutMs } = options;
  const againMs = timeoutMs + (address === null ? 0 : listenMs(address, timeoutMs));
  const waitMs = transfers.reduce((sum, ms) => sum + ms, 0) + againMs;
  return { cadenceMs: Math.max(...cadences), delayMs: Math.max(...filters) + waitMs };
}

function cadenceMsOf(options: ModbusOptions, one: ModbusChannel): number {
  const [place = 0] = groupsOf(options, one);
  return 1000 * (options.groups[place]?.cadenceSeconds ?? 0);
}

function readersOf(options: ModbusOptions, place: number, host: DriverHost): ChannelReader[] {
  const first = options.groups[place]?.address ?? 0;
  return options.channels
    .filter((one) => groupsOf(options, one).includes(place))
    .map((one) => new ChannelReader(one, first, cadenceMsOf(options, one), host));
}

/** One channel: from the registers of its group to evidence. */
class ChannelReader {
  readonly #options: ModbusChannel;
  readonly #at: number;
  readonly #channel: Channel;
  readonly #level: LevelAccumulator;
  readonly #host: DriverHost;

  constructor(options: ModbusChannel, first: number, cadenceMs: number, host: DriverHost) {
    this.#options = options;
    this.#at = options.register - first;
    this.#channel = createChannel({ ...scaled(options), maxGapMs: GAP_CADENCES * cadenceMs });
    this.#level = host.bank.level(host.sensor, options.channel);
    this.#host = host;
  }

  accept(words: Uint16Array, atMs: number): void {
    const { channel, sentinels, factor, offset, digital, register } = this.#options;
    const read = valueAt(words, this.#at, this.#options, sentinels);
    const { bank, sensor } = this.#host;
    if (!read.ok) {
      this.#channel.interrupt();
      bank.noData(sensor, channel, read.reason, `register ${register}: ${read.detail}`, atMs);
      return;
    }
    const outcome = this.#channel.accept(read.value * factor + offset, atMs);
    if (outcome.kind === 'noData') {
      const detail = `register ${register}: ${outcome.detail}`;
      bank.noData(sensor, channel, outcome.reason, detail, atMs);
    } else if (outcome.kind === 'value') {
      const { percent } = outcome;
      this.#level.add(digital ? Number(percent >= HALF_WAY_PERCENT) : percent, atMs);
    }
  }

  missing(why: string, atMs: number): void {
    this.#channel.interrupt();
    this.#host.bank.noData(this.#host.sensor, this.#options.channel, 'hardware', why, atMs);
  }
}

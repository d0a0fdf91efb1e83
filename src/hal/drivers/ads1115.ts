/** ADS1115 and ADS1015: four inputs on I2C, one conversion at a time (`ads1115-registers.ts`). */
import type { AdsConversion, AdsModel } from '../adc/ads1115-registers.ts';
import {
  ADS_DATA_RATES,
  ADS_INPUTS,
  ADS_RANGES_VOLTS,
  adsRange,
  adsReading,
  CONFIG_AFTER_RESET,
  CONFIG_REGISTER,
  configWord,
  CONVERSION_REGISTER,
  conversionMs,
  OS_BIT,
} from '../adc/ads1115-registers.ts';
import {
  analogChains,
  analogFields,
  analogProblems,
  analogTiming,
  cadenceField,
  oneOf,
  paceProblems,
} from '../adc/analog-options.ts';
import type { Converter, Pause, Voltage } from '../adc/sampler.ts';
import { startSampler } from '../adc/sampler.ts';
import type { I2cBus } from '../bus-ports.ts';
import type { OptionProblem } from '../option-fields.ts';
import { choice, group, list, number, optional, text } from '../option-fields.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

const USUAL_RATE = { ads1115: 128, ads1015: 1600 } as const;
/** Five short transfers per conversion at 100 kHz, the slowest usual bus. */
const TRANSFERS_MS = 3;
/** A conversion that is not over after twice its time never will be; a busy bus adds to it. */
const PATIENCE_MS = 20;
const POLL_MS = 1;

interface Options {
  readonly bus: string;
  readonly address: number;
  readonly model: AdsModel;
  readonly dataRate: number | null;
  readonly channels: readonly {
    readonly input: AdsConversion['input'];
    readonly rangeVolts: number;
  }[];
}

export const ads1115 = defineSensorDriver({
  kind: 'ads1115',
  summary: 'Four analog inputs of an ADS1115 (16 bit) or ADS1015 (12 bit) on I2C',
  options: {
    bus: text('The I2C bus, for example /dev/i2c-1'),
    address: number('0x48..0x4b by the pin ADDR', { min: 0x48, max: 0x4b, whole: true }, 0x48),
    model: choice('Which chip', ['ads1115', 'ads1015'], 'ads1115'),
    cadenceSeconds: cadenceField,
    dataRate: optional(
      number('Samples per second of one conversion; default 128, ads1015: 1600', {
        min: 8,
        max: 3300,
        whole: true,
      }),
    ),
    channels: list(
      'The channels',
      group('One channel', {
        ...analogFields,
        input: choice('Pin against ground, or two pins', ADS_INPUTS),
        rangeVolts: oneOf('Full scale of the amplifier; a pin never bears more than VDD', [
          ...ADS_RANGES_VOLTS,
        ]),
      }),
      { min: 1, max: 8 },
    ),
  },
  timing: (options) => analogTiming(options.channels, options.cadenceSeconds, roundMsOf(options)),
  channels: ({ channels }) => channels.map(({ channel }) => channel),
  claims: ({ bus, address }) => [`i2c:${bus}:${hex(address)}`],
  check: (options) => [
    ...rateProblems(options),
    ...analogProblems(options.channels, ({ rangeVolts }) => adsRange(options.model, rangeVolts)),
    ...paceProblems(options.cadenceSeconds, roundMsOf(options), paceOf(options)),
  ],
  open: (options, host) =>
    startSampler({
      host,
      what: nameOf(options),
      cadenceMs: options.cadenceSeconds * 1000,
      channels: analogChains(options.channels, options.cadenceSeconds),
      open: async (pause) => {
        const bus = await host.i2c.open(options.bus);
        if (!bus.ok) return bus;
        return done(new AdsConverter(bus.value, options, pause));
      },
    }),
  probe: probeAds,
});

class AdsConverter implements Converter {
  readonly #bus: I2cBus;
  readonly #options: Options;
  readonly #pause: Pause;

  constructor(bus: I2cBus, options: Options, pause: Pause) {
    this.#bus = bus;
    this.#options = options;
    this.#pause = pause;
  }

  close(): Promise<void> {
    return this.#bus.close();
  }

  /**
   * Starts a conversion, waits for it, reads it, and looks once more that it was this one: after a
   * reset in between the chip would answer 0 V.
   */
  async read(index: number): Promise<HalResult<Voltage>> {
    const channel = this.#options.channels[index];
    if (channel === undefined) return failed('other', `there is no channel ${index}`);
    const { model, address } = this.#options;
    const dataRate = dataRateOf(this.#options);
    const config = configWord(model, { ...channel, dataRate });
    const start = Uint8Array.of(CONFIG_REGISTER, config >> 8, config & 0xff);
    const started = await this.#bus.transfer(address, start, 0);
    if (!started.ok) return started;
    const finished = await this.#finished(config, conversionMs(dataRate));
    if (!finished.ok) return finished;
    const word = await this.#register(CONVERSION_REGISTER);
    if (!word.ok) return word;
    const still = await this.#register(CONFIG_REGISTER);
    if (!still.ok) return still;
    if (still.value !== config) return this.#otherConfig(config, still.value);
    const reading = adsReading(model, word.value, channel.rangeVolts);
    if (reading !== null) return done(reading);
    const remedy = 'is it an ADS1115? Set model: ads1115';
    return failed('corrupt', `the result ${hex(word.value)} has more than 12 bits; ${remedy}`);
  }

  /** Waits until the chip says that no conversion is under way. */
  async #finished(config: number, takesMs: number): Promise<HalResult> {
    await this.#pause(takesMs);
    const polls = Math.ceil((takesMs + PATIENCE_MS) / POLL_MS);
    for (let poll = 0; poll < polls; poll++) {
      const word = await this.#register(CONFIG_REGISTER);
      if (!word.ok) return word;
      if ((word.value | OS_BIT) !== config) return this.#otherConfig(config, word.value);
      if ((word.value & OS_BIT) !== 0) return done(undefined);
      await this.#pause(POLL_MS);
    }
    const ms = Math.round(2 * takesMs + PATIENCE_MS);
    return failed(
      'timeout',
      `a conversion has not ended after ${ms} ms; take its power for a moment`,
    );
  }

  async #register(register: number): Promise<HalResult<number>> {
    const bytes = await this.#bus.transfer(this.#options.address, Uint8Array.of(register), 2);
    if (!bytes.ok) return bytes;
    return done(((bytes.value[0] ?? 0) << 8) | (bytes.value[1] ?? 0));
  }

  #otherConfig(written: number, read: number): ReturnType<typeof failed> {
    const why =
      (read | OS_BIT) === CONFIG_AFTER_RESET
        ? 'the chip was reset: check its supply'
        : 'another device at this address, another program that uses the chip, or a disturbed bus';
    return failed('corrupt', `wrote the configuration ${hex(written)}, read ${hex(read)}: ${why}`);
  }
}

function rateProblems({ model, dataRate }: Options): readonly OptionProblem[] {
  const rates = ADS_DATA_RATES[model];
  if (dataRate === null || rates.includes(dataRate)) return [];
  const remedy = `give one of ${rates.join(', ')}`;
  return [{ key: 'dataRate', problem: `is ${dataRate}, which ${model} has not`, remedy }];
}

function dataRateOf({ model, dataRate }: Pick<Options, 'model' | 'dataRate'>): number {
  return dataRate ?? USUAL_RATE[model];
}

function roundMsOf(options: Options): number {
  return options.channels.length * (conversionMs(dataRateOf(options)) + TRANSFERS_MS);
}

function paceOf(options: Options): string {
  const rate = dataRateOf(options);
  const conversion = `${conversionMs(rate).toFixed(1)} ms at ${rate} per second`;
  return `${options.channels.length} x (${conversion} + ${TRANSFERS_MS} ms of bus)`;
}

function nameOf({ model, address, bus }: Pick<Options, 'model' | 'address' | 'bus'>): string {
  return `${model.toUpperCase()} at ${hex(address)} on ${bus}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Reads the configuration only: a conversion would disturb an appliance that runs. */
async function probeAds(options: Options, host: ProbeHost): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${host.sensor}`;
  const subject = nameOf(options);
  const opened = await host.i2c.open(options.bus);
  if (!opened.ok) {
    const remedy = 'see the findings about I2C';
    return [{ area, subject, state: 'failed', found: opened.error.message, remedy }];
  }
  const ask = Uint8Array.of(CONFIG_REGISTER);
  const answer = await opened.value.transfer(options.address, ask, 2);
  await opened.value.close();
  if (!answer.ok) {
    const remedy =
      'check VDD, GND, SDA, SCL and where ADDR goes: GND 0x48, VDD 0x49, SDA 0x4a, SCL 0x4b';
    return [{ area, subject, state: 'failed', found: answer.error.message, remedy }];
  }
  const word = ((answer.value[0] ?? 0) << 8) | (answer.value[1] ?? 0);
  const found = `answers, configuration ${hex(word)}`;
  if (word === 0x0000 || word === 0xffff) {
    const remedy = 'an ADS1115 never holds this: check which device has this address';
    return [{ area, subject, state: 'warning', found, remedy }];
  }
  return [{ area, subject, state: 'ok', found, remedy: null }];
}

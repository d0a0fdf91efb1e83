/** What the options of all converters have in common. */
import { atPin, createChannel, delayMsOf } from '../channels/channel.ts';
import type { Channel } from '../channels/channel.ts';
import { uncalibrated } from '../channels/calibration.ts';
import { NE43 } from '../channels/ne43.ts';
import type { ChannelOptions, ElectricalOptions } from '../channels/options.ts';
import {
  channelFields,
  channelName,
  channelProblems,
  resolveChannel,
} from '../channels/options.ts';
import type { Field, OptionProblem } from '../option-fields.ts';
import { choice, number, optional } from '../option-fields.ts';
import type { SensorTiming } from '../sensor-driver.ts';

/** Of one channel of a converter; a driver adds the input. */
export const analogFields = {
  channel: channelName(),
  divider: number('Volts at the source per volt at the pin', { min: 0.001, max: 10_000 }, 1),
  shuntOhm: optional(
    number('Resistor across which a current loop is measured', { min: 0.1, max: 10_000 }),
  ),
  rangeEnd: choice(
    'A reading at the end of the converter: no data, or taken as it is (rail-to-rail sensors)',
    ['outOfRange', 'accept'],
    'outOfRange',
  ),
  ...channelFields,
};

export const cadenceField = number(
  'Time between two readings of a channel',
  { min: 0.05, max: 3600 },
  1,
);

export interface AnalogChannelOptions extends ChannelOptions, ElectricalOptions {
  readonly channel: string;
  readonly input: string;
  readonly rangeEnd: 'outOfRange' | 'accept';
}

/** One of a few numbers, as a data sheet's table has them. */
export function oneOf(
  meaning: string,
  values: readonly number[],
  fallback?: number,
): Field<number> {
  return {
    fallback,
    schema: {
      enum: values,
      description: meaning,
      ...(fallback === undefined ? {} : { default: fallback }),
    },
    read: (raw) => {
      const value = values.find((one) => one === raw);
      return value === undefined ? null : { value };
    },
    expects: `one of ${values.join(', ')}`,
  };
}

/** Voltages at the pin that a converter can tell from its ends; `low` null: it has no lower end. */
export interface PinRange {
  readonly lowVolts: number;
  readonly highVolts: number;
}

/**
 * What the fields alone do not show.
 * @param rangeOf null where the range is not known before the hardware is there
 */
export function analogProblems<C extends AnalogChannelOptions>(
  channels: readonly C[],
  rangeOf: (channel: C) => PinRange | null,
): readonly OptionProblem[] {
  return channels.flatMap((channel, i) => {
    const key = `channels.${i}`;
    return [
      ...twice(channels, i, key),
      ...wiringProblems(channel, key),
      ...channelProblems(channel, key),
      ...rangeProblems(channel, rangeOf(channel), key),
    ];
  });
}

function twice(
  channels: readonly AnalogChannelOptions[],
  i: number,
  key: string,
): readonly OptionProblem[] {
  const { channel, input } = channels[i] ?? {};
  const before = channels.slice(0, i);
  const problems: OptionProblem[] = [];
  if (before.some((other) => other.channel === channel)) {
    const problem = `is "${channel ?? ''}" once more`;
    problems.push({ key: `${key}.channel`, problem, remedy: 'give each channel its own name' });
  }
  if (before.some((other) => other.input === input)) {
    const problem = `is ${input ?? ''} once more`;
    problems.push({ key: `${key}.input`, problem, remedy: 'give each channel its own input' });
  }
  return problems;
}

function wiringProblems(channel: AnalogChannelOptions, key: string): readonly OptionProblem[] {
  const problems: OptionProblem[] = [];
  if (channel.quality === 'namurNe43' && channel.shuntOhm === null) {
    const remedy = 'give shuntOhm, the resistor that the loop current flows through';
    problems.push({ key: `${key}.quality`, problem: 'is namurNe43 on a voltage', remedy });
  }
  const { isLoop } = resolveChannel(channel);
  if (channel.high === null && !isLoop) {
    const unit = channel.shuntOhm === null ? 'voltage' : 'current in mA';
    const remedy = `give the ${unit} at which the sensor shows 100 percent`;
    problems.push({ key: `${key}.high`, problem: 'is missing', remedy });
  }
  return problems;
}

/** A full scale that the converter cannot see would be a fault just when it matters. */
function rangeProblems(
  channel: AnalogChannelOptions,
  range: PinRange | null,
  key: string,
): readonly OptionProblem[] {
  if (range === null) return [];
  const { isLoop, low, high } = resolveChannel(channel);
  if (channel.high === null && !isLoop) return [];
  const inner = [low, high].map((value) =>
    channel.calibration === null ? value : uncalibrated(channel.calibration, value),
  );
  const loopEnds = isLoop ? [NE43.faultAboveMilliamps] : [];
  const volts = [...inner, ...loopEnds].map((value) => atPin(channel, value));
  const highest = Math.max(...volts);
  const lowest = Math.min(...volts);
  const accepts = channel.rangeEnd === 'accept';
  const fitsAbove = accepts ? highest <= range.highVolts * 1.001 : highest < range.highVolts;
  // At its lower end a converter without sign reads 0, which is where most scales begin.
  const fitsBelow = lowest >= range.lowVolts;
  if (fitsAbove && fitsBelow) return [];
  const span = `${range.lowVolts.toFixed(3)}..${range.highVolts.toFixed(3)} V`;
  const asked = `${lowest.toFixed(3)}..${highest.toFixed(3)} V at the pin`;
  const what = isLoop ? 'a fault at 21 mA' : 'full scale';
  return [
    {
      key: `${key}.high`,
      problem: `needs ${asked} for ${what}, and the converter sees ${span}`,
      remedy:
        'use a divider, a smaller shunt or a larger range, or rangeEnd: accept at its very end',
    },
  ];
}

/** The chains of all channels. A reading that is three cadences late has a gap before it. */
export function analogChains(
  channels: readonly AnalogChannelOptions[],
  cadenceSeconds: number,
): readonly { readonly name: string; readonly chain: Channel }[] {
  const maxGapMs = Math.max(1000, 3000 * cadenceSeconds);
  return channels.map((channel) => ({
    name: channel.channel,
    chain: createChannel({ ...channel, maxGapMs }),
  }));
}

/** @param roundMs how long one round over all channels takes: the age of its first reading */
export function analogTiming(
  channels: readonly AnalogChannelOptions[],
  cadenceSeconds: number,
  roundMs: number,
): SensorTiming {
  const cadenceMs = cadenceSeconds * 1000;
  const slowest = Math.max(...channels.map((channel) => delayMsOf(channel, cadenceMs)));
  return { cadenceMs, delayMs: slowest + roundMs };
}

/** A pace that the converter cannot keep, with the arithmetic. */
export function paceProblems(
  cadenceSeconds: number,
  roundMs: number,
  how: string,
): readonly OptionProblem[] {
  if (cadenceSeconds * 1000 >= roundMs) return [];
  return [
    {
      key: 'cadenceSeconds',
      problem: `is ${cadenceSeconds} s, and one round takes ${Math.ceil(roundMs)} ms (${how})`,
      remedy: `give ${(Math.ceil(roundMs / 10) / 100).toFixed(2)} or more, or fewer channels`,
    },
  ];
}

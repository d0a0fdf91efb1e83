/** Any converter that the kernel drives, through its Industrial I/O files (see `iio-files.ts`). */
import type { AnalogChannelOptions } from '../adc/analog-options.ts';
import {
  analogChains,
  analogFields,
  analogProblems,
  analogTiming,
  cadenceField,
  paceProblems,
} from '../adc/analog-options.ts';
import { IIO_INPUT, openIio } from '../adc/iio-files.ts';
import { startSampler } from '../adc/sampler.ts';
import { toldReading } from '../adc/told.ts';
import type { Field } from '../option-fields.ts';
import { group, list, text } from '../option-fields.ts';
import type { ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

/** What the kernel's drivers for such chips need at their usual pace: two conversions at 128 Hz. */
const CONVERSION_MS = 20;

interface Options {
  readonly device: string;
  readonly channels: readonly AnalogChannelOptions[];
}

const iioInput: Field<string> = {
  fallback: undefined,
  schema: {
    type: 'string',
    pattern: IIO_INPUT.source,
    description: 'As in the name of the file in_<input>_raw: voltage0, or voltage0-voltage1',
  },
  read: (raw) => (typeof raw === 'string' && IIO_INPUT.test(raw) ? { value: raw } : null),
  expects: 'voltage0 and so on, or a pair voltage0-voltage1',
};

export const iioAdc = defineSensorDriver({
  kind: 'iio-adc',
  summary: 'Analog inputs of a converter that the kernel drives (IIO: ads1015, mcp320x and others)',
  options: {
    device: text('Name of the IIO device, for example mcp3008, or the path of its folder'),
    cadenceSeconds: cadenceField,
    channels: list('The channels', group('One channel', { ...analogFields, input: iioInput }), {
      min: 1,
      max: 32,
    }),
  },
  timing: ({ channels, cadenceSeconds }) =>
    analogTiming(channels, cadenceSeconds, channels.length * CONVERSION_MS),
  channels: ({ channels }) => channels.map(({ channel }) => channel),
  claims: ({ device, channels }) => channels.map(({ input }) => `iio:${device}:${input}`),
  check: ({ channels, cadenceSeconds }) => [
    ...analogProblems(channels, () => null),
    ...paceProblems(
      cadenceSeconds,
      channels.length * CONVERSION_MS,
      `${channels.length} x ${CONVERSION_MS} ms`,
    ),
  ],
  open: ({ device, channels, cadenceSeconds }, host) =>
    startSampler({
      host,
      what: `IIO device ${device}`,
      cadenceMs: cadenceSeconds * 1000,
      channels: analogChains(channels, cadenceSeconds),
      open: () =>
        openIio(
          host.files,
          device,
          channels.map(({ input }) => input),
        ),
    }),
  probe: probeIio,
});

/** Reads each channel once, as the appliance does. */
async function probeIio(options: Options, host: ProbeHost): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${host.sensor}`;
  const subject = `IIO device ${options.device}`;
  const inputs = options.channels.map(({ input }) => input);
  const opened = await openIio(host.files, options.device, inputs);
  if (!opened.ok) {
    const remedy = 'see what was found: overlay, name of the device, inputs, permissions';
    return [{ area, subject, state: 'failed', found: opened.error.message, remedy }];
  }
  const findings: ProbeFinding[] = [];
  for (const [i, channel] of options.channels.entries()) {
    const told = toldReading(channel, await opened.value.read(i));
    findings.push({
      area,
      subject: `${subject} (${opened.value.path}), ${channel.input}`,
      ...told,
    });
  }
  await opened.value.close();
  return findings;
}

/** MCP3208 and MCP3008: eight inputs on SPI (see `mcp3208-frames.ts`). */
import type { AnalogChannelOptions } from '../adc/analog-options.ts';
import {
  analogChains,
  analogFields,
  analogProblems,
  analogTiming,
  cadenceField,
  paceProblems,
} from '../adc/analog-options.ts';
import type { McpInput, McpModel } from '../adc/mcp3208-frames.ts';
import {
  MCP_HIGHEST_HZ,
  MCP_INPUTS,
  mcpAnswer,
  mcpCommand,
  mcpPins,
  mcpRange,
  mcpVoltage,
} from '../adc/mcp3208-frames.ts';
import type { Voltage } from '../adc/sampler.ts';
import { startSampler } from '../adc/sampler.ts';
import { toldReading } from '../adc/told.ts';
import type { SpiDevice } from '../bus-ports.ts';
import type { OptionProblem } from '../option-fields.ts';
import { choice, flag, group, list, number, text } from '../option-fields.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';

/** What the kernel adds to the bits of one transfer. */
const TRANSFER_MS = 0.2;

interface Options {
  readonly path: string;
  readonly model: McpModel;
  readonly speedHz: number;
  readonly vrefVolts: number;
  readonly repeatCheck: boolean;
  readonly channels: readonly (AnalogChannelOptions & { readonly input: McpInput })[];
}

export const mcp3208 = defineSensorDriver({
  kind: 'mcp3208',
  summary: 'Eight analog inputs of an MCP3208 (12 bit) or MCP3008 (10 bit) on SPI',
  options: {
    path: text('The chip select, for example /dev/spidev0.0'),
    model: choice('Which chip', ['mcp3208', 'mcp3008'], 'mcp3208'),
    speedHz: number(
      'Clock; at 3.3 V not above 1 MHz',
      { min: 20_000, max: 3_600_000, whole: true },
      1_000_000,
    ),
    vrefVolts: number('Voltage at the pin VREF', { min: 0.25, max: 5.5 }),
    cadenceSeconds: cadenceField,
    repeatCheck: flag('Compare each result with its repetition; off for copies without', true),
    channels: list(
      'The channels',
      group('One channel', {
        ...analogFields,
        input: choice('Pin against ground, or two pins, the positive one first', MCP_INPUTS),
      }),
      { min: 1, max: 16 },
    ),
  },
  timing: (options) => analogTiming(options.channels, options.cadenceSeconds, roundMsOf(options)),
  channels: ({ channels }) => channels.map(({ channel }) => channel),
  claims: ({ path, channels }) => [
    ...new Set(channels.flatMap(({ input }) => mcpPins(input)).map((pin) => `spi:${path}:${pin}`)),
  ],
  check: (options) => [
    ...speedProblems(options),
    ...analogProblems(options.channels, () => mcpRange(options.model, options.vrefVolts)),
    ...paceProblems(
      options.cadenceSeconds,
      roundMsOf(options),
      `${options.channels.length} x (40 bits at ${options.speedHz} Hz + ${TRANSFER_MS} ms)`,
    ),
  ],
  open: (options, host) =>
    startSampler({
      host,
      what: nameOf(options),
      cadenceMs: options.cadenceSeconds * 1000,
      channels: analogChains(options.channels, options.cadenceSeconds),
      open: async () => {
        const { path, speedHz } = options;
        const device = await host.spi.open({ path, mode: 0, speedHz });
        if (!device.ok) return device;
        return done({
          read: (index: number) => convert(device.value, options, index),
          close: () => device.value.close(),
        });
      },
    }),
  probe: probeMcp,
});

async function convert(
  device: SpiDevice,
  options: Options,
  index: number,
): Promise<HalResult<Voltage>> {
  const input = options.channels[index]?.input;
  if (input === undefined) return failed('other', `there is no channel ${index}`);
  const { model, vrefVolts, repeatCheck } = options;
  const received = await device.transfer(mcpCommand(model, input));
  if (!received.ok) return received;
  const answer = mcpAnswer(model, received.value, repeatCheck);
  if (answer.kind === 'code') return done(mcpVoltage(model, answer.code, vrefVolts));
  if (answer.kind === 'silent') {
    const why = 'MISO stays high: no chip at this chip select';
    return failed('noAnswer', `${why}; check VDD, CS, DIN, DOUT and CLK, and the path`);
  }
  const remedy = 'check model, wires and ground, or lower speedHz';
  return failed('corrupt', `${input}: ${answer.detail}; ${remedy}`);
}

function speedProblems({ model, speedHz }: Options): readonly OptionProblem[] {
  const highest = MCP_HIGHEST_HZ[model];
  if (speedHz <= highest) return [];
  const problem = `is ${speedHz}, and ${model} does ${highest} at 5 V`;
  return [{ key: 'speedHz', problem, remedy: 'give 1000000' }];
}

function roundMsOf({ channels, speedHz }: Options): number {
  return channels.length * (TRANSFER_MS + 40_000 / speedHz);
}

function nameOf({ model, path }: Options): string {
  return `${model.toUpperCase()} at ${path}`;
}

/** Reads each channel once: a transfer of its own that disturbs nobody. */
async function probeMcp(options: Options, host: ProbeHost): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${host.sensor}`;
  const { path, speedHz, channels } = options;
  const opened = await host.spi.open({ path, mode: 0, speedHz });
  if (!opened.ok) {
    const remedy = 'see the findings about SPI';
    const found = opened.error.message;
    return [{ area, subject: nameOf(options), state: 'failed', found, remedy }];
  }
  const findings: ProbeFinding[] = [];
  for (const [i, channel] of channels.entries()) {
    const reading = await convert(opened.value, options, i);
    const subject = `${nameOf(options)}, ${channel.input}`;
    findings.push({ area, subject, ...toldReading(channel, reading) });
  }
  await opened.value.close();
  return findings;
}

/** The options of the Modbus driver, and what about them only shows when they are put together. */
import { channelFields, channelName, channelProblems } from '../channels/options.ts';
import type { ModbusAddress } from '../bus-ports.ts';
import type { OptionProblem, OptionsOf } from '../option-fields.ts';
import { choice, flag, group, list, number, optional, text } from '../option-fields.ts';
import { requestProblem, transferMs } from './address.ts';
import { REGISTER_TYPES, registersOf } from './registers.ts';

const ADDRESS = { min: 0, max: 65_535, whole: true };
const TABLES = ['holding', 'input', 'coil', 'discrete'] as const;

const serial = group('Serial line, Modbus RTU', {
  path: text('Serial port; a name under /dev/serial/by-id survives replugging'),
  baudRate: number('Bits per second', { min: 300, max: 921_600, whole: true }, 9600),
  parity: choice('Parity; the standard says even', ['none', 'even', 'odd'], 'even'),
  stopBits: number(
    'Stop bits; the standard says 2 without parity',
    { min: 1, max: 2, whole: true },
    1,
  ),
});

const tcp = group('Modbus TCP, also through a gateway', {
  host: text('Address or name of the device or gateway'),
  port: number('TCP port', { min: 1, max: 65_535, whole: true }, 502),
});

const pollGroup = group('Registers that are read with one request', {
  table: choice('Which of the four tables', TABLES),
  address: number('Address of the first, counted from 0: 40001 in a manual is holding 0', ADDRESS),
  count: number('How many registers (at most 125) or bits (at most 2000)', {
    min: 1,
    max: 2000,
    whole: true,
  }),
  cadenceSeconds: number('Time between two readings', { min: 0.1, max: 3600 }, 1),
});

const channel = group('One channel', {
  channel: channelName(),
  register: number('Its address, within one of the groups', ADDRESS),
  table: optional(choice('Its table, where several groups have such an address', TABLES)),
  type: choice('How the registers are to be read', REGISTER_TYPES, 'uint16'),
  bit: optional(number('Which bit of a register, 0 the lowest', { min: 0, max: 15, whole: true })),
  wordOrder: choice('Which half of a 32-bit number comes first', ['big', 'little'], 'big'),
  byteOrder: choice('Which byte of a register comes first', ['big', 'little'], 'big'),
  sentinels: list(
    'Values, as they stand in the registers, with which the device says that it has none',
    number('One value', { min: -2_147_483_648, max: 4_294_967_295 }),
    { min: 0, max: 16 },
    [],
  ),
  factor: number(
    'Unit of the channel per step of the register: 0.1 for tenths',
    { min: -1_000_000, max: 1_000_000 },
    1,
  ),
  offset: number('Added after the factor', { min: -1_000_000, max: 1_000_000 }, 0),
  digital: flag('On or off instead of percent; the limit is half way from low to high', false),
  ...channelFields,
});

export const modbusFields = {
  serial: optional(serial),
  tcp: optional(tcp),
  unit: number('Unit: 1..247 on a serial line, 0..255 over TCP', { min: 0, max: 255, whole: true }),
  timeoutMs: number('How long an answer may take', { min: 20, max: 10_000 }, 500),
  groups: list('Poll groups', pollGroup, { min: 1, max: 32 }),
  channels: list('Channels', channel, { min: 1, max: 64 }),
};

export type ModbusOptions = OptionsOf<typeof modbusFields>;
export type PollGroup = ModbusOptions['groups'][number];
export type ModbusChannel = ModbusOptions['channels'][number];

/** Where the line goes; null where the options name none, or two. */
export function addressOf(options: ModbusOptions): ModbusAddress | null {
  if (options.tcp !== null) {
    return options.serial === null ? { kind: 'tcp', ...options.tcp } : null;
  }
  if (options.serial === null) return null;
  const { stopBits, ...rest } = options.serial;
  return { kind: 'rtu', ...rest, stopBits: stopBits === 2 ? 2 : 1 };
}

/** Places in `groups` that hold all registers of a channel. */
export function groupsOf(options: ModbusOptions, one: ModbusChannel): readonly number[] {
  return options.groups.flatMap((candidate, place) => {
    const { table, address, count } = candidate;
    const fits = one.register >= address && lastOf(one) < address + count;
    return fits && (one.table ?? table) === table ? [place] : [];
  });
}

function lastOf({ register, type }: ModbusChannel): number {
  return register + registersOf(type) - 1;
}

/** Channels as they are without a `low` and `high`: a switch counts from 0 to 1. */
export function scaled(one: ModbusChannel): ModbusChannel {
  if (!one.digital) return one;
  return { ...one, low: one.low ?? 0, high: one.high ?? 1, quality: one.quality ?? 'none' };
}

export function modbusProblems(options: ModbusOptions): readonly OptionProblem[] {
  const address = addressOf(options);
  if (address === null) {
    const both = options.serial !== null;
    const problem = both ? 'is given beside serial' : 'is missing, and so is serial';
    return [{ key: 'tcp', problem, remedy: 'give exactly one of serial and tcp' }];
  }
  return [
    ...options.groups.flatMap((_, place) => groupProblems(options, address, place)),
    ...loadProblems(options, address),
    ...options.channels.flatMap((_, place) => problemsOfChannel(options, place)),
  ];
}

function groupProblems(
  options: ModbusOptions,
  address: ModbusAddress,
  place: number,
): readonly OptionProblem[] {
  const one = options.groups[place];
  if (one === undefined) return [];
  const { unit, timeoutMs } = options;
  const key = `groups.${place}`;
  const wrong = requestProblem(address, { ...one, unit, timeoutMs });
  if (wrong !== null) {
    return [
      { key, problem: `cannot be asked: ${wrong}`, remedy: 'correct unit, address or count' },
    ];
  }
  const neededMs = Math.ceil(transferMs(address, one));
  if (neededMs >= timeoutMs) {
    const problem = `is on the line for ${neededMs} ms, more than timeoutMs ${timeoutMs}`;
    return [{ key, problem, remedy: 'raise timeoutMs or baudRate, or read fewer registers' }];
  }
  if (options.channels.some((channel) => groupsOf(options, channel).includes(place))) return [];
  return [{ key, problem: 'is read by no channel', remedy: 'remove it, or add its channels' }];
}

/** More than a line can carry is a queue that grows for ever. */
function loadProblems(options: ModbusOptions, address: ModbusAddress): readonly OptionProblem[] {
  const shares = options.groups.map((one) => transferMs(address, one) / one.cadenceSeconds / 1000);
  const load = shares.reduce((sum, share) => sum + share, 0);
  if (load < 1) return [];
  const problem = `need ${Math.ceil(load * 100)} % of the time that the line has`;
  return [{ key: 'groups', problem, remedy: 'raise cadenceSeconds or baudRate' }];
}

function problemsOfChannel(options: ModbusOptions, place: number): readonly OptionProblem[] {
  const one = options.channels[place];
  if (one === undefined) return [];
  const key = `channels.${place}`;
  const problems: OptionProblem[] = [...channelProblems(scaled(one), key)];
  const first = options.channels.findIndex(({ channel: name }) => name === one.channel);
  if (first < place) {
    const problem = `is ${one.channel}, as that of channels.${first}`;
    problems.push({ key: `${key}.channel`, problem, remedy: 'give each channel its own name' });
  }
  if (one.factor === 0) {
    problems.push({ key: `${key}.factor`, problem: 'is 0', remedy: 'give another factor' });
  }
  const found = groupsOf(options, one);
  const [inGroup] = found;
  if (inGroup === undefined) {
    const shown = `${one.register}${registersOf(one.type) === 2 ? `..${lastOf(one)}` : ''}`;
    const ofTable = one.table === null ? '' : ` of ${one.table}`;
    const problem = `is ${shown}, which no group${ofTable} has`;
    return [...problems, { key: `${key}.register`, problem, remedy: 'extend or add a group' }];
  }
  const tables = new Set(found.map((group) => options.groups[group]?.table));
  if (tables.size > 1) {
    const problem = `is missing: register ${one.register} is in ${[...tables].join(' and ')}`;
    problems.push({ key: `${key}.table`, problem, remedy: 'give the table' });
  } else if (found.length > 1) {
    const problem = `is ${one.register}, which is in groups.${found.join(' and groups.')}`;
    problems.push({ key: `${key}.register`, problem, remedy: 'read each register in one group' });
  }
  return [...problems, ...typeProblems(options, one, inGroup, key)];
}

function typeProblems(
  options: ModbusOptions,
  { type, bit }: ModbusChannel,
  inGroup: number,
  key: string,
): readonly OptionProblem[] {
  const table = options.groups[inGroup]?.table;
  const isBits = table === 'coil' || table === 'discrete';
  if (isBits && type !== 'bit') {
    const problem = `is ${type}, and ${table} has single bits`;
    return [{ key: `${key}.type`, problem, remedy: 'give type: bit' }];
  }
  const needsBit = type === 'bit' && !isBits;
  if (needsBit && bit === null) {
    return [{ key: `${key}.bit`, problem: 'is missing', remedy: 'give 0..15, 0 the lowest' }];
  }
  if (!needsBit && bit !== null) {
    const problem = `is ${bit}, which ${isBits ? table : type} does not use`;
    return [{ key: `${key}.bit`, problem, remedy: 'remove it' }];
  }
  return [];
}

/** What the options of a Modbus sensor may be, and what they cost in time. */
import { describe, expect, it } from 'vitest';
import type { ModbusAddress } from '../../src/hal/bus-ports.ts';
import { modbus } from '../../src/hal/drivers/modbus.ts';
import { frameGapMs, transferMs } from '../../src/hal/modbus/address.ts';

const BASE = {
  tcp: { host: '10.0.0.7' },
  unit: 7,
  groups: [{ table: 'holding', address: 100, count: 4, cadenceSeconds: 1 }],
  channels: [{ channel: 'A', register: 100 }],
};
type Options = Record<string, unknown>;

describe('the options of a Modbus sensor', () => {
  const problems = (options: Options): string[] => {
    const prepared = modbus.prepare({ ...BASE, ...options });
    return prepared.ok ? [] : prepared.problems.map(({ key, problem }) => `${key} ${problem}`);
  };
  const channel = (more: Options): Options => ({ channels: [{ ...BASE.channels[0], ...more }] });
  const serial = { path: '/dev/ttyUSB0' };

  it('are accepted as they are meant', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ tcp: null, serial })).toEqual([]);
    expect(problems({ unit: 0 })).toEqual([]);
  });

  it.each<[string, Options, RegExp]>([
    ['no line', { tcp: null }, /^tcp is missing/],
    ['two lines', { serial }, /^tcp is given beside serial/],
    ['unit 0 on a serial line', { tcp: null, serial, unit: 0 }, /^groups.0 cannot.*unit 0/],
    [
      'too many registers',
      { groups: [{ ...BASE.groups[0], count: 126 }] },
      /^groups.0 cannot be asked: 126 registers, at most 125/,
    ],
    [
      'registers beyond the last',
      { groups: [{ ...BASE.groups[0], address: 65_535 }], ...channel({ register: 65_535 }) },
      /^groups.0 cannot be asked: addresses 65535..65538/,
    ],
    [
      'a timeout shorter than the answer',
      { tcp: null, serial, timeoutMs: 20 },
      /^groups.0 is on the line for 33 ms, more than timeoutMs 20/,
    ],
    [
      'a line that is too slow',
      {
        tcp: null,
        serial: { ...serial, baudRate: 1200 },
        groups: [{ ...BASE.groups[0], cadenceSeconds: 0.2 }],
      },
      /^groups need 129 % of the time/,
    ],
    [
      'a group that nobody reads',
      { groups: [...BASE.groups, { table: 'coil', address: 0, count: 1 }] },
      /^groups.1 is read by no channel/,
    ],
    ['a register that no group has', channel({ register: 104 }), /^channels.0.register is 104/],
    [
      'a number that ends beyond its group',
      channel({ register: 103, type: 'float32' }),
      /^channels.0.register is 103..104/,
    ],
    [
      'a register that two tables have',
      { groups: [...BASE.groups, { ...BASE.groups[0], table: 'input' }] },
      /^channels.0.table is missing: register 100 is in holding and input/,
    ],
    [
      'a register that two groups have',
      { groups: [...BASE.groups, { ...BASE.groups[0], count: 2 }] },
      /^channels.0.register is 100, which is in groups.0 and groups.1/,
    ],
    ['a bit of nothing', channel({ type: 'bit' }), /^channels.0.bit is missing/],
    ['a bit of a number', channel({ bit: 3 }), /^channels.0.bit is 3, which uint16/],
    ['a factor of 0', channel({ factor: 0 }), /^channels.0.factor is 0/],
    ['an empty range', channel({ low: 5, high: 5 }), /^channels.0.high is 5/],
    [
      'a number made of coils',
      { groups: [{ ...BASE.groups[0], table: 'coil' }] },
      /^channels.0.type is uint16, and coil has single bits/,
    ],
    [
      'one name for two channels',
      { channels: [BASE.channels[0], { channel: 'A', register: 101 }] },
      /^channels.1.channel is A, as that of channels.0/,
    ],
  ])('name %s', (_what, options, words) => {
    expect(problems(options)).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
  });

  it('give the time budget its figures', () => {
    const prepared = modbus.prepare({
      ...BASE,
      tcp: null,
      serial,
      groups: [
        { ...BASE.groups[0], cadenceSeconds: 2 },
        { table: 'discrete', address: 0, count: 1, cadenceSeconds: 5 },
      ],
      channels: [
        { channel: 'A', register: 100, filters: [{ kind: 'median', readings: 3 }] },
        { channel: 'B', register: 0, type: 'bit', digital: true },
      ],
    });
    expect(prepared).toMatchObject({ ok: true, channels: ['A', 'B'], claims: [] });
    // Two readings late at 2 s, the two transfers (8 + 13 and 8 + 6 characters, gaps), one timeout
    // and as long again for an answer that comes late.
    const delayMs = 4000 + ((21 + 14 + 4 * 3.5) * 11_000) / 9600 + 500 + 500;
    if (!prepared.ok) throw new Error('refused');
    expect(prepared.timing.cadenceMs).toBe(5000);
    expect(prepared.timing.delayMs).toBeCloseTo(delayMs, 6);
  });
});

const RTU: ModbusAddress = {
  kind: 'rtu',
  path: '/dev/ttyUSB0',
  baudRate: 9600,
  parity: 'even',
  stopBits: 1,
};
const TCP: ModbusAddress = { kind: 'tcp', host: '10.0.0.7', port: 502 };
describe('the time on a line', () => {
  it('is that of all characters, with start, parity and stop bits', () => {
    // 125 registers: 8 + 255 characters of 11 bits, and two gaps of 3.5.
    expect(transferMs(RTU, { table: 'holding', count: 125 })).toBeCloseTo(309.375, 6);
    expect(transferMs(RTU, { table: 'coil', count: 9 })).toBeCloseTo((22 * 11000) / 9600, 6);
    expect(transferMs(TCP, { table: 'holding', count: 125 })).toBe(0);
  });

  it('has a fixed gap above 19200 baud', () => {
    expect(frameGapMs({ ...RTU, baudRate: 19_200 })).toBeCloseTo(2.005, 3);
    expect(frameGapMs({ ...RTU, baudRate: 115_200 })).toBe(1.75);
    expect(frameGapMs(TCP)).toBe(0);
  });
});

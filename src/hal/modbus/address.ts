/** How a Modbus line is called, how it is set, and how long its bytes take. */
import type { ModbusAddress, ModbusRead } from '../bus-ports.ts';

/** The name of a line in messages. */
export function lineName(address: ModbusAddress): string {
  return address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path;
}

/** `9600 8E1` for a serial line, `TCP` for the other kind. */
export function settingsOf(address: ModbusAddress): string {
  if (address.kind === 'tcp') return 'TCP';
  const parity = { none: 'N', even: 'E', odd: 'O' }[address.parity];
  return `${address.baudRate} 8${parity}${address.stopBits}`;
}

export function sameSettings(one: ModbusAddress, other: ModbusAddress): boolean {
  return lineName(one) === lineName(other) && settingsOf(one) === settingsOf(other);
}

/** Above this rate the silence no longer follows the rate ("over Serial Line", 2.5.1.1). */
const FIXED_GAP_ABOVE_BAUD = 19_200;
const FIXED_GAP_MS = 1.75;
const GAP_CHARACTERS = 3.5;

function characterMs(address: Extract<ModbusAddress, { kind: 'rtu' }>): number {
  const bits = 1 + 8 + (address.parity === 'none' ? 0 : 1) + address.stopBits;
  return (1000 * bits) / address.baudRate;
}

/** Silence between two frames: 3.5 characters on a serial line, none over TCP. */
export function frameGapMs(address: ModbusAddress): number {
  if (address.kind === 'tcp') return 0;
  if (address.baudRate > FIXED_GAP_ABOVE_BAUD) return FIXED_GAP_MS;
  return GAP_CHARACTERS * characterMs(address);
}

/** How long a request and its answer are on the line; over TCP as good as nothing. */
export function transferMs(
  address: ModbusAddress,
  { table, count }: Pick<ModbusRead, 'table' | 'count'>,
): number {
  if (address.kind === 'tcp') return 0;
  const bits = table === 'coil' || table === 'discrete';
  const answer = 5 + (bits ? Math.ceil(count / 8) : 2 * count);
  return (8 + answer) * characterMs(address) + 2 * frameGapMs(address);
}

const LISTEN_AT_LEAST_MS = 100;
const LISTEN_AT_MOST_MS = 1000;

/**
 * How long a line is listened to after a request without answer: answers on a serial line carry no
 * number, so one that comes late would be taken for the answer to the next request.
 */
export function listenMs(address: ModbusAddress, timeoutMs: number): number {
  if (address.kind === 'tcp') return 0;
  return Math.min(Math.max(timeoutMs, LISTEN_AT_LEAST_MS), LISTEN_AT_MOST_MS);
}

const HIGHEST_SERIAL_UNIT = 247;
const HIGHEST_TCP_UNIT = 255;

/** What of a request the line cannot carry; null where it can. */
export function requestProblem(address: ModbusAddress, request: ModbusRead): string | null {
  const { unit, table, count, timeoutMs } = request;
  const bits = table === 'coil' || table === 'discrete';
  const lowest = address.kind === 'rtu' ? 1 : 0;
  const highest = address.kind === 'rtu' ? HIGHEST_SERIAL_UNIT : HIGHEST_TCP_UNIT;
  const most = bits ? 2000 : 125;
  if (!within(unit, lowest, highest)) return `unit ${unit} is not within ${lowest}..${highest}`;
  if (!within(count, 1, most)) return `${count} ${bits ? 'bits' : 'registers'}, at most ${most}`;
  if (!within(request.address, 0, 0x10000 - count)) {
    return `addresses ${request.address}..${request.address + count - 1} are beyond 65535`;
  }
  return timeoutMs > 0 ? null : `a timeout of ${timeoutMs} ms`;
}

function within(value: number, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && value >= lowest && value <= highest;
}

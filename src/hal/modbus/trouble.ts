/** What went wrong on a Modbus line, in words that name the remedy. */
import type { ModbusAddress, ModbusRead } from '../bus-ports.ts';
import type { HalErrorKind, HalResult } from '../ports.ts';
import { failed } from '../ports.ts';
import { lineName, settingsOf } from './address.ts';

type Failure = Extract<HalResult, { readonly ok: false }>;

/** "MODBUS Application Protocol" V1.1b3, section 7. */
const EXCEPTIONS: Readonly<Record<number, readonly [name: string, remedy: string]>> = {
  1: ['illegal function', 'it has no such table: try holding instead of input, or the reverse'],
  2: ['illegal data address', 'its manual tells which registers it has; many count from 1'],
  3: ['illegal data value', 'read fewer registers at a time'],
  4: ['server device failure', 'the device itself has failed: look at its own display or log'],
  5: ['acknowledge', 'it is busy with a long task: poll it less often'],
  6: ['server device busy', 'poll it less often'],
  8: ['memory parity error', 'the device itself has failed: replace it'],
  10: ['gateway path unavailable', 'the gateway does not know this unit: check its routing table'],
  11: [
    'gateway target failed to respond',
    'the gateway works, the unit behind it is silent: check its power, address and wires',
  ],
};

/** The command or the handle that mends this kind of trouble on such a line. */
export function remedyOf(kind: HalErrorKind, address: ModbusAddress): string {
  const rtu = address.kind === 'rtu';
  const settings = settingsOf(address);
  if (kind === 'timeout') {
    return rtu
      ? 'check its power and address switch, whether the wires A and B are swapped, ' +
          `the termination, and whether it is set to ${settings}`
      : 'check its power, the unit number, and whether a gateway in between knows it';
  }
  if (kind === 'corrupt') {
    return rtu
      ? 'check termination and shield, whether two units have one address, ' +
          `and whether all are set to ${settings}`
      : 'check that the port is one of Modbus TCP and no other program shares the connection';
  }
  if (kind === 'absent') {
    return rtu
      ? 'check that the adapter is plugged in: ls -l /dev/serial/by-id'
      : 'check cable, address and port, and that Modbus TCP is switched on in the device';
  }
  if (kind === 'permission') return 'sudo usermod -aG dialout embereye, then restart';
  if (kind === 'busy') return 'end the program that has it open, or give all its users one setting';
  return 'compare the configuration with the manual of the device';
}

/** `unit 7 on /dev/ttyUSB0` */
export function unitAt(address: ModbusAddress, unit: number): string {
  return `unit ${unit} on ${lineName(address)}`;
}

export function noAnswer(address: ModbusAddress, request: ModbusRead): Failure {
  const what = `${unitAt(address, request.unit)} does not answer within ${request.timeoutMs} ms`;
  return failed('timeout', `${what}: ${remedyOf('timeout', address)}`);
}

export function corrupt(address: ModbusAddress, request: ModbusRead, why: string): Failure {
  const what = `${unitAt(address, request.unit)}: ${why}`;
  return failed('corrupt', `${what}; ${remedyOf('corrupt', address)}`);
}

/** An adapter that hears what it sends itself. */
export function echo(address: ModbusAddress, request: ModbusRead): Failure {
  const what = `${unitAt(address, request.unit)}: the request itself came back`;
  const remedy = 'switch the echo of the RS-485 adapter off (RE and DE joined, or its jumper)';
  return failed('corrupt', `${what}; ${remedy}`);
}

/** A unit that answers for another: two units with one address, or a gateway that mixes them up. */
export function wrongUnit(address: ModbusAddress, request: ModbusRead, got: number): Failure {
  const what = `unit ${got} answered for unit ${request.unit} on ${lineName(address)}`;
  const remedy = 'check the address switches of both, and the gateway where there is one';
  return failed('corrupt', `${what}; ${remedy}`);
}

export function exception(address: ModbusAddress, request: ModbusRead, code: number): Failure {
  const [name, remedy] = EXCEPTIONS[code] ?? ['not in the standard', 'see its manual'];
  const { table, count } = request;
  const last = request.address + count - 1;
  const where = `${table} ${request.address}${count > 1 ? `..${last}` : ''}`;
  const what = `${unitAt(address, request.unit)} refuses ${where}`;
  return failed('other', `${what} with exception ${code} (${name}): ${remedy}`);
}

export function lineClosed(name: string): Failure {
  return failed('other', `${name} is closed`);
}

/** Modbus lines with units of the simulator at their far end: simulated, real TCP, a real terminal. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { ModbusAddress, ModbusBackend } from '../../src/hal/bus-ports.ts';
import { lineName } from '../../src/hal/modbus/address.ts';
import { createModbus } from '../../src/hal/modbus-wire.ts';
import { SimulatedModbus } from '../../src/hal/simulated-modbus.ts';
import { ModbusRtuUnits } from '../../src/simulator/modbus-rtu.ts';
import { ModbusTcpConnection } from '../../src/simulator/modbus-tcp.ts';
import type { UnitTables } from '../../src/simulator/modbus-unit.ts';
import { ModbusUnits } from '../../src/simulator/modbus-unit.ts';
import { hasSocat, PtyBoard } from './pty.ts';

export const UNITS = [1, 2, 7] as const;
export const REGISTERS = 300;

/** What a register of a unit holds: no two units have a value in common. */
export function wordOf(unit: number, table: 'holding' | 'input', address: number): number {
  return unit * 5000 + (table === 'holding' ? 0 : 1000) + address;
}

export function bitOf(unit: number, address: number): number {
  return (unit + address + (address >> 2)) & 1;
}

function tablesOf(unit: number): UnitTables & { coil: Map<number, number> } {
  const words = (table: 'holding' | 'input'): Map<number, number> =>
    new Map(Array.from({ length: REGISTERS }, (_, at) => [at, wordOf(unit, table, at)]));
  const bits = new Map(Array.from({ length: REGISTERS }, (_, at) => [at, bitOf(unit, at)]));
  return { holding: words('holding'), input: words('input'), coil: bits, discrete: bits };
}

/** One line with the units 1, 2 and 7. */
export interface ModbusRig {
  readonly backend: ModbusBackend;
  readonly address: ModbusAddress;
  /** Makes the units behave badly; what only bytes can do is not there on a simulated line. */
  readonly units: ModbusUnits | null;
  /** How long units think, asked for each request. */
  answerMs: () => number;
  /** Takes the line away, and brings it back. */
  unplug(): Promise<void>;
  replug(): Promise<void>;
  close(): Promise<void>;
}

const clock = systemClock();

export async function simulatedRig(): Promise<ModbusRig> {
  const backend = new SimulatedModbus(clock);
  const address: ModbusAddress = { kind: 'tcp', host: 'simulated', port: 502 };
  const attach = async (): Promise<void> => {
    for (const unit of UNITS) {
      const { holding, input, coil, discrete } = tablesOf(unit);
      const tables = { holding, input, coil, discrete } as Parameters<typeof backend.attach>[2];
      backend.attach(lineName(address), unit, tables);
    }
  };
  await attach();
  return {
    backend,
    address,
    units: null,
    get answerMs() {
      return () => backend.answerMs;
    },
    set answerMs(answer: () => number) {
      backend.answerMs = answer();
    },
    unplug: async () => backend.unplug(lineName(address)),
    replug: attach,
    close: async () => undefined,
  };
}

function simulatorUnits(): ModbusUnits {
  const units = new ModbusUnits();
  for (const unit of UNITS) units.attach(unit, tablesOf(unit));
  return units;
}

export async function tcpRig(): Promise<ModbusRig> {
  const units = simulatorUnits();
  const sockets = new Set<Socket>();
  let server: Server | null = null;
  const listen = async (port: number): Promise<number> => {
    const fresh = createServer((socket) => serve(socket));
    server = fresh;
    await new Promise<void>((resolve, reject) => {
      fresh.once('error', reject);
      fresh.listen(port, '127.0.0.1', resolve);
    });
    return (fresh.address() as AddressInfo).port;
  };
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    const connection = new ModbusTcpConnection({
      units,
      clock,
      send: (bytes) => socket.write(bytes),
      hangUp: () => socket.destroy(),
      answerMs: () => rig.answerMs(),
    });
    socket.on('data', (bytes) => connection.receive(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      connection.stop();
    });
  };
  const stop = async (): Promise<void> => {
    const closing = server;
    server = null;
    for (const socket of sockets) socket.destroy();
    if (closing !== null) await new Promise((resolve) => closing.close(resolve));
  };
  const port = await listen(0);
  const rig: ModbusRig = {
    backend: createModbus({ clock, random: systemRandom() }),
    address: { kind: 'tcp', host: '127.0.0.1', port },
    units,
    answerMs: () => 0,
    unplug: stop,
    replug: async () => {
      await listen(port);
    },
    close: stop,
  };
  return rig;
}

export async function ptyRig(): Promise<ModbusRig> {
  const units = simulatorUnits();
  const line = await PtyBoard.create();
  const slave = new ModbusRtuUnits({
    units,
    clock,
    send: (bytes) => line.send(bytes),
    answerMs: () => rig.answerMs(),
  });
  line.onReceive = (bytes) => slave.receive(bytes);
  await line.plug();
  const rig: ModbusRig = {
    backend: createModbus({ clock, random: systemRandom() }),
    address: { kind: 'rtu', path: line.path, baudRate: 38_400, parity: 'even', stopBits: 1 },
    units,
    answerMs: () => 0,
    unplug: () => line.unplug(),
    replug: () => line.plug(),
    close: async () => {
      slave.stop();
      await line.close();
    },
  };
  return rig;
}

export const modbusRigs = [
  { name: 'simulated', present: true, make: simulatedRig },
  { name: 'modbus-serial over TCP on the loopback', present: true, make: tcpRig },
  { name: 'modbus-serial on a pseudo-terminal (needs socat)', present: hasSocat, make: ptyRig },
];

import { describe, expect, it } from 'vitest';
import { runSimulateBoard } from '../../src/commands/simulate-board.ts';
import { parseEndpoint } from '../../src/commands/simulate-board-io.ts';
import { commandIo, openPort } from './sink.ts';

const hello = (socket: { write(text: string): unknown }, all: string): void => {
  if (all === '') socket.write('PERIOD_ON');
};

describe('simulate-board', () => {
  it('dials in, announces itself and streams when told to', async () => {
    const port = await openPort(hello);
    const io = commandIo();
    const done = runSimulateBoard(
      { to: `127.0.0.1:${port.port}`, cadenceSeconds: 0.2, serial: 'A7', location: 'boiler room' },
      io,
    );
    await port.when(() => (port.received(0).match(/#Sensor/g) ?? []).length === 2);
    io.stop();
    expect(await done).toBe(0);
    expect(port.received(0)).toMatch(/^#serialno:A7!\r\n#locid:boiler room!\r\n#frameboiler room:/);
    expect(io.errors.at(-1)).toMatch(/^board 1: \d+ frames/);
    await port.close();
  });

  it('runs several boards, each with its own serial number, location and array', async () => {
    const port = await openPort((socket, all) => {
      if (all === '') socket.write('EEPROM1');
    });
    const io = commandIo();
    const to = `127.0.0.1:${port.port}`;
    const done = runSimulateBoard({ to, boards: 3, serial: 'N', cadenceSeconds: 0.2 }, io);
    const all = (): readonly string[] => [0, 1, 2].map((i) => port.received(i));
    await port.when(() => all().every((text) => /#EEPROM.*!/.test(text)));
    io.stop();
    await done;
    const serials = all().map((text) => /#serialno:([^!]*)!/.exec(text)?.[1]);
    expect(serials.sort()).toEqual(['N', 'N-2', 'N-3']);
    const eeproms = all().map((text) => /#EEPROM[^:]*:([^!]*)!/.exec(text)?.[1]);
    expect(new Set(eeproms).size).toBe(3);
    await port.close();
  });

  it.each(['reboot', 'drop', 'abandon'] as const)(
    'comes back after this fault: %s',
    async (kind) => {
      const port = await openPort(hello);
      const io = commandIo();
      const to = `127.0.0.1:${port.port}`;
      const faults = [{ atSeconds: 0.3, kind }];
      const done = runSimulateBoard({ to, cadenceSeconds: 0.2, faults }, io);
      await port.when(() => port.received(1).includes('#Sensor'));
      expect(port.received(1)).toMatch(/^#serialno:SIM0001!\r\n/);
      expect(port.sockets[0]?.closed).toBe(kind !== 'abandon');
      io.stop();
      await done;
      await port.close();
    },
  );

  it.each([
    [{ to: 'x' }, /HOST:PORT/],
    [{ to: ':4888', boards: 0 }, /--boards: 0/],
    [{ to: ':4888', cadenceSeconds: 0 }, /--cadence: 0/],
  ])('refuses %j', async (options, message) => {
    const io = commandIo();
    expect(await runSimulateBoard(options, io)).toBe(2);
    expect(io.errors.join()).toMatch(message);
  });
});

describe('address of an appliance', () => {
  it.each([
    ['10.0.0.1:4888', { host: '10.0.0.1', port: 4888 }],
    [':4888', { host: '127.0.0.1', port: 4888 }],
    ['4888', { host: '127.0.0.1', port: 4888 }],
    ['[::1]:4888', { host: '::1', port: 4888 }],
  ])('reads %s', (text, endpoint) => expect(parseEndpoint(text)).toEqual(endpoint));

  it.each(['', 'host', 'host:', 'host:0', 'host:70000', 'host:x'])('refuses "%s"', (text) =>
    expect(() => parseEndpoint(text)).toThrow(/HOST:PORT/),
  );
});

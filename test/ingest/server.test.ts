import { afterEach, describe, expect, it } from 'vitest';
import { parseAllowList } from '../../src/ingest/allow-list.ts';
import { levelsOf, percent, profile } from '../line-protocol/world.ts';
import { type StandOptions, listenOn, openStand } from './fakes.ts';

type Stand = Awaited<ReturnType<typeof openStand>>;
const open: Stand[] = [];
async function stand(options: StandOptions = {}): Promise<Stand> {
  const opened = await openStand(options);
  open.push(opened);
  return opened;
}
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

const PACKET = '#Sensor:ADC1=100,ADC2=200,ADC3:=3,DIO=0!\r\n';

describe('board server', () => {
  it('takes a board from its first byte to evidence and commands', async () => {
    const { world, dial, until, batches, server } = await stand();
    const board = await dial();
    board.say('#serialno:S1!\r\n#locid:hall!\r\n');
    await until(() => board.received.includes('PERIOD_ON'));
    board.say('#Sensor:ADC1=2000!\r\n');
    await until(() => board.received.includes('EEPROM1'));
    await until(() => batches() > 0);
    expect(levelsOf(world.bank.drain()).get('s1/ADC1')).toMatchObject({ last: percent(2000) });
    expect(server.boardStatuses()).toMatchObject([
      { sensor: 's1', announced: 'S1', connections: 1, packets: 1, address: '127.0.0.1' },
    ]);
  });

  it('loses nothing of a flood, pauses it, and hears another board meanwhile', async () => {
    const { world, dial, until, counters, onBatch } = await stand();
    const packets = 300_000;
    let floodWhenHeard: number | null = null;
    onBatch(() => {
      const levels = levelsOf(world.bank.drain());
      if (levels.has('quiet/ADC1')) floodWhenHeard ??= counters.line.packets.sensor;
    });
    const flood = await dial();
    const quiet = await dial();
    flood.say('#locid:flood!');
    quiet.say('#locid:quiet!');
    await until(() => counters.line.packets.locid === 2);
    const block = PACKET.repeat(10_000);
    for (let sent = 0; sent < packets; sent += 10_000) flood.say(block);
    await until(() => counters.line.packets.sensor > 0);
    quiet.say('#Sensor:ADC1=4000!');
    await until(() => counters.line.packets.sensor === packets + 1);
    await until(() => floodWhenHeard !== null);
    expect(floodWhenHeard).toBeLessThan(packets);
    expect(counters.paused).toBeGreaterThan(0);
    expect(Object.values(counters.line.errors).every((count) => count === 0)).toBe(true);
  });

  it('reads what a client sent before it hung up', async () => {
    const { world, dial, until, counters } = await stand();
    const board = await dial();
    board.say(`#locid:hall!${PACKET.repeat(5_000)}#Sensor:ADC1=4095!`);
    board.socket.end();
    await until(() => counters.closed.peer === 1);
    await until(() => counters.line.packets.sensor === 5_001);
    expect(levelsOf(world.bank.drain()).get('hall/ADC1')).toMatchObject({ last: 100 });
  });

  it('refuses connections beyond its limits, and counts them', async () => {
    const { dial, until, counters } = await stand({ limits: { maxConnections: 2 } });
    const clients = [await dial(), await dial(), await dial()];
    await until(() => clients[2]!.isClosed);
    expect(counters.refused.connectionLimit).toBe(1);
    expect(clients.slice(0, 2).some((client) => client.isClosed)).toBe(false);
    const perAddress = await stand({ limits: { maxConnectionsPerAddress: 1 } });
    await perAddress.dial();
    await perAddress.dial();
    await perAddress.until(() => perAddress.counters.refused.addressLimit === 1);
  });

  it('evicts a client that never said who it was, and never a board', async () => {
    const { dial, until, counters, clock, logs } = await stand({ limits: { maxConnections: 2 } });
    const board = await dial();
    board.say('#locid:hall!#Sensor:ADC1=1!');
    await until(() => counters.line.packets.sensor === 1);
    const silent = await dial();
    await until(() => counters.accepted === 2);
    clock.skip(20_000);
    const newcomer = await dial();
    await until(() => silent.isClosed && counters.closed.evicted === 1);
    expect([board.isClosed, newcomer.isClosed]).toEqual([false, false]);
    expect(logs).toContain('warn: connection evicted');
  });

  it('turns away who is not on the allow-list', async () => {
    const list = parseAllowList(['10.0.0.0/8']);
    const { dial, until, counters } = await stand({ allows: list.ok ? list.allows : () => true });
    const client = await dial();
    await until(() => client.isClosed);
    expect(counters.refused.notAllowed).toBe(1);
    expect(counters.accepted).toBe(0);
  });

  it('closes silent clients, but waits three polls for a board asked seldom', async () => {
    const seldom = profile('seldom', { mode: 'onDemand', pollMs: 3_600_000 });
    const { dial, until, counters, clock } = await stand({ profiles: [seldom] });
    const [silent, hall, board] = [await dial(), await dial(), await dial()];
    hall.say('#locid:hall!#Sensor:ADC1=1!');
    board.say('#locid:seldom!#Sensor:ADC1=1!');
    await until(() => counters.line.packets.sensor === 2);
    clock.skip(61_000);
    await until(() => silent.isClosed);
    expect(hall.isClosed).toBe(false);
    clock.skip(61_000);
    await until(() => hall.isClosed);
    expect(counters.closed.idle).toBe(2);
    expect(board.isClosed).toBe(false);
  });

  it('closes a client that sends nothing but garbage', async () => {
    const { dial, until, counters } = await stand();
    const client = await dial();
    client.say('#bad\u0000'.repeat(40_000));
    await until(() => client.isClosed);
    await until(() => counters.closed.garbage === 1);
    expect(counters.line.errors.notPrintable).toBeGreaterThan(1000);
  });

  it('keeps the newest connection of a serial number', async () => {
    const { dial, until, counters } = await stand();
    const [old, young] = [await dial(), await dial()];
    old.say('#serialno:S1!#Sensor:ADC1=1!');
    await until(() => counters.line.packets.sensor === 1);
    young.say('#serialno:S1!#Sensor:ADC1=2!');
    await until(() => old.isClosed);
    expect(counters.closed.replaced).toBe(1);
    expect(young.isClosed).toBe(false);
  });

  it('keeps two boards behind one address', async () => {
    const { world, dial, until, counters, server } = await stand();
    const [a, b] = [await dial(), await dial()];
    a.say('#serialno:A!#Sensor:ADC1=1!');
    b.say('#serialno:B!#Sensor:ADC1=2!');
    await until(() => counters.line.packets.sensor === 2);
    const levels = levelsOf(world.bank.drain());
    expect([...levels.keys()].sort()).toEqual(['a/ADC1', 'b/ADC1']);
    expect(server.boardStatuses().map((status) => status.connections)).toEqual([1, 1]);
  });

  it('gives up commands that a client does not read', async () => {
    const { dial, until, counters, clock } = await stand({ limits: { writeBufferBytes: 4 } });
    await dial();
    await until(() => counters.accepted === 1);
    clock.skip(1_000);
    await until(() => counters.line.commandsDropped > 0);
    expect(counters.line.commandsSent.period).toBe(0);
  });

  it('says what to do when the port is in use', async () => {
    const { port } = await stand();
    const second = await stand();
    await second.server.close();
    const result = await listenOn(second.server, port);
    expect(result).toMatchObject({ ok: false, code: 'EADDRINUSE' });
    expect(result.ok ? '' : result.message).toContain(`127.0.0.1:${port} is in use`);
  });

  it('closes everything when it is closed', async () => {
    const { dial, server, until, counters } = await stand();
    const client = await dial();
    await until(() => counters.open === 1);
    await server.close();
    await until(() => client.isClosed && counters.open === 0);
    expect(counters.closed.shutdown).toBe(1);
  });
});

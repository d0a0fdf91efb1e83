import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_UNKNOWN_BOARDS } from '../../src/domain/line-protocol/board-registry.ts';
import { HOLD_MS } from '../../src/domain/line-protocol/session.ts';
import {
  type World,
  bytesOf,
  createWorld,
  levelsOf,
  memoryStore,
  percent,
  profile,
} from './world.ts';

/** Sensors whose evidence waits in the bank, by name. */
function heard(world: World): string[] {
  return [...levelsOf(world.bank.drain()).keys()].map((key) => key.split('/')[0] ?? '').sort();
}

describe('identity of boards', () => {
  it('prefers the serial number to the location, and the location to the address', async () => {
    const world = await createWorld();
    const session = world.openSession('10.0.0.7');
    session.receive(bytesOf('#Sensor:ADC1=5!'), 1);
    expect(heard(world)).toEqual(['10_0_0_7']);
    session.receive(bytesOf('#locid:default room!#Sensor:ADC1=5!'), 2);
    expect(heard(world)).toEqual(['default_room']);
    session.receive(bytesOf('#serialno:SN-9!#Sensor:ADC1=5!'), 3);
    expect(heard(world)).toEqual(['sn-9']);
    expect(world.serials).toEqual(['SN-9']);
  });

  it('takes the address map for a location where a board says nothing', async () => {
    const profiles = [profile('attic', { match: { location: 'under the roof' } })];
    const addresses = new Map([['10.0.0.7', 'under the roof']]);
    const world = await createWorld({ profiles, addresses });
    world.openSession('10.0.0.7').receive(bytesOf('#Sensor:ADC1=5!'), 1);
    expect(heard(world)).toEqual(['attic']);
    expect(world.notices).toEqual([]);
  });

  it('announces an unknown board once, however often it reconnects', async () => {
    const world = await createWorld();
    for (let at = 0; at < 3; at++) {
      world.openSession('10.0.0.7', at).receive(bytesOf('#locid:hall!#Sensor:ADC1=5!'), at);
    }
    expect(world.notices).toEqual([
      { kind: 'appeared', sensor: 'hall', address: '10.0.0.7', announced: 'hall' },
    ]);
  });

  it('gives an unknown board never the id of a configured one', async () => {
    const world = await createWorld({ profiles: [profile('hall', { match: { serial: 'S1' } })] });
    world.openSession().receive(bytesOf('#locid:hall!#Sensor:ADC1=5!'), 1);
    expect(heard(world)).toEqual(['hall_2']);
  });

  it('makes a board known that announces itself and says nothing more', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#serialno:S1!'), 0);
    session.receive(bytesOf('#locid:hall!'), 10);
    expect(world.notices).toEqual([]);
    session.due(1000);
    expect(world.commands).toEqual(['PERIOD_ON']);
    expect(world.notices).toMatchObject([{ announced: 'S1' }]);
  });

  it('does not make a board of a client that never says anything', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.due(1000);
    session.due(100_000);
    expect(world.commands.length).toBeGreaterThan(0);
    expect([...world.registry.boards]).toEqual([]);
  });

  it('keeps two boards behind one address apart by what they announce', async () => {
    const world = await createWorld();
    const [a, b] = [world.openSession('10.0.0.7'), world.openSession('10.0.0.7')];
    a.receive(bytesOf('#serialno:A!#Sensor1:ADC1=5!'), 1);
    b.receive(bytesOf('#serialno:B!#Sensor1:ADC1=5!'), 1);
    expect(heard(world)).toEqual(['a', 'b']);
  });

  it('routes by location where several were announced on one connection', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#serialno:G!#locid:north!#locid:south!'), 1);
    session.receive(bytesOf('#Sensornorth:ADC1=1!#Sensorsouth:ADC1=2!#Sensor:ADC1=3!'), 2);
    const levels = levelsOf(world.bank.drain());
    expect(levels.get('north/ADC1')).toMatchObject({ count: 1, last: percent(1) });
    expect(levels.get('south/ADC1')).toMatchObject({ count: 2, last: percent(3) });
    expect(session.serial).toBeNull();
  });

  it('refuses more unknown boards than it keeps', async () => {
    const world = await createWorld();
    for (let at = 0; at < MAX_UNKNOWN_BOARDS + 6; at++) {
      world.openSession().receive(bytesOf(`#locid:room ${at}!#Sensor:ADC1=1!`), at);
    }
    expect(world.notices).toHaveLength(MAX_UNKNOWN_BOARDS);
    expect(world.counters.errors.tooManyBoards).toBe(6);
  });

  it('refuses more locations on one connection than 16', async () => {
    const world = await createWorld();
    const session = world.openSession();
    for (let at = 0; at < 20; at++) session.receive(bytesOf(`#Sensorroom${at}x:ADC1=1!`), at);
    expect(world.counters.errors.tooManyLocations).toBe(4);
  });

  it('refuses a channel beyond 16 of one board', async () => {
    const world = await createWorld();
    const session = world.openSession();
    for (let at = 0; at < 18; at++) session.receive(bytesOf(`#Sensor:K${at}=1!`), at);
    expect(world.counters.errors.tooManyChannels).toBe(2);
    expect(levelsOf(world.bank.drain()).size).toBe(16);
  });
});

describe('a number in the place of the location', () => {
  it('is the location of the real board, which says 1234 in every packet', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#Sensor1234:ADC1=7!'), 0);
    expect(heard(world)).toEqual([]);
    session.receive(bytesOf('#Sensor1234:ADC1=9!'), 4090);
    const window = levelsOf(world.bank.drain()).get('1234/ADC1');
    expect(window).toMatchObject({ count: 2, first: percent(7), firstAtMs: 0, lastAtMs: 4090 });
    expect(world.counters.packets.sensor).toBe(2);
  });

  it('is not waited for when a board of that location is configured or known', async () => {
    const world = await createWorld({
      profiles: [profile('lab', { match: { location: '1234' } })],
    });
    world.openSession().receive(bytesOf('#Sensor1234:ADC1=7!'), 0);
    expect(heard(world)).toEqual(['lab']);
    expect(world.counters.packetsHeld).toBe(0);
  });

  it('is a counter when it changes within the connection', async () => {
    const world = await createWorld();
    const session = world.openSession('10.0.0.9');
    for (let at = 1; at < 6; at++) {
      session.receive(bytesOf(`#Sensor${at}:ADC1=${at}!`), at * 4090);
    }
    const window = levelsOf(world.bank.drain()).get('10_0_0_9/ADC1');
    expect(window).toMatchObject({ count: 5, first: percent(1), last: percent(5) });
    expect(world.notices).toHaveLength(1);
  });

  it('is a counter of cycles when frame and #Sensor share it and then it changes', async () => {
    const world = await createWorld();
    const session = world.openSession('10.0.0.9');
    session.receive(bytesOf(`#frame1:00!#Sensor1:ADC1=1!`), 0);
    session.receive(bytesOf(`#frame2:00!#Sensor2:ADC1=2!`), 4090);
    expect(world.notices.map((notice) => notice.sensor)).toEqual(['10_0_0_9']);
    expect(levelsOf(world.bank.drain()).get('10_0_0_9/ADC1')).toMatchObject({ count: 2 });
  });

  it('keeps nobody waiting longer than 5 s, nor beyond the connection', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#Sensor77:ADC1=7!'), 0);
    expect(session.nextDueMs).toBeLessThanOrEqual(HOLD_MS);
    session.due(HOLD_MS);
    expect(heard(world)).toEqual(['77']);
    const other = world.openSession();
    other.receive(bytesOf('#Sensor88:ADC1=7!'), 0);
    other.close(1);
    expect(heard(world)).toEqual(['88']);
  });

  it('does not matter once the board has announced itself', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#Sensor5:ADC1=1!#locid:hall!#Sensor6:ADC1=2!'), 0);
    expect(levelsOf(world.bank.drain()).get('hall/ADC1')).toMatchObject({ count: 2 });
  });
});

describe('evidence', () => {
  it('shows a crossing in any single packet, however it is surrounded and cut', async () => {
    const reading = fc.record({
      raw: fc.nat(4095),
      damage: fc.constantFrom('', '', '', '\u0000', '#', 'x'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(reading, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 200 }),
        async (readings, chunk) => {
          const world = await createWorld();
          const session = world.openSession();
          const text = readings
            .map(
              ({ raw, damage }) =>
                `#Sensor:ADC1=${raw}${damage === '#' ? '' : damage}!${damage}\r\n`,
            )
            .join('');
          const bytes = bytesOf(`#locid:hall!${text}`);
          for (let at = 0; at < bytes.length; at += chunk) {
            session.receive(bytes.subarray(at, at + chunk), at);
          }
          const whole = readings.filter(({ damage }) => damage === '' || damage === '#');
          const window = levelsOf(world.bank.drain()).get('hall/ADC1');
          if (whole.length === 0) {
            expect(window).toBeUndefined();
            return;
          }
          const raws = whole.map(({ raw }) => percent(raw));
          expect(window).toMatchObject({
            count: whole.length,
            min: Math.min(...raws),
            max: Math.max(...raws),
            first: raws[0],
            last: raws.at(-1),
          });
        },
      ),
    );
  });

  it('survives random bytes, and reads the good packet after them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }),
        async (all) => {
          const world = await createWorld();
          const session = world.openSession();
          for (const [at, bytes] of all.entries()) {
            session.receive(bytes, at);
            session.due(at);
          }
          world.bank.drain();
          session.receive(bytesOf('!#locid:hall!#Sensor:ADC1=42!'), 1000);
          expect(levelsOf(world.bank.drain()).get('hall/ADC1')).toMatchObject({
            last: percent(42),
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('counts every kind of refusal and keeps a sample of it', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf(`#${'A'.repeat(9000)}!#what!#Sensor:ADC1=x!#Sensor:AD#locid:!`), 0);
    session.receive(bytesOf('\u0000#frame:'), 1);
    session.close(2);
    const seen = Object.entries(world.counters.errors).filter(([, count]) => count > 0);
    expect(Object.fromEntries(seen)).toEqual({
      tooLong: 1,
      unknownKind: 1,
      badNumber: 1,
      restarted: 1,
      emptyName: 1,
      truncated: 1,
    });
    expect(world.errors).toHaveLength(1);
    expect(world.errors[0]?.start).toHaveLength(80);
  });

  it('tells how long a client has sent nothing but garbage', async () => {
    const world = await createWorld();
    const session = world.openSession();
    session.receive(bytesOf('#Sensor:ADC1=1!'), 0);
    session.receive(bytesOf('x'.repeat(1000)), 1);
    expect(session.bytesSinceGoodPacket).toBe(1000);
    session.receive(bytesOf('#Sensor:ADC1=1!'), 2);
    expect(session.bytesSinceGoodPacket).toBe(0);
  });
});

describe('commands', () => {
  it('are spelled and ended as the device wants them', async () => {
    const board = profile('lab', {
      match: { serial: 'S1' },
      terminator: '\r\n',
      periodCommand: 'PERIODIC_ON',
    });
    const world = await createWorld({ profiles: [board] });
    const session = world.openSession();
    session.receive(bytesOf('#serialno:S1!\r\n#locid:lab!\r\n'), 0);
    session.due(2000);
    session.receive(bytesOf('#Sensor:ADC1=1!\r\n'), 5000);
    expect(world.commands).toEqual(['PERIODIC_ON\r\n', 'EEPROM1\r\n']);
  });

  it('poll an on-demand board and leave the EEPROM of a legacy one alone', async () => {
    const board = profile('old', {
      mode: 'onDemand',
      decoding: { kind: 'legacy', offsetCelsius: 0 },
    });
    const world = await createWorld({ profiles: [board] });
    const session = world.openSession();
    session.receive(bytesOf('#locid:old!'), 0);
    for (let at = 100; at < 60_000; at += 100) session.due(at);
    expect(new Set(world.commands)).toEqual(new Set(['REQUEST1']));
  });

  it('are never sent while a packet is on the wire, for any real cycle', async () => {
    const world = await createWorld({ profiles: [profile('1234')] });
    let midPacket = false;
    const wire: boolean[] = [];
    const session = world.openSession();
    const count = (): void => {
      while (wire.length < world.commands.length) wire.push(midPacket);
    };
    for (let cycle = 0, at = 0; cycle < 20; cycle++, at += 4090) {
      midPacket = true;
      for (let part = 0; part < 290; part += 29) {
        session.receive(bytesOf(part === 0 ? '#frame1234:' : 'FFB0'.repeat(80)), at + part);
        session.due(at + part);
        count();
      }
      midPacket = false;
      session.receive(bytesOf('!\r\n'), at + 290);
      for (let idle = 290; idle < 780; idle += 70) session.due(at + idle);
      count();
      expect(wire.length).toBe(world.commands.length);
      session.receive(bytesOf('#Sensor1234:ADC1=5!\r\n'), at + 780);
      count();
    }
    expect(wire.length).toBeGreaterThan(1);
    expect(wire).not.toContain(true);
  });

  it('that the line does not take are counted and tried again', async () => {
    const world = await createWorld();
    const { BoardSession } = await import('../../src/domain/line-protocol/session.ts');
    const session = new BoardSession({ ...world.shared, address: 'x', send: () => false }, 0);
    for (let at = 0; at < 120_000; at += 100) session.due(at);
    expect(world.counters.commandsDropped).toBeGreaterThan(3);
    expect(world.counters.commandsSent).toEqual({ period: 0, request: 0, eeprom: 0 });
  });
});

describe('a closed session', () => {
  it('takes nothing more and says nothing more', async () => {
    const world = await createWorld({ store: memoryStore() });
    const session = world.openSession();
    session.close(1);
    session.receive(bytesOf('#Sensor:ADC1=5!'), 2);
    session.due(100_000);
    session.close(3);
    expect(world.bank.isEmpty).toBe(true);
    expect(world.commands).toEqual([]);
  });
});

/** The Modbus units against the worked examples that the specifications print. */
import { describe, expect, it } from 'vitest';
import { ModbusRtuUnits } from '../../src/simulator/modbus-rtu.ts';
import { ModbusTcpConnection } from '../../src/simulator/modbus-tcp.ts';
import type { Mischief, UnitTable } from '../../src/simulator/modbus-unit.ts';
import { ModbusUnits } from '../../src/simulator/modbus-unit.ts';
import { ManualClock } from '../hal/manual-clock.ts';

/** "MODBUS Application Protocol" V1.1b3: the tables of the examples in sections 6.1 to 6.4. */
const EXAMPLES: readonly {
  readonly what: string;
  readonly table: UnitTable;
  readonly from: number;
  readonly values: readonly number[];
  readonly request: string;
  readonly answer: string;
}[] = [
  {
    what: 'coils 20..38 (6.1, page 12)',
    table: 'coil',
    from: 0x13,
    values: bits('CD 6B 05', 19),
    request: '01 00 13 00 13',
    answer: '01 03 CD 6B 05',
  },
  {
    what: 'discrete inputs 197..218 (6.2, page 14)',
    table: 'discrete',
    from: 0xc4,
    values: bits('AC DB 35', 22),
    request: '02 00 C4 00 16',
    answer: '02 03 AC DB 35',
  },
  {
    what: 'holding registers 108..110 (6.3, page 16)',
    table: 'holding',
    from: 0x6b,
    values: [0x022b, 0, 0x64],
    request: '03 00 6B 00 03',
    answer: '03 06 02 2B 00 00 00 64',
  },
  {
    what: 'input register 9 (6.4, page 17)',
    table: 'input',
    from: 8,
    values: [0x0a],
    request: '04 00 08 00 01',
    answer: '04 02 00 0A',
  },
];

describe('a Modbus unit', () => {
  it.each(EXAMPLES)('answers $what', ({ table, from, values, request, answer }) => {
    const units = new ModbusUnits();
    units.attach(17, { [table]: new Map(values.map((value, at) => [from + at, value])) });
    expect(shown(units.answer(17, bytes(request))?.pdu)).toBe(answer);
  });

  it('refuses what it has not, with the code of the standard', () => {
    const units = new ModbusUnits();
    units.attach(1, { holding: new Map([[0, 5]]) });
    expect(shown(units.answer(1, bytes('06 00 00 00 01'))?.pdu)).toBe('86 01');
    expect(shown(units.answer(1, bytes('03 00 00 00 02'))?.pdu)).toBe('83 02');
    expect(shown(units.answer(1, bytes('03 00 00 00 00'))?.pdu)).toBe('83 03');
    expect(shown(units.answer(1, bytes('03 00 00 00 7E'))?.pdu)).toBe('83 03');
    expect(units.answer(2, bytes('03 00 00 00 01'))).toBeNull();
  });
});

describe('units on a serial line', () => {
  /**
   * Checksums from polynomial division written another way, which gives 41 12 for 02 07 as the
   * example in "MODBUS over Serial Line" V1.02, section 6.2.2, does.
   */
  const REQUEST = '02 03 00 00 00 01 84 39';
  const ANSWER = '02 03 02 12 34 F1 33';

  function rig() {
    const clock = new ManualClock();
    const units = new ModbusUnits();
    units.attach(2, { holding: new Map([[0, 0x1234]]) });
    const sent: string[] = [];
    const line = new ModbusRtuUnits({ units, clock, send: (out) => sent.push(shown(out)) });
    return { clock, units, sent, line };
  }

  it('answer a request in whatever pieces it comes, with a checksum', () => {
    const { clock, sent, line } = rig();
    for (const byte of bytes(`00 ${REQUEST}`)) line.receive(Uint8Array.of(byte));
    clock.advance(1);
    expect(sent).toEqual([ANSWER]);
    expect(line.ignoredBytes).toBe(1);
  });

  it('ignore a wrong checksum and units that are not there', () => {
    const { clock, sent, line } = rig();
    line.receive(bytes('02 03 00 00 00 01 84 38'));
    line.receive(bytes('03 03 00 00 00 01 85 E8'));
    clock.advance(1000);
    expect(sent).toEqual([]);
  });

  it.each<[string, Mischief, readonly string[]]>([
    ['say nothing', { kind: 'silent' }, []],
    ['answer for another', { kind: 'wrongUnit', unit: 9 }, ['09 03 02 12 34 54 F2']],
    ['break the checksum', { kind: 'wrongCrc' }, ['02 03 02 12 34 F1 66']],
    ['cut the answer', { kind: 'truncated', bytes: 4 }, ['02 03 02 12']],
    ['answer twice', { kind: 'twice' }, [`${ANSWER} ${ANSWER}`]],
    ['echo', { kind: 'echo' }, [`${REQUEST} ${ANSWER}`]],
    ['refuse', { kind: 'exception', code: 6 }, ['02 83 06 31 32']],
    ['dribble', { kind: 'dribble', everyMs: 2 }, ANSWER.split(' ')],
  ])('%s on demand', (_what, mischief, expected) => {
    const { clock, units, sent, line } = rig();
    units.mischief = () => mischief;
    line.receive(bytes(REQUEST));
    clock.advance(100);
    expect(sent).toEqual(expected);
  });

  it('are late by as much as they are told, and silent once stopped', () => {
    const { clock, units, sent, line } = rig();
    units.mischief = () => ({ kind: 'late', ms: 300 });
    line.receive(bytes(REQUEST));
    clock.advance(299);
    expect(sent).toEqual([]);
    clock.advance(2);
    expect(sent).toEqual([ANSWER]);
    line.receive(bytes(REQUEST));
    line.stop();
    clock.advance(1000);
    expect(sent).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe('units behind a TCP connection', () => {
  /** "Messaging on TCP/IP" V1.0b, section 3.1.2: register 5 of unit 255, transaction 0x1501. */
  const REQUEST = '15 01 00 00 00 06 FF 03 00 04 00 01';

  function rig() {
    const clock = new ManualClock();
    const units = new ModbusUnits();
    units.attach(255, { holding: new Map([[4, 5]]) });
    const sent: string[] = [];
    let hungUp = 0;
    const connection = new ModbusTcpConnection({
      units,
      clock,
      send: (out) => sent.push(shown(out)),
      hangUp: () => (hungUp += 1),
    });
    return { clock, units, sent, connection, hungUp: () => hungUp };
  }

  it('answer with the number of the request', () => {
    const { clock, sent, connection } = rig();
    for (const byte of bytes(REQUEST)) connection.receive(Uint8Array.of(byte));
    clock.advance(1);
    expect(sent).toEqual(['15 01 00 00 00 05 FF 03 02 00 05']);
  });

  it('answer with another number, or for another, on demand', () => {
    const { clock, units, sent, connection } = rig();
    units.mischief = () => ({ kind: 'wrongTransaction', add: 2 });
    connection.receive(bytes(REQUEST));
    units.mischief = () => ({ kind: 'wrongUnit', unit: 3 });
    connection.receive(bytes(REQUEST));
    clock.advance(1);
    expect(sent).toEqual(['15 03 00 00 00 05 FF 03 02 00 05', '15 01 00 00 00 05 03 03 02 00 05']);
  });

  it('hang up on whoever speaks something else', () => {
    const { connection, hungUp } = rig();
    connection.receive(new TextEncoder().encode('GET / HTTP/1.1\r\n'));
    expect(hungUp()).toBe(1);
  });
});

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(' '), (byte) => parseInt(byte, 16));
}

function shown(out: Uint8Array | undefined): string {
  return [...(out ?? [])].map((b) => b.toString(16).padStart(2, '0').toUpperCase()).join(' ');
}

function bits(hex: string, count: number): number[] {
  const packed = bytes(hex);
  return Array.from({ length: count }, (_, at) => ((packed[at >> 3] ?? 0) >> (at & 7)) & 1);
}

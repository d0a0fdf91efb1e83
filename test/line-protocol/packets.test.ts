import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFrameWords } from '../../src/domain/line-protocol/frame-words.ts';
import { packetError } from '../../src/domain/line-protocol/packet-error.ts';
import {
  LocationMemo,
  packetKindOf,
  readName,
  splitBlock,
} from '../../src/domain/line-protocol/packets.ts';
import { SensorPacketReader } from '../../src/domain/line-protocol/sensor-packet.ts';
import { bytesOf, percent } from './world.ts';

function readSensor(reader: SensorPacketReader, body: string) {
  const bytes = bytesOf(body);
  const error = reader.read(bytes, 0, bytes.length);
  if (error !== null) return error;
  const readings: [string, number][] = [];
  for (let at = 0; at < reader.count; at++) {
    readings.push([reader.channels[reader.slots[at] ?? 99] ?? '?', reader.values[at] ?? NaN]);
  }
  return { location: reader.location, readings };
}
const sensor = (body: string) => readSensor(new SensorPacketReader(), body);

describe('#Sensor packets', () => {
  it('reads the real board, with its stray colon after ADC3', () => {
    expect(sensor('Sensor1234:ADC1=269,ADC2=1296,ADC3:=1,DIO=0')).toEqual({
      location: '1234',
      readings: [
        ['ADC1', percent(269)],
        ['ADC2', percent(1296)],
        ['ADC3', percent(1)],
        ['DIO', 0],
      ],
    });
  });

  it.each([
    ['SensorKitchen:ADC1=1', 'Kitchen'],
    ['Sensor:Kitchen:ADC1=1', 'Kitchen'],
    ['Sensor:ADC1=1', null],
    ['Sensor:ADC1:=1', null],
    ['SensorKitchen:ADC1:=1', 'Kitchen'],
    ['Sensor:default room:ADC1:=1', 'default room'],
    ['Sensoraa:bb:cc:ADC1=1', 'aa:bb:cc'],
    ['Sensor: :ADC1=1', null],
  ])('finds the location in %s', (body, location) => {
    expect(sensor(body)).toEqual({ location, readings: [['ADC1', percent(1)]] });
  });

  it('takes MPY30 for DIO, lower case for upper case, and decimals', () => {
    expect(sensor('Sensor:mpy30=1,adc1=40.95,ADC2=0.5')).toEqual({
      location: null,
      readings: [
        ['DIO', 1],
        ['ADC1', percent(40.95)],
        ['ADC2', percent(0.5)],
      ],
    });
  });

  it('takes 0 and full scale as values: whether they are stuck is not judged here', () => {
    const body = 'Sensor:ADC1=0,ADC2=4095,ADC3=-0';
    expect(sensor(body)).toMatchObject({
      readings: [
        ['ADC1', 0],
        ['ADC2', 100],
        ['ADC3', 0],
      ],
    });
  });

  it.each([
    ['Sensor', 'missingColon'],
    ['Sensor1234', 'missingColon'],
    ['SensorADC1=3', 'missingColon'],
    ['Sensor1234:', 'noReadings'],
    [`Sensor${'x'.repeat(70)}:ADC1=3`, 'nameTooLong'],
    ['Sensor:ADC1', 'keyWithoutNumber'],
    ['Sensor:ADC1=', 'keyWithoutNumber'],
    ['Sensor:ADC1=,ADC2=3', 'keyWithoutNumber'],
    ['Sensor:ADC1=3,', 'keyWithoutNumber'],
    ['Sensor:ADC1,ADC2=3', 'keyWithoutNumber'],
    ['Sensor:=3', 'missingColon'],
    ['Sensor:ADC1=3,=4', 'badKey'],
    ['Sensor:AD C1=3', 'badKey'],
    ['Sensor:9ADC=3', 'badKey'],
    ['Sensor:ABCDEFGHIJKLMNOPQ=3', 'badKey'],
    ['Sensor:ADC1=x', 'badNumber'],
    ['Sensor:ADC1=3x', 'badNumber'],
    ['Sensor:ADC1=-', 'badNumber'],
    ['Sensor:ADC1=.', 'badNumber'],
    ['Sensor:ADC1=1.2.3', 'badNumber'],
    ['Sensor:ADC1=1e3', 'badNumber'],
    ['Sensor:ADC1=nan', 'badNumber'],
    ['Sensor:ADC1=-1', 'valueOutOfRange'],
    ['Sensor:ADC1=4096', 'valueOutOfRange'],
    [`Sensor:ADC1=${'9'.repeat(400)}`, 'valueOutOfRange'],
    ['Sensor:DIO=2', 'valueOutOfRange'],
    ['Sensor:DIO=0.5', 'valueOutOfRange'],
    [`Sensor:${Array(33).fill('ADC1=1').join(',')}`, 'tooManyReadings'],
  ])('refuses %s as %s', (body, kind) => {
    expect(sensor(body)).toBe(kind);
  });

  it('leaves no reading of a packet whose last value is damaged', () => {
    const reader = new SensorPacketReader();
    expect(readSensor(reader, 'Sensor:ADC1=3,ADC2=x')).toBe('badNumber');
    expect(reader.count).toBe(0);
  });

  it('reads any sequence of layouts as a fresh reader would, whatever it remembers', () => {
    const key = fc.constantFrom('ADC1', 'ADC2', 'ADC3:', 'ADC10', 'DIO', 'A', 'adc1');
    const pair = fc
      .tuple(key, fc.nat(1))
      .chain(([name, bit]) =>
        name === 'DIO'
          ? fc.constant(`DIO=${bit}`)
          : fc.nat(4095).map((value) => `${name}=${value}`),
      );
    const body = fc
      .tuple(
        fc.constantFrom('', '1234', ':room', 'a:b'),
        fc.array(pair, { minLength: 1, maxLength: 6 }),
      )
      .map(([location, pairs]) => `Sensor${location}:${pairs.join(',')}`);
    fc.assert(
      fc.property(fc.array(body, { maxLength: 12 }), (bodies) => {
        const reader = new SensorPacketReader();
        for (const each of bodies) expect(readSensor(reader, each)).toEqual(sensor(each));
      }),
    );
  });

  it('never throws and never invents a value, whatever stands in the packet', () => {
    const soup = fc.string({ maxLength: 80 });
    const near = fc
      .array(fc.constantFrom('ADC1', '=', ':', ',', '1', '.', '-', ' ', 'DIO', '4095'), {
        maxLength: 30,
      })
      .map((parts) => parts.join(''));
    const reader = new SensorPacketReader();
    fc.assert(
      fc.property(fc.oneof(soup, near), (tail) => {
        const bytes = bytesOf(`Sensor${tail}`);
        const error = reader.read(bytes, 0, bytes.length);
        if (error === null) expect(reader.count).toBeGreaterThan(0);
        else expect(reader.count).toBe(0);
        for (let at = 0; at < reader.count; at++) {
          expect(reader.values[at]).toBeGreaterThanOrEqual(0);
          expect(reader.values[at]).toBeLessThanOrEqual(100);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('heads of packets', () => {
  it('knows the five kinds and nothing else', () => {
    const kindOf = (text: string) => packetKindOf(bytesOf(text), 0, text.length);
    expect(['Sensor:', 'frame:', 'EEPROM:', 'serialno:', 'locid:'].map(kindOf)).toEqual([
      'sensor',
      'frame',
      'eeprom',
      'serialno',
      'locid',
    ]);
    for (const text of ['', 'S', 'sensor:', 'Frame:', 'locI', 'x']) expect(kindOf(text)).toBeNull();
  });

  it('does not read beyond the end of a packet', () => {
    expect(packetKindOf(bytesOf('Sensor:'), 0, 3)).toBeNull();
  });

  it.each([
    ['frame1234:FF', { error: null, location: '1234', data: 10 }],
    ['frame:1234:FF', { error: null, location: '1234', data: 11 }],
    ['frame:FF', { error: null, location: null, data: 6 }],
    ['frameFF', { error: 'missingColon' }],
    [`frame${'x'.repeat(90)}:FF`, { error: 'nameTooLong' }],
  ])('splits %s', (body, expected) => {
    const bytes = bytesOf(body);
    expect(splitBlock('frame', bytes, 0, bytes.length, new LocationMemo())).toEqual(expected);
  });

  it.each([
    ['locid:default room', { error: null, name: 'default room' }],
    ['locid: hall ', { error: null, name: 'hall' }],
    ['locid:a:b', { error: null, name: 'a:b' }],
    ['locid:', { error: 'emptyName' }],
    ['locid', { error: 'missingColon' }],
    [`locid:${'x'.repeat(65)}`, { error: 'nameTooLong' }],
  ])('reads the name in %s', (body, expected) => {
    expect(readName('locid', bytesOf(body), 0, body.length)).toEqual(expected);
  });

  it('keeps the first 80 characters of a refused packet, unprintable ones as dots', () => {
    const body = bytesOf(`Sensor\u0001${'x'.repeat(200)}`);
    const error = packetError('notPrintable', body, 0, body.length);
    expect(error.start).toHaveLength(80);
    expect(error.start.startsWith('#Sensor.xxx')).toBe(true);
  });
});

describe('frame data', () => {
  const out = new Uint16Array(834);
  const read = (text: string) => readFrameWords(bytesOf(text), 0, text.length, out);
  const spaced = (words: number) => Array(words).fill('FF80').join(' ');

  it('reads the three forms', () => {
    expect(read('FFB0'.repeat(834))).toBe(834);
    expect(out[833]).toBe(0xffb0);
    expect(read('00a1'.repeat(768))).toBe(768);
    expect(read(spaced(768))).toBe(768);
    expect(out[767]).toBe(0xff80);
    expect(read(` ${spaced(768)} `)).toBe(768);
  });

  it.each([
    ['', 'frameLength'],
    ['FFB0'.repeat(831), 'frameLength'],
    ['FFB0'.repeat(834).slice(12), 'frameLength'],
    [`${'FFB0'.repeat(833)}FFBG`, 'notHex'],
    [spaced(767), 'frameLength'],
    [spaced(834), 'frameLength'],
    [spaced(768).replace('FF80', 'FFZ0'), 'notHex'],
  ])('refuses anything else', (text, kind) => {
    expect(read(text)).toBe(kind);
  });
});

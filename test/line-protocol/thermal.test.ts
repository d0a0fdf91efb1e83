import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { sensorId } from '../../src/domain/units.ts';
import { bytesOf, createWorld, memoryStore, profile, reasonsOf } from './world.ts';

const captureDir = path.resolve(import.meta.dirname, '../../../shared/data/device-capture');
const hasCapture = existsSync(path.join(captureDir, 'stream.bin'));

const eepromOf = (hex: string) => `#EEPROM1234:${hex}!\r\n`;
const noise = (seed: number) =>
  Array.from({ length: 834 }, (_, at) =>
    ((0xffb0 + ((at * 7 + seed) % 5)) & 0xffff).toString(16).padStart(4, '0'),
  ).join('');
const frameOf = (hex: string) => `#frame1234:${hex}!\r\n`;
const lab = profile('lab', { match: { location: '1234' } });

describe('thermal data without a usable calibration', () => {
  it('is no data while the EEPROM has not been read', async () => {
    const world = await createWorld({ profiles: [lab] });
    world.openSession().receive(bytesOf(frameOf(noise(1))), 1);
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: noCalibration']);
    expect(world.counters.packets.frame).toBe(1);
    expect(world.counters.framesDecoded).toBe(0);
  });

  it.each([
    ['0000', 'allZero'],
    ['ffff', 'allOnes'],
  ])('is no data with an EEPROM of %s', async (word, why) => {
    const world = await createWorld({ profiles: [lab] });
    const session = world.openSession();
    session.receive(bytesOf(eepromOf(word.repeat(832))), 1);
    session.receive(bytesOf(frameOf(noise(1))), 2);
    const windows = world.bank.drain();
    expect(reasonsOf(windows)).toEqual(['lab: badCalibration']);
    expect(windows[0]).toMatchObject({ count: 2, detail: expect.stringContaining(why) as string });
    expect(world.counters.errors.eepromRefused).toBe(1);
  });

  it.each([
    ['short', 'FFFF'.repeat(831), 'eepromLength'],
    ['not hex', `${'FFFF'.repeat(831)}FFFx`, 'notHex'],
  ] as const)('refuses an EEPROM that is %s', async (_name, hex, kind) => {
    const world = await createWorld({ profiles: [lab] });
    world.openSession().receive(bytesOf(eepromOf(hex)), 1);
    expect(world.counters.errors[kind]).toBe(1);
  });

  it.each([
    ['half a frame', noise(1).slice(0, 1668), 'frameLength'],
    ['12 characters too few', noise(1).slice(12), 'frameLength'],
    ['a frame with a foreign character', `${noise(1).slice(0, 3335)}g`, 'notHex'],
  ] as const)('is corrupt with %s', async (_name, hex, kind) => {
    const world = await createWorld({ profiles: [lab] });
    world.openSession().receive(bytesOf(frameOf(hex)), 1);
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: corrupt']);
    expect(world.counters.errors[kind]).toBe(1);
  });

  it('is corrupt when a frame breaks off in the next one', async () => {
    const world = await createWorld({ profiles: [lab] });
    const session = world.openSession();
    session.receive(bytesOf(frameOf(noise(1))), 1);
    world.bank.drain();
    session.receive(bytesOf(`#frame1234:${noise(2).slice(0, 99)}#Sensor1234:ADC1=1!`), 2);
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: corrupt']);
  });
});

describe('legacy decoding', () => {
  const old = profile('old', { decoding: { kind: 'legacy', offsetCelsius: 1.5 } });
  it.each([
    ['834 words', '0064'.repeat(834)],
    ['768 words', '0064'.repeat(768)],
    ['768 spaced words', Array(768).fill('0064').join(' ')],
  ])('takes %s without a calibration, and never calls it calibrated', async (_name, data) => {
    const world = await createWorld({ profiles: [old] });
    world.openSession().receive(bytesOf(`#frame:old:${data}!`), 1);
    expect(world.frames).toHaveLength(1);
    expect(world.frames[0]?.celsius[767]).toBeCloseTo(29.5, 5);
    expect(world.frames[0]?.calibrated).toBe(false);
  });

  it('calls a picture frozen after 3 repeats, as for any array', async () => {
    const world = await createWorld({ profiles: [old] });
    const session = world.openSession();
    for (let at = 0; at < 6; at++)
      session.receive(bytesOf(`#frame:old:${'0064'.repeat(768)}!`), at);
    expect(world.frames).toHaveLength(3);
    expect(reasonsOf(world.bank.drain())).toEqual(['old: frozen']);
    session.receive(bytesOf(`#frame:old:${'0065'.repeat(768)}!`), 9);
    expect(world.frames).toHaveLength(4);
  });
});

describe('kept calibrations', () => {
  it('leaves out what cannot be read in the store', async () => {
    const store = memoryStore();
    store.put('calibration', 'abc', 'not hex');
    store.put('sensorArray', 'lab', 'abc');
    store.put('sensorArray', 'NO ID', 'abc');
    const cache = await CalibrationCache.load(store);
    expect(cache.arrayAt(sensorId('lab'))).toBeNull();
  });
});

interface Expected {
  readonly ta: number;
  readonly vdd: number;
  readonly celsius: readonly number[];
}

describe.skipIf(!hasCapture)('the captured board (../shared/data/device-capture)', () => {
  const stream = hasCapture ? readFileSync(path.join(captureDir, 'stream.bin')) : Buffer.alloc(0);
  const text = stream.toString('latin1');
  const eeprom = /#EEPROM1234:([0-9A-F]+)!/.exec(text)?.[1] ?? '';
  const dumps = [...text.matchAll(/#frame1234:([0-9A-F]+)!/g)].map((found) => found[1] ?? '');

  it('gives all 108 frames within 0.01 C of the vendor code, at any chunking', async () => {
    const lines = gunzipSync(readFileSync(path.join(captureDir, 'expected.ndjson.gz')));
    const expected = lines
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Expected);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 10 }),
        async (sizes) => {
          const world = await createWorld({ profiles: [lab] });
          const session = world.openSession();
          for (let at = 0, turn = 0; at < stream.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            session.receive(stream.subarray(at, at + size), turn);
            at += size;
          }
          expect(world.frames).toHaveLength(108);
          expect(world.counters.packets).toMatchObject({ frame: 108, sensor: 108, eeprom: 1 });
          expect(Object.values(world.counters.errors).every((count) => count === 0)).toBe(true);
          let worst = 0;
          for (const [index, frame] of world.frames.entries()) {
            const want = expected[index];
            expect(frame.calibrated).toBe(true);
            expect(Math.abs((frame.taCelsius ?? NaN) - (want?.ta ?? NaN))).toBeLessThan(0.01);
            expect(Math.abs((frame.vddVolts ?? NaN) - (want?.vdd ?? NaN))).toBeLessThan(0.001);
            for (const [pixel, celsius] of frame.celsius.entries()) {
              const error = Math.abs(celsius - (want?.celsius[pixel] ?? NaN));
              worst = error > worst || Number.isNaN(error) ? error : worst;
            }
          }
          expect(worst).toBeLessThan(0.01);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('uses the stored calibration after a restart, marked until it is confirmed', async () => {
    const store = memoryStore();
    const before = await createWorld({ profiles: [lab], store });
    before.openSession().receive(bytesOf(eepromOf(eeprom)), 1);
    expect(store.content.get('sensorArray/lab')).toBe('021c5626618b');

    const after = await createWorld({ profiles: [lab], store });
    const session = after.openSession();
    session.receive(bytesOf(frameOf(dumps[0] ?? '')), 1);
    session.receive(bytesOf(eepromOf(eeprom)), 2);
    session.receive(bytesOf(frameOf(dumps[1] ?? '')), 3);
    expect(after.frames.map((frame) => frame.calibrated)).toEqual([false, true]);
    expect([...after.registry.boards][0]).toMatchObject({ calibration: 'confirmed' });
    expect(after.notices).toEqual([]);
  });

  it('reports a swapped array and uses the new calibration', async () => {
    const store = memoryStore();
    const world = await createWorld({ profiles: [lab], store });
    const session = world.openSession();
    session.receive(bytesOf(eepromOf(eeprom)), 1);
    const other = `${eeprom.slice(0, 28)}ABCD${eeprom.slice(32)}`;
    session.receive(bytesOf(eepromOf(other)), 2);
    expect(world.notices).toEqual([
      { kind: 'arraySwapped', sensor: 'lab', was: '021c5626618b', is: 'abcd5626618b' },
    ]);
    expect([...store.content.keys()].filter((key) => key.startsWith('calibration'))).toHaveLength(
      2,
    );
  });

  it('limits how often a board may change its calibration', async () => {
    const world = await createWorld({ profiles: [lab] });
    const session = world.openSession();
    const change = (serial: number, atMs: number) => {
      const word = serial.toString(16).padStart(4, '0');
      session.receive(bytesOf(eepromOf(`${eeprom.slice(0, 28)}${word}${eeprom.slice(32)}`)), atMs);
    };
    for (let serial = 1; serial <= 10; serial++) change(serial, serial);
    expect(world.counters.calibrationsAccepted).toBe(4);
    expect(world.counters.errors.eepromTooOften).toBe(6);
    change(99, 61_000);
    expect(world.counters.calibrationsAccepted).toBe(5);
  });

  it('keeps the stored calibration when the board sends one of zeros', async () => {
    const store = memoryStore();
    await createWorld({ profiles: [lab], store }).then((world) =>
      world.openSession().receive(bytesOf(eepromOf(eeprom)), 1),
    );
    const world = await createWorld({ profiles: [lab], store });
    const session = world.openSession();
    session.receive(bytesOf(eepromOf('0000'.repeat(832))), 1);
    session.receive(bytesOf(frameOf(dumps[0] ?? '')), 2);
    expect(world.frames).toMatchObject([{ calibrated: false }]);
  });

  it('cannot compensate pixels alone: missing words, in either form', async () => {
    const world = await createWorld({ profiles: [lab] });
    const session = world.openSession();
    const pixels = (dumps[0] ?? '').slice(0, 3072);
    session.receive(bytesOf(eepromOf(eeprom)), 1);
    session.receive(bytesOf(frameOf(pixels)), 2);
    session.receive(bytesOf(frameOf((pixels.match(/.{4}/g) ?? []).join(' '))), 3);
    expect(world.frames).toEqual([]);
    expect(world.counters.framesWithheld).toEqual({ missingWords: 2 });
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: missingWords']);
  });

  it('withholds what the driverTail quirk makes implausible on this board', async () => {
    const world = await createWorld({ profiles: [{ ...lab, driverTail: true }] });
    const session = world.openSession();
    session.receive(bytesOf(eepromOf(eeprom) + frameOf(dumps[0] ?? '')), 1);
    expect(world.frames).toEqual([]);
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: implausibleVdd']);
  });

  it('calls the array frozen after 3 frames that repeat, also across reconnections', async () => {
    const world = await createWorld({ profiles: [lab] });
    for (let at = 0; at < 5; at++) {
      const session = world.openSession('10.0.0.1', at);
      session.receive(bytesOf(eepromOf(eeprom) + frameOf(dumps[0] ?? '')), at);
      session.close(at);
    }
    expect(world.frames).toHaveLength(3);
    expect(reasonsOf(world.bank.drain())).toEqual(['lab: frozen']);
  });
});

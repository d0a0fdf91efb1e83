import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineHealth } from '../../src/hal/line-health.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { LineWatch } from '../../src/hal/line-watch.ts';
import { done } from '../../src/hal/ports.ts';
import { SimulatedFiles } from '../../src/hal/simulated-files.ts';
import { ManualClock, seededRandom, settle } from './manual-clock.ts';

const OPTIONS = { path: '/dev/ttyUSB0', baudRate: 115_200, cycleMs: 4000 };
const PATIENCE_MS = 12_000;
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What is said when `text` comes once a second for so long. */
function saidOf(text: string, forMs = 20_000): string {
  const health = new LineHealth(OPTIONS);
  let said = '';
  for (let atMs = 0; atMs <= forMs; atMs += 1000) {
    const trouble = health.received(ascii(text), atMs);
    if (trouble !== null) said = `${trouble.fault} ${trouble.detail}`;
  }
  return said;
}

describe('the health of a serial line', () => {
  it.each([
    ['AT\r\r\nOK\r\n', /^notABoard \/dev\/ttyUSB0 answers like a modem: ".*AT OK"/],
    ['\r\nERROR\r\n', /a modem: ".*ERROR"/],
    ['\r\nNO CARRIER\r\n', /a modem/],
    ['\r\nRING\r\n', /a modem/],
    ['\r\n+CME ERROR: 10\r\n', /a modem: ".*\+CME ERROR: 10/],
    ['\r\n+CREG: 1\r\n', /a modem/],
    ['ATE0\r', /a modem/],
    ['\r\nraspberrypi login: ', /a console with a login: ".*raspberrypi login:/],
    ['Password: ', /a console with a login/],
    ['-sh: PERIOD_ON: not found\r\n', /a console: "/],
    ['PERIOD_ONREQUEST1EEPROM1\r\n', /a console that echoes its commands/],
  ])('knows %j', (text, words) => {
    expect(saidOf(text)).toMatch(words);
  });

  it('says nothing before the patience of three cycles is over', () => {
    const health = new LineHealth(OPTIONS);
    for (let atMs = 500; atMs < 500 + PATIENCE_MS; atMs += 250) {
      expect(health.received(ascii('\r\nERROR\r\n'), atMs)).toBeNull();
    }
    expect(health.received(ascii('\r\nERROR\r\n'), 500 + PATIENCE_MS)).not.toBeNull();
  });

  it('knows text of another device by its amount', () => {
    const nmea = '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n';
    expect(saidOf(nmea)).toBe('');
    expect(saidOf(nmea.repeat(4))).toMatch(/belongs to another device: .*\$GPGGA|M,,\*47"$/);
  });

  it('never doubts a port that says the words of a board', () => {
    expect(saidOf('OK\r\n#frame:1:00ff00ff OK\r\n'.repeat(20))).toBe('');
    expect(saidOf('#Sensor1234:AD')).toBe('');
    const health = new LineHealth(OPTIONS);
    for (const piece of ['#fr', 'ame:']) expect(health.received(ascii(piece), 0)).toBeNull();
    for (let atMs = 0; atMs < 60_000; atMs += 1000) {
      expect(health.received(ascii('00ff'.repeat(200)), atMs)).toBeNull();
    }
  });

  it('knows a wrong baud rate by bytes that are no text', () => {
    const random = seededRandom(3);
    const health = new LineHealth(OPTIONS);
    let said = '';
    for (let atMs = 0; atMs <= 30_000; atMs += 3000) {
      const noise = Uint8Array.from({ length: 372 }, () => random.uint32() & 0xff);
      const trouble = health.received(noise, atMs);
      if (trouble !== null) said = `${trouble.fault} ${trouble.detail}`;
    }
    expect(said).toMatch(
      /^lineGarbled \/dev\/ttyUSB0: 4092 bytes in 30 s and not one packet, 6\d % no text: is the/,
    );
    expect(said).toContain('baud rate 115200 right');
  });

  it('needs more than a few stray bytes to doubt a baud rate', () => {
    const health = new LineHealth(OPTIONS);
    for (let atMs = 0; atMs < 100_000; atMs += 10_000) {
      expect(health.received(new Uint8Array(25), atMs)).toBeNull();
    }
    expect(health.received(new Uint8Array(25), 100_000)).toMatchObject({ fault: 'lineGarbled' });
  });

  it('starts anew with every packet', () => {
    const health = new LineHealth(OPTIONS);
    for (let atMs = 0; atMs < 600_000; atMs += 1000) {
      if (atMs % 10_000 === 0) health.restart();
      expect(health.received(ascii('\r\nERROR\r\n'), atMs)).toBeNull();
    }
  });

  it('is the same in whatever pieces the bytes come', () => {
    const chunk = fc.uint8Array({ maxLength: 900 });
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), fc.nat({ max: 900 }), (chunks, at) => {
        const whole = new LineHealth(OPTIONS);
        const pieces = new LineHealth(OPTIONS);
        chunks.forEach((bytes, index) => {
          const nowMs = index * 5000;
          pieces.received(bytes.subarray(0, at), nowMs);
          const rest = pieces.received(bytes.subarray(at), nowMs);
          const said = whole.received(bytes, nowMs);
          if (at < bytes.length) expect(rest).toEqual(said);
          expect(said?.detail ?? '').toMatch(/^[ -~]*$/);
        });
      }),
    );
  });
});

describe('the watch over a serial line', () => {
  it('says nothing when a packet comes while the other ports are looked up', async () => {
    const clock = new ManualClock();
    const faults: FaultNotice[] = [];
    let listed: () => void = () => undefined;
    const files = new SimulatedFiles();
    files.list = () =>
      new Promise((resolve) => {
        listed = () => resolve(done(['usb-a']));
      });
    const watch = new LineWatch(OPTIONS, {
      clock,
      files,
      sensor: 'hall',
      fault: (notice) => faults.push(notice),
    });
    const ask = (): void => {
      watch.opened();
      for (let second = 0; second < 20; second++) {
        watch.received(ascii('\r\nERROR\r\n'), false);
        clock.advance(1000);
      }
    };
    ask();
    watch.received(ascii('#Sensor:ADC1=1!'), true);
    listed();
    await settle();
    expect(faults).toEqual([]);
    ask();
    listed();
    await settle();
    expect(faults.map(({ fault, raised }) => [fault, raised])).toEqual([['notABoard', true]]);
    watch.received(ascii('#Sensor:ADC1=1!'), true);
    expect(faults.map(({ raised }) => raised)).toEqual([true, false]);
    ask();
    const closing = watch.close();
    listed();
    await closing;
    expect(faults).toHaveLength(2);
  });
});

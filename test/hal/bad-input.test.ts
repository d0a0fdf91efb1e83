/** What an installer gets wrong: each mistake is one fault with its remedy, and the others go on. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { problemText } from '../../src/config-problems.ts';
import { parseConfig } from '../../src/config.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import type { Told } from './bad-input-site.ts';
import { BadInputSite, CHIP } from './bad-input-site.ts';
import { FAST_BUS, NO_BUS, SLOW_BUS } from './bad-input-wires.ts';
import { hasSocat } from './pty.ts';

const PATIENT = { timeout: 60_000, interval: 50 };
const GOOD = ['door', 'array', 'plc', ...(hasSocat ? ['board'] : [])];
const WRONG = [
  ...['wrong-pin', 'held-pin', 'forbidden-pin', 'siren-pin', 'no-bus', 'no-overlay', 'slow-bus'],
  ...['two-chips', 'wrong-unit', ...(hasSocat ? ['modem', 'wrong-rate'] : [])],
];
/** Enough to be the stream and not a remainder. */
const FURTHER_READINGS = 3;

describe('bad input', { timeout: 120_000 }, () => {
  let site: BadInputSite;
  beforeAll(async () => {
    site = await BadInputSite.start();
  }, PATIENT.timeout);
  afterAll(() => site.stop());

  /** After what is wrong was told, every good sensor has given further readings. */
  async function othersGoOn(told: Told | undefined): Promise<void> {
    await vi.waitFor(() => {
      for (const sensor of GOOD) {
        const before = told?.readings.get(sensor) ?? 0;
        expect(site.readingsOf(sensor), sensor).toBeGreaterThan(before + FURTHER_READINGS);
      }
    }, PATIENT);
    for (const sensor of GOOD) expect(site.raisedOf(sensor)).toEqual([]);
  }

  /** The one fault of a sensor; every word must be in its text. */
  async function expectFault(
    sensor: string,
    fault: string,
    words: readonly (string | RegExp)[],
  ): Promise<void> {
    await vi.waitFor(() => expect(site.raisedOf(sensor)).not.toEqual([]), PATIENT);
    await othersGoOn(site.raisedOf(sensor)[0]);
    const raised = site.raisedOf(sensor);
    expect(raised.map((one) => one.fault)).toEqual([fault]);
    for (const word of words) expect(raised[0]?.detail).toMatch(word);
    const { zones, faults } = site.appliance.core.runtime.view();
    const standing = [...faults, ...zones.flatMap((zone) => zone.faults)];
    const own = standing.filter((one) => one.subject === sensor && one.fault === fault);
    expect(own).toHaveLength(1);
  }

  it('wrong pin', () =>
    expectFault('wrong-pin', 'contactUnavailable', [
      `GPIO chip "${CHIP}" has lines 0..53, line 99 is not among them`,
    ]));

  it('pin in use by another consumer', () =>
    expectFault('held-pin', 'contactUnavailable', [
      'held by "spi0 CS0"',
      /remove the overlay of the kernel driver/,
      /gpioinfo/,
    ]));

  it('pin in use by this appliance, under its other name', () =>
    expectFault('siren-pin', 'contactUnavailable', [/siren/, /already in use/]));

  it('missing permission', () =>
    expectFault('forbidden-pin', 'contactUnavailable', [/usermod -aG gpio embereye/, /udev rule/]));

  it('missing kernel overlay: a bus that is not switched on', () =>
    expectFault('no-bus', 'arrayUnavailable', [
      `${NO_BUS} is not there`,
      'dtparam=i2c_arm=on into /boot/firmware/config.txt',
      '/etc/modules-load.d/i2c-dev.conf',
    ]));

  it('missing kernel overlay: a converter without its driver', () =>
    expectFault('no-overlay', 'adcUnavailable', [
      /\/boot\/firmware\/config.txt/,
      /dtoverlay=mcp3008/,
    ]));

  it('bus at the wrong speed', () =>
    expectFault('slow-bus', 'busTooSlow', [
      `${SLOW_BUS} is too slow for 16 Hz`,
      'dtparam=i2c_arm_baudrate=400000 into /boot/firmware/config.txt',
      /or set refreshHz to \d/,
    ]));

  it('two sensors at one address: as configured', () => {
    const one = (id: string) => ({ id, driver: 'mlx90640-i2c', options: { bus: FAST_BUS } });
    const channel = { channel: 'thermal', role: 'thermal' };
    const zones = [
      { id: 'z', sensors: ['left', 'right'].map((sensor) => ({ sensor, ...channel })) },
    ];
    const config = JSON.stringify({ sensors: [one('left'), one('right')], zones });
    const result = parseConfig(config, {}, PLAN_CHECKS);
    const problems = result.ok ? [] : result.problems.map((each) => problemText('f', each));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${FAST_BUS}:0x33 is already used by sensor "left"`);
    expect(problems[0]).toContain('give each sensor its own port, address or pin');
  });

  it('two sensors at one address: two chips that answer together', () =>
    expectFault('two-chips', 'arrayUnavailable', [
      `${FAST_BUS}, address 0x35`,
      'two devices answer at this address',
      'is another device at this address?',
    ]));

  it('a swapped array', async () => {
    await vi.waitFor(() => expect(site.readingsOf('swapped')).toBeGreaterThan(0), PATIENT);
    const was = new SimulatedArray({ seed: 2 });
    const is = new SimulatedArray({ seed: 22 });
    site.buses.swapped.swap(is);
    await vi.waitFor(() => expect(site.supervisoryOf('swapped')).not.toEqual([]), PATIENT);
    await othersGoOn(site.supervisoryOf('swapped')[0]);
    const told = site.supervisoryOf('swapped');
    expect(told.map(({ fault }) => fault)).toEqual(['arraySwapped']);
    const ids = [was, is].map(({ eeprom }) =>
      [...eeprom.subarray(7, 10)].map((word) => word.toString(16).padStart(4, '0')).join(''),
    );
    expect(told[0]?.detail).toContain(`array ${ids[0]} was replaced by ${ids[1]}`);
    expect(told[0]?.detail).toContain('check its mounting');
    const before = site.readingsOf('swapped');
    await vi.waitFor(() => expect(site.readingsOf('swapped')).toBeGreaterThan(before), PATIENT);
  });

  it.skipIf(!hasSocat)('a serial port that is a modem (needs socat)', () =>
    expectFault('modem', 'notABoard', ['answers like a modem', 'choose the right port']),
  );

  it.skipIf(!hasSocat)('baud mismatch (needs socat)', () =>
    expectFault('wrong-rate', 'lineGarbled', [/% no text/, 'is the baud rate 115200 right']),
  );

  it('a Modbus unit that answers for another', () =>
    expectFault('wrong-unit', 'modbusUnavailable', [
      /unit 7 answered for unit 2 on 127\.0\.0\.1:\d+/,
      /check the address switches of both, and the gateway/,
    ]));

  it('is told once, however long it lasts', () => {
    for (const sensor of WRONG) expect(site.raisedOf(sensor), sensor).toHaveLength(1);
  });
});

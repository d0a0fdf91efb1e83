/**
 * Everything that can go wrong with an array on I2C, one by one: each becomes no data with a reason
 * within its deadline, ends by itself, and never becomes a temperature.
 */
import { describe, expect, it } from 'vitest';
import { ADDRESS, ArrayRig, BUS } from './mlx90640-rig.ts';
import { ARRAY_TROUBLES, RECOVERED_WITHIN_MS } from './mlx90640-troubles.ts';

describe('an array on I2C in trouble', () => {
  it.each(ARRAY_TROUBLES)('$name: $reason, then recovered', async (trouble) => {
    const rig = await ArrayRig.create();
    rig.attach();
    rig.open();
    await rig.untilPicture(5000);
    await rig.run(12_000);
    rig.expectTruth();
    const { transfers } = rig.world.i2c;
    const beganAtMs = rig.world.clock.monotonicMs();
    const end = trouble.begin(rig);
    const { window, afterMs } = await rig.untilNoData(20_000);
    expect(window).toMatchObject({ channel: 'thermal', reason: trouble.reason });
    expect(window.detail).not.toBe('');
    expect(afterMs).toBeLessThanOrEqual(trouble.withinMs);
    await rig.run(20_000);
    // Trying again for ever must not become a storm: less than what an array in order takes.
    const seconds = (rig.world.clock.monotonicMs() - beganAtMs) / 1000;
    expect(rig.world.i2c.transfers - transfers).toBeLessThan(seconds * 4 * 14);
    rig.expectTruth();
    if (trouble.fault !== null) {
      const texts = rig.faults.filter(({ raised }) => raised).map(({ detail }) => detail);
      expect(texts.join('\n')).toMatch(trouble.fault);
      expect(new Set(texts).size).toBe(texts.length);
    }
    end();
    await rig.untilPicture(RECOVERED_WITHIN_MS);
    await rig.run(2000);
    rig.expectTruth();
    expect(rig.faults.at(-1)?.raised ?? false).toBe(false);
    expect(rig.device.eepromWrites).toBe(0);
    await rig.close();
    expect(rig.world.i2c.handles).toBe(0);
  });

  it('refuses an EEPROM that is never read twice alike, until it is', async () => {
    const rig = await ArrayRig.create();
    rig.device.faults.eepromBitErrors = 1;
    rig.attach();
    rig.open();
    const { window } = await rig.untilNoData(2000);
    expect(window.reason).toBe('hardware');
    await rig.run(30_000);
    expect(rig.pictures).toEqual([]);
    expect(rig.faults).toHaveLength(1);
    expect(rig.faults[0]?.detail).toContain('two readings of the EEPROM are never alike');
    expect(rig.faults[0]?.detail).toContain('dtparam=i2c_arm_baudrate=400000');
    rig.device.faults.eepromBitErrors = 0;
    await rig.untilPicture(RECOVERED_WITHIN_MS);
    expect(rig.faults.at(-1)).toMatchObject({ fault: 'arrayUnavailable', raised: false });
    await rig.close();
  });

  /** Two devices that answer together: a 1 comes only where both send one. */
  function joined(rig: ArrayRig, other: ArrayRig): () => void {
    return rig.world.i2c.attach(BUS, ADDRESS, {
      transfer: (write, readBytes) => {
        const one = rig.device.transfer(write, readBytes);
        const two = other.device.transfer(write, readBytes);
        if (one === null || two === null) return one ?? two;
        return one.map((byte, at) => byte & (two[at] ?? 0));
      },
    });
  }

  it('refuses two arrays at one address, and takes the one that remains', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const rig = await ArrayRig.create({ seed });
      const other = await ArrayRig.create({ seed: 100 + seed, world: rig.world });
      joined(rig, other);
      rig.open();
      await rig.run(30_000);
      expect(rig.pictures).toEqual([]);
      expect(rig.world.bench.drain()).toMatchObject([{ reason: 'badCalibration' }, {}]);
      expect(rig.faults.at(-1)?.detail).toContain('is another device at this address?');
      rig.attach();
      await rig.untilPicture(RECOVERED_WITHIN_MS);
      rig.expectTruth();
      await rig.close();
    }
  });

  it.each([2, 4])(
    'notices another array that joins at its address, at %s Hz',
    async (refreshHz) => {
      const rig = await ArrayRig.create({ options: { refreshHz } });
      const other = await ArrayRig.create({ seed: 66, world: rig.world });
      rig.attach();
      rig.open();
      await rig.run(5000);
      joined(rig, other);
      await rig.run(32_000);
      expect(rig.faults.length).toBeGreaterThan(0);
      rig.pictures.length = 0;
      await rig.run(60_000);
      expect(rig.pictures).toEqual([]);
      await rig.close();
    },
  );

  it('says that the bus is too slow before a dump is lost, and again when it is fast', async () => {
    const rig = await ArrayRig.create({ options: { refreshHz: 8 }, speedHz: 100_000 });
    rig.attach();
    rig.open();
    await rig.run(700);
    expect(rig.world.bench.counters.framesWithheld).toEqual({});
    expect(rig.faults).toHaveLength(1);
    expect(rig.faults[0]).toMatchObject({ fault: 'busTooSlow', raised: true });
    expect(rig.faults[0]?.detail).toBe(
      '/dev/i2c-1 is too slow for 8 Hz: at the 100 kHz measured, reading the array takes 164 ms, ' +
        'and a subpage comes every 125 ms. An array alone on its bus: 100 kHz carries 4 Hz, ' +
        '400 kHz carries 16 Hz, 1 MHz carries 32 Hz. Put dtparam=i2c_arm_baudrate=400000 into ' +
        '/boot/firmware/config.txt and restart, or set refreshHz to 4',
    );
    const { window } = await rig.untilNoData(1000);
    expect(window.reason).toBe('overrun');
    expect(window.detail).toMatch(/a new subpage came while one was read \(1 of 1 dumps\)/);
    await rig.run(30_000);
    expect(rig.pictures).toEqual([]);
    expect(rig.faults).toHaveLength(1);
    rig.world.i2c.speedHz = 400_000;
    await rig.run(10_000);
    rig.expectTruth();
    expect(rig.faults.at(-1)).toMatchObject({ fault: 'busTooSlow', raised: false });
    expect(rig.faults).toHaveLength(2);
    await rig.close();
  });

  it('says that the bus is too slow when others slow it down later', async () => {
    const rig = await ArrayRig.create({ options: { refreshHz: 16 } });
    rig.attach();
    rig.open();
    await rig.run(3000);
    expect(rig.faults).toEqual([]);
    rig.world.i2c.speedHz = 200_000;
    await rig.run(3000);
    expect(rig.faults).toHaveLength(1);
    expect(rig.faults[0]?.detail).toMatch(/200 kHz measured.*lost: \d+ of \d+ dumps/);
    rig.expectTruth();
    await rig.close();
  });

  it('never pairs subpages between which others were missed', async () => {
    const rig = await ArrayRig.create();
    rig.attach();
    rig.open();
    await rig.run(3000);
    await rig.untilPicture(2000);
    // The next look at the status takes five subpages: an odd number, so that the halves would fit.
    rig.world.i2c.speedHz = 50;
    await rig.run(100);
    rig.world.i2c.speedHz = 400_000;
    const { window } = await rig.untilNoData(2000);
    expect(window.reason).toBe('overrun');
    expect(window.detail).toMatch(/^no subpage was read for 1\d{3} ms, one comes every 250 ms$/);
    await rig.untilPicture(2000);
    rig.expectTruth();
    await rig.close();
  });

  it('gives up a transfer that never ends', async () => {
    const rig = await ArrayRig.create();
    rig.attach();
    rig.open();
    await rig.run(3000);
    const { i2c } = rig.world;
    const open = i2c.open.bind(i2c);
    i2c.open = async (path) => {
      const opened = await open(path);
      if (!opened.ok) return opened;
      const value = { ...opened.value, transfer: () => new Promise<never>(() => undefined) };
      return { ok: true, value };
    };
    rig.device.faults.nack = true;
    await rig.run(200);
    rig.device.faults.nack = false;
    rig.world.bench.drain();
    const { window } = await rig.untilNoData(6000);
    expect(window.detail).toContain('no transfer has ended for 5 s');
    i2c.open = open;
    await rig.untilPicture(RECOVERED_WITHIN_MS);
    await rig.close();
    expect(rig.world.clock.pending).toBe(0);
  });

  it('switches the supply off and on after three failures, where it can', async () => {
    const power = { chip: 'pinctrl-rp1', line: 17, activeLow: true };
    const rig = await ArrayRig.create({ options: { power } });
    const { gpio, clock } = rig.world;
    let isOn = false;
    const offAtMs: number[] = [];
    rig.device.power(false);
    const follow = (): void => {
      const on = !gpio.level('pinctrl-rp1', 17);
      if (on !== isOn) rig.device.power(on);
      if (isOn && !on) offAtMs.push(clock.monotonicMs());
      // The cure: a hung array measures again after its supply was off.
      if (isOn && !on) rig.device.faults.neverReady = false;
      isOn = on;
      clock.after(20, follow);
    };
    rig.attach();
    rig.open();
    follow();
    await rig.untilPicture(5000);
    expect(rig.faults).toEqual([]);
    rig.device.faults.neverReady = true;
    await rig.run(30_000);
    expect(offAtMs).toHaveLength(1);
    rig.expectTruth();
    expect(rig.faults.map(({ raised }) => raised)).toEqual([true, false]);
    await rig.close();
  });

  it('works without its power switch, and says that the switch does not', async () => {
    const power = { chip: 'pinctrl-rp1', line: 17 };
    const rig = await ArrayRig.create({ options: { power } });
    rig.world.gpio.setFault('pinctrl-rp1', 17, 'busy');
    rig.attach();
    rig.open();
    await rig.run(5000);
    expect(rig.faults).toMatchObject([{ fault: 'arrayPowerUnavailable', raised: true }]);
    expect(rig.pictures.length).toBeGreaterThan(5);
    await rig.close();
  });
});

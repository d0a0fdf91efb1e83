import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BoxSettings } from '../../src/box.ts';
import { boxSamples, createBoxMonitor } from '../../src/box.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { DEFAULT_BOX_LIMITS } from '../../src/hal/box/readers.ts';
import type { BoxFault, BoxReading } from '../../src/hal/box/report.ts';
import { done, failed } from '../../src/hal/ports.ts';
import { BoxModel, FLAGS_PI4, FLAGS_PI5, HALF_FULL, MACHINES } from './box-models.ts';
import type { Machine } from './box-models.ts';
import { ManualClock } from './manual-clock.ts';

const POLL_MS = 10_000;
const SETTINGS: BoxSettings = { ...DEFAULT_BOX_LIMITS, enabled: true, pollSeconds: POLL_MS / 1000 };

interface Watched {
  readonly model: BoxModel;
  readonly clock: ManualClock;
  readonly told: FaultNotice[];
  readings: readonly BoxReading[];
  stop(): void;
  /** So many looks from now on; what was told meanwhile. */
  looks(count: number): Promise<readonly FaultNotice[]>;
  value(name: string): number | undefined;
}

async function watch(machine: Machine, settings = SETTINGS): Promise<Watched> {
  const clock = new ManualClock();
  const model = new BoxModel(machine, clock);
  const told: FaultNotice[] = [];
  const monitor = createBoxMonitor(settings, model, {
    fault: (notice) => told.push(notice),
    readings: (list) => (watched.readings = list),
  });
  const watched: Watched = {
    model,
    clock,
    told,
    readings: [],
    stop: () => monitor.stop(),
    looks: async (count) => {
      const before = told.length;
      for (let look = 0; look < count; look++) {
        await clock.run(POLL_MS);
        await flush();
      }
      return told.slice(before);
    },
    value: (name) => watched.readings.find((one) => one.name === name)?.value,
  };
  monitor.start();
  await clock.run(1);
  await flush();
  return watched;
}

/** A look is a chain of many promises; the manual clock lets only some settle. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 500; turn++) await Promise.resolve();
}

describe.each(Object.keys(MACHINES) as Machine[])('a healthy %s', (machine) => {
  it('gives readings and raises nothing', async () => {
    const box = await watch(machine);
    expect(await box.looks(5)).toEqual([]);
    const names = box.readings.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
    const always = ['cpuCelsius', 'diskFreePercent', 'memoryAvailableMegabytes', 'load1Tasks'];
    expect(names).toEqual(expect.arrayContaining(always));
    const isPi = machine.startsWith('pi');
    expect(names.includes('undervoltage')).toBe(isPi);
    expect(names.includes('watchdogActive')).toBe(isPi);
    expect(names.includes('batteryPercent')).toBe(machine === 'pc');
    expect(names.includes('diskLifeUsedPercent')).toBe(machine === 'jetson');
  });
});

describe('readings', () => {
  it('are the kernel values in the named units', async () => {
    const box = await watch('pc');
    expect(box.value('cpuCelsius')).toBe(55);
    expect(box.value('mainsOnline')).toBe(1);
    expect(box.value('batteryPercent')).toBe(88);
    expect(box.value('batteryVolts')).toBeCloseTo(12.4);
    expect(box.value('memoryAvailableMegabytes')).toBeCloseTo(3174.4);
    expect(box.value('diskFreePercent')).toBe(50);
    expect(box.value('diskInodesFreePercent')).toBe(75);
    expect(box.value('load1Tasks')).toBe(0.52);
    expect(box.value('clockSynchronised')).toBe(1);
  });

  it('become samples of one gauge', async () => {
    const box = await watch('pi4');
    expect(boxSamples('embereye_box_reading', box.readings)[0]).toEqual({
      name: 'embereye_box_reading',
      labels: ['cpuCelsius'],
      value: 48.199,
    });
  });
});

interface Case {
  readonly fault: BoxFault;
  readonly machine: Machine;
  readonly breakIt: (model: BoxModel) => void;
  readonly mend: (model: BoxModel) => void;
  /** What the detail must name. */
  readonly says: RegExp;
}
const ZONE0 = '/sys/class/thermal/thermal_zone0/temp';
const BATTERY = '/sys/class/power_supply/BAT0';
const MAINS = '/sys/class/power_supply/AC/online';
const EMMC = '/sys/block/mmcblk0/device';
const file = (path: string, text: string) => (model: BoxModel) => model.set(path, text);
const space = (changes: Partial<typeof HALF_FULL>) => (model: BoxModel) => {
  model.space = done({ ...HALF_FULL, ...changes });
};
const both =
  (...steps: readonly ((model: BoxModel) => void)[]) =>
  (model: BoxModel) => {
    for (const step of steps) step(model);
  };

const CASES: readonly Case[] = [
  {
    ...{ fault: 'boxHot', machine: 'pi4', says: /cpu-thermal is at 84.2 C, limit 80 C: clean/ },
    ...{ breakIt: file(ZONE0, '84200'), mend: file(ZONE0, '70000') },
  },
  {
    ...{ fault: 'undervoltage', machine: 'pi4', says: /below 4.63 V now: use the supply/ },
    ...{ breakIt: file(FLAGS_PI4, '50001'), mend: file(FLAGS_PI4, '50000') },
  },
  {
    ...{ fault: 'undervoltage', machine: 'pi5', says: /below 4.63 V now/ },
    breakIt: file('/sys/class/hwmon/hwmon3/in0_lcrit_alarm', '1'),
    mend: file('/sys/class/hwmon/hwmon3/in0_lcrit_alarm', '0'),
  },
  {
    ...{ fault: 'throttled', machine: 'pi5', says: /processor is throttled, the soft temperature/ },
    ...{ breakIt: file(FLAGS_PI5, '0xc000c'), mend: file(FLAGS_PI5, '0xc0000') },
  },
  {
    ...{ fault: 'mainsFail', machine: 'pc', says: /AC without voltage: look at fuse/ },
    ...{ breakIt: file(MAINS, '0'), mend: file(MAINS, '1') },
  },
  {
    ...{ fault: 'batteryLow', machine: 'pc', says: /BAT0 has 12 % \(12.4 V\), limit 30 %/ },
    ...{ breakIt: file(`${BATTERY}/capacity`, '12'), mend: file(`${BATTERY}/capacity`, '60') },
  },
  {
    ...{ fault: 'batteryMissing', machine: 'pc', says: /no battery in BAT0: put it in/ },
    ...{ breakIt: file(`${BATTERY}/present`, '0'), mend: file(`${BATTERY}/present`, '1') },
  },
  {
    ...{ fault: 'batteryNotCharging', machine: 'pc', says: /is not charged although mains/ },
    breakIt: both(file(`${BATTERY}/status`, 'Discharging'), file(`${BATTERY}/capacity`, '50')),
    mend: file(`${BATTERY}/status`, 'Charging'),
  },
  {
    ...{ fault: 'diskFilling', machine: 'pi4', says: /limits 200 MB, 10 %: remove/ },
    ...{ breakIt: space({ freeBytes: 3e9 }), mend: space({}) },
  },
  {
    ...{ fault: 'diskFilling', machine: 'pi4', says: /4 % of inodes/ },
    ...{ breakIt: space({ freeInodes: 80_000 }), mend: space({}) },
  },
  {
    ...{ fault: 'diskFull', machine: 'pi4', says: /40 MB free .*full below 50 MB/ },
    ...{ breakIt: space({ totalBytes: 3e8, freeBytes: 4e7 }), mend: space({}) },
  },
  {
    ...{ fault: 'diskReadOnly', machine: 'pi4', says: /mmcblk0p2 at \/\) is read-only: .*dmesg/ },
    breakIt: file('/proc/mounts', '/dev/mmcblk0p2 / ext4 ro,noatime 0 0'),
    mend: file('/proc/mounts', '/dev/mmcblk0p2 / ext4 rw,noatime 0 0'),
  },
  {
    ...{ fault: 'diskWorn', machine: 'jetson', says: /mmcblk0 \(G1M15L.*more than 100 % of its/ },
    breakIt: file(`${EMMC}/life_time`, '0x02 0x0b'),
    mend: file(`${EMMC}/life_time`, '0x02 0x02'),
  },
  {
    ...{ fault: 'diskWorn', machine: 'jetson', says: /nearly no spare blocks left: copy/ },
    ...{ breakIt: file(`${EMMC}/pre_eol_info`, '0x03'), mend: file(`${EMMC}/pre_eol_info`, '1') },
  },
  {
    ...{ fault: 'diskErrors', machine: 'pi4', says: /3 file system errors.*2023-11-14T22:13:20Z/ },
    breakIt: both(
      file('/sys/fs/ext4/mmcblk0p2/errors_count', '3'),
      file('/sys/fs/ext4/mmcblk0p2/first_error_time', '1700000000'),
    ),
    mend: file('/sys/fs/ext4/mmcblk0p2/errors_count', '0'),
  },
  {
    ...{ fault: 'diskErrors', machine: 'pc', says: /nvme0n1 is dead/ },
    breakIt: file('/sys/block/nvme0n1/device/state', 'dead'),
    mend: file('/sys/block/nvme0n1/device/state', 'live'),
  },
  {
    ...{ fault: 'memoryLow', machine: 'pi4', says: /51.2 MB of memory available, limit 64 MB/ },
    breakIt: file('/proc/meminfo', 'MemAvailable:   50000 kB'),
    mend: file('/proc/meminfo', 'MemAvailable:  500000 kB'),
  },
];

describe('every condition becomes a fault and ends', () => {
  it.each(CASES)('$fault on a $machine: $says', async ({ fault, machine, ...rest }) => {
    const box = await watch(machine);
    await box.looks(1);
    rest.breakIt(box.model);
    const raised = (await box.looks(2)).filter((notice) => notice.fault === fault);
    expect(raised).toEqual([
      { fault, subject: 'box', raised: true, detail: expect.stringMatching(rest.says) as string },
    ]);
    expect((await box.looks(10)).filter((notice) => notice.fault === fault)).toEqual([]);
    rest.mend(box.model);
    const restored = (await box.looks(7)).filter((notice) => notice.fault === fault);
    expect(restored.map((notice) => notice.raised)).toEqual([false]);
    expect(restored[0]?.detail).not.toBe('');
  });

  it('one look is not enough, except for undervoltage', async () => {
    const box = await watch('pi4');
    box.model.set(ZONE0, '90000');
    box.model.set(FLAGS_PI4, '50005');
    expect((await box.looks(1)).map(({ fault }) => fault)).toEqual(['undervoltage']);
    box.model.set(ZONE0, '60000');
    expect((await box.looks(3)).map(({ fault }) => fault)).not.toContain('boxHot');
  });

  it('within the hysteresis nothing changes', async () => {
    const box = await watch('pi4');
    box.model.set(ZONE0, '79000');
    expect(await box.looks(3)).toEqual([]);
    box.model.set(ZONE0, '80000');
    expect(await box.looks(2)).toHaveLength(1);
    box.model.set(ZONE0, '76000');
    expect(await box.looks(5)).toEqual([]);
    box.model.set(ZONE0, '74900');
    expect(await box.looks(2)).toMatchObject([{ fault: 'boxHot', raised: false }]);
  });

  it('what happened between two looks is told once and ends after a quiet minute', async () => {
    const box = await watch('pi4');
    box.model.set(FLAGS_PI4, '50000');
    const told = await box.looks(1);
    expect(told.map(({ fault }) => fault).sort()).toEqual(['throttled', 'undervoltage']);
    for (const { detail } of told) expect(detail).toMatch(/since the last look/);
    expect(await box.looks(5)).toEqual([]);
    const ended = await box.looks(1);
    expect(ended.map(({ raised }) => raised)).toEqual([false, false]);
    expect(await box.looks(10)).toEqual([]);
  });

  it('flags from before the start are no news', async () => {
    const clock = new ManualClock();
    const model = new BoxModel('pi4', clock);
    model.set(FLAGS_PI4, '50000');
    const told: FaultNotice[] = [];
    const tell = { fault: (one: FaultNotice) => told.push(one), readings: () => undefined };
    createBoxMonitor(SETTINGS, model, tell).start();
    for (let look = 0; look < 5; look++) {
      await clock.run(POLL_MS);
      await flush();
    }
    expect(told).toEqual([]);
  });

  it('a clock that nobody sets is a fault after its minutes, and not before', async () => {
    const box = await watch('pi4');
    box.model.time = 'unsynchronised';
    expect(await box.looks(89)).toEqual([]);
    expect(box.value('clockSynchronised')).toBe(0);
    const raised = await box.looks(3);
    expect(raised).toMatchObject([{ fault: 'clockUnsynchronised', raised: true }]);
    expect(raised[0]?.detail).toMatch(/timedatectl/);
    box.model.time = 'synchronised';
    expect(await box.looks(2)).toMatchObject([{ fault: 'clockUnsynchronised', raised: false }]);
  });
});

describe('what cannot be read', () => {
  it('was never there: nothing is said', async () => {
    const box = await watch('jetson');
    box.model.files.faults.set(FLAGS_PI4, 'permission');
    expect(await box.looks(5)).toEqual([]);
  });

  it('was there: a fault that names it, the reason and the way to mend it', async () => {
    const box = await watch('pc');
    await box.looks(1);
    box.model.files.faults.set('/proc/meminfo', 'permission');
    expect(await box.looks(1)).toEqual([]);
    const [lost, ...more] = await box.looks(1);
    expect(more).toEqual([]);
    expect(lost).toMatchObject({ fault: 'boxUnreadable', subject: 'box', raised: true });
    expect(lost?.detail).toMatch(/memory: \/proc\/meminfo: permission .*: look at dmesg/);
    expect(await box.looks(5)).toEqual([]);
    box.model.files.faults.clear();
    expect(await box.looks(1)).toMatchObject([{ fault: 'boxUnreadable', raised: false }]);
  });

  it('a battery gauge that vanishes is lost; what it said before stays', async () => {
    const box = await watch('pc');
    box.model.set(`${BATTERY}/capacity`, '10');
    await box.looks(2);
    for (const path of [...box.model.files.files.keys()]) {
      if (path.startsWith(BATTERY)) box.model.files.files.delete(path);
    }
    const told = await box.looks(4);
    expect(told.map(({ fault, raised }) => `${fault} ${raised}`)).toEqual(['boxUnreadable true']);
    expect(told[0]?.detail).toMatch(/battery BAT0: it is not there any more/);
  });

  it('a look that hangs is given up, named, and does not pile up', async () => {
    const box = await watch('pi4');
    let asked = 0;
    let answer: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => (answer = resolve));
    const read = box.model.files.read.bind(box.model.files);
    box.model.files.read = async (path) => {
      if (path === '/proc/meminfo') {
        asked += 1;
        await stuck;
      }
      return read(path);
    };
    await box.looks(8);
    expect(asked).toBe(1);
    expect(box.told).toHaveLength(1);
    expect(box.told[0]?.detail).toMatch(/memory: no answer within 5000 ms/);
    expect(box.value('cpuCelsius')).toBe(48.199);
    answer();
    await box.looks(2);
    expect(box.told.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('a disk that does not answer is lost', async () => {
    const box = await watch('pi4');
    box.model.space = failed('other', 'the file system of /var/lib/embereye: EIO');
    expect(await box.looks(2)).toMatchObject([{ fault: 'boxUnreadable', raised: true }]);
  });
});

describe('the monitor', () => {
  it('leaves no timer behind and says nothing after its stop', async () => {
    const box = await watch('pi4');
    box.model.set(ZONE0, '95000');
    box.stop();
    expect(box.clock.pending).toBe(0);
    expect(await box.looks(5)).toEqual([]);
  });

  it('switched off it reads nothing', async () => {
    const box = await watch('pi4', { ...SETTINGS, enabled: false });
    await box.looks(3);
    expect(box.readings).toEqual([]);
  });

  it('whatever the files hold: no exception and no reading that is no number', async () => {
    const machine = fc.constantFrom(...(Object.keys(MACHINES) as Machine[]));
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '-1', '0', 'NaN', 'Infinity', '9'.repeat(400), '0xffffffff', '-273150'),
      fc.double().map(String),
    );
    const property = fc.asyncProperty(
      machine,
      fc.array(text, { minLength: 8, maxLength: 40 }),
      async (name, texts) => {
        const box = await watch(name);
        for (const [i, path] of [...box.model.files.files.keys()].entries()) {
          if (i % 3 !== 0) box.model.set(path, texts[i % texts.length] ?? '');
        }
        await box.looks(4);
        box.stop();
        expect(box.readings.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
        expect(box.told.filter(({ detail }) => /no answer|undefined/.test(detail))).toEqual([]);
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config-schema.ts';
import type { FaultNotice, InputSignal } from '../../src/domain/step.ts';
import { pulseOutput } from '../../src/hal/gpio/self-test.ts';
import type { GpioNotice } from '../../src/hal/gpio/notice.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { DigitalInput, DigitalOutput, HalResult } from '../../src/hal/ports.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { openHardware } from '../../src/hardware.ts';
import { followInputs } from '../../src/inputs.ts';
import { openLines } from '../../src/outputs.ts';
import { FakeKeeper } from './fake-keeper.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';
import { SysfsModel } from './sysfs-model.ts';

const CHIP = 'simulated';

function tools(clock: ManualClock) {
  return { clock, random: seededRandom(5) };
}

function configured(gpio: object) {
  return configSchema.parse({ gpio });
}

const WIRED = configured({
  outputs: [
    { id: 'siren', role: 'siren', line: 1, feedback: 'siren-back', bias: 'pullDown' },
    { id: 'fault', role: 'faultRelay', line: 2, activeLow: true },
  ],
  inputs: [
    { id: 'siren-back', role: 'feedback', line: 3, debounceMs: 20 },
    { id: 'reset', role: 'reset', line: 4, bias: 'pullUp', activeLow: true },
  ],
});

describe('opening what is wired', () => {
  it('binds feedback to its output, and lets it settle and be debounced first', () => {
    const clock = new ManualClock();
    const gpio = new SimulatedGpio({ clock });
    const { outputs, inputs, isSettled } = openLines(WIRED, gpio, { siren: true }, tools(clock));
    expect(isSettled()).toBe(true);
    const seen = outputs.map(({ id, feedback, settleMs }) => [id, feedback?.name, settleMs]);
    expect(seen).toEqual([
      ['siren', 'siren-back', 270],
      ['fault', undefined, 250],
    ]);
    expect(inputs.map(({ input }) => input.name)).toEqual(['reset']);
    expect([gpio.level(CHIP, 1), gpio.level(CHIP, 2)]).toEqual([true, true]);
    expect([gpio.bias(CHIP, 1), gpio.bias(CHIP, 4)]).toEqual(['pullDown', 'pullUp']);
  });
});

describe('files that are kept for lines', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kept-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('are lowered for the fault relay and left alone for the rest: simulated', () => {
    const keeper = new FakeKeeper();
    const clock = new ManualClock();
    const gpio = new SimulatedGpio({ clock, mirrorDir: directory, keeper });
    openLines(WIRED, gpio, {}, tools(clock));
    expect([...keeper.files]).toEqual([
      ['simulated:simulated:1', { path: join(directory, 'simulated-1', 'value'), write: null }],
      ['simulated:simulated:2', { path: join(directory, 'simulated-2', 'value'), write: '1\n' }],
    ]);
    gpio.close();
  });

  it('are named so that a process elsewhere finds them, for any line of any machine', async () => {
    const keeper = new FakeKeeper();
    const far = { id: 'siren', role: 'siren', chip: 'tegra234-gpio', line: 122 };
    const config = configured({
      backend: 'simulated',
      mirrorDirectory: relative(process.cwd(), directory),
      outputs: [far],
    });
    const { gpio } = await openHardware({
      ...{ config, simulate: false, ...tools(new ManualClock()), log: () => undefined },
      ...{ busThreadPath: '/none', keeper },
    });
    expect(gpio.openOutput('siren', { ...far, activeLow: false }, true)).toMatchObject({
      ok: true,
    });
    const path = join(directory, 'tegra234-gpio-122', 'value');
    expect([...keeper.files.values()]).toEqual([{ path, write: null }]);
    gpio.close();
  });

  it('are those of sysfs with onoff; a keeper that fails is told and nothing else', async () => {
    const model = new SysfsModel();
    model.addChip('pinctrl-bcm2835', 512, 54);
    const keeper = new FakeKeeper();
    const notices: GpioNotice[] = [];
    const { root: sysfsRoot, exportLine } = model;
    const notice = (told: GpioNotice): void => void notices.push(told);
    const clock = new ManualClock();
    const options = { clock, sysfsRoot, exportLine, keeper, notice };
    const gpio = value(await openOnoffBackend(options));
    const at = { chip: 'pinctrl-bcm2835', line: 22, activeLow: false };
    const relay = value(gpio.openOutput('fault', at, true, 'drop'));
    expect([...keeper.files]).toEqual([
      ['sysfs:pinctrl-bcm2835:22', { path: join(sysfsRoot, 'gpio534', 'value'), write: '0\n' }],
    ]);
    relay.close();
    keeper.isBroken = true;
    expect(gpio.openOutput('fault', at, true, 'drop').ok).toBe(true);
    expect(notices).toMatchObject([{ kind: 'keeper', name: 'fault' }]);
    gpio.close();
    model.remove();
  });
});

describe('following inputs', () => {
  function following() {
    const clock = new ManualClock();
    const gpio = new SimulatedGpio({ clock });
    const signals: InputSignal[] = [];
    const faults: FaultNotice[] = [];
    const start = () =>
      followInputs(openLines(WIRED, gpio, {}, tools(clock)).inputs, {
        clock,
        signal: (signal) => signals.push(signal),
        fault: (notice) => faults.push(notice),
      });
    return { clock, gpio, signals, faults, start };
  }

  it('tells a contact that is active from the start, and each change', () => {
    const { clock, gpio, signals, start } = following();
    gpio.setLevel(CHIP, 4, false);
    const stop = start();
    gpio.setLevel(CHIP, 4, true);
    clock.advance(100);
    expect(signals.map(({ input, active }) => [input, active])).toEqual([
      ['reset', true],
      ['reset', false],
    ]);
    stop();
    expect(clock.pending).toBe(0);
  });

  it('says nothing of a contact that rests', () => {
    const { clock, signals, start } = following();
    start();
    clock.advance(10_000);
    expect(signals).toEqual([]);
  });

  it('raises a line that cannot be read, once, and restores it', () => {
    const { clock, gpio, faults, start } = following();
    start();
    gpio.setFault(CHIP, 4, 'readFails');
    clock.advance(10_000);
    gpio.setFault(CHIP, 4, null);
    clock.advance(1000);
    const told = faults.map(({ fault, subject, raised }) => [fault, subject, raised]);
    expect(told).toEqual([
      ['inputFailed', 'input:reset', true],
      ['inputFailed', 'input:reset', false],
    ]);
  });

  it('takes a line that chattered as mended with its next clean change', () => {
    const { clock, gpio, faults, start } = following();
    start();
    for (let edge = 0; edge < 300; edge++) {
      gpio.setLevel(CHIP, 4, edge % 2 === 1);
      clock.advance(10);
    }
    clock.advance(5000);
    expect(faults.map(({ raised }) => raised)).toEqual([true]);
    gpio.setLevel(CHIP, 4, false);
    clock.advance(100);
    expect(faults.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('takes it as mended when it has rested for a minute: nobody may ever press it', () => {
    const { clock, gpio, faults, start } = following();
    start();
    const chatter = (): void => {
      for (let edge = 0; edge < 300; edge++) {
        gpio.setLevel(CHIP, 4, edge % 2 === 1);
        clock.advance(10);
      }
    };
    chatter();
    clock.advance(50_000);
    chatter();
    clock.advance(50_000);
    expect(faults.map(({ raised }) => raised)).toEqual([true]);
    clock.advance(12_000);
    expect(faults.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('does not take a line as mended that chatters on and on', () => {
    const { clock, gpio, faults, start } = following();
    start();
    for (let edge = 0; edge < 20_000; edge++) {
      gpio.setLevel(CHIP, 4, edge % 2 === 1);
      clock.advance(10);
    }
    expect(faults.map(({ raised }) => raised)).toEqual([true]);
  });
});

describe('the self-test of an output', () => {
  /** An output with a feedback contact that is moved by `follow`. */
  function pulsed(follow: (level: boolean) => boolean, resting = false) {
    const clock = new ManualClock();
    const gpio = new SimulatedGpio({ clock });
    const at = { chip: CHIP, line: 1, activeLow: false };
    const line = value(gpio.openOutput('siren', at, resting));
    const writes: boolean[] = [];
    const output: DigitalOutput = {
      name: 'siren',
      write: (active) => {
        writes.push(active);
        const written = line.write(active);
        gpio.setLevel(CHIP, 3, follow(gpio.level(CHIP, 1)));
        return written;
      },
      close: () => line.close(),
    };
    const feedback = value(gpio.openInput('siren-back', { ...at, line: 3 }, 20));
    const run = async (wired: DigitalInput | null = feedback) => {
      const testing = pulseOutput(output, wired, 300, clock, resting);
      await clock.run(1000);
      return testing;
    };
    return { gpio, writes, run };
  }

  it.each([
    ['agreed', (level: boolean) => level],
    ['disagreed', () => false],
    ['disagreed', () => true],
    ['disagreed', (level: boolean) => !level],
  ] as const)('says %s', async (feedback, follow) => {
    for (const resting of [false, true]) {
      const { run, writes } = pulsed(follow, resting);
      expect(await run()).toEqual({ ok: true, value: { feedback } });
      expect(writes).toEqual([!resting, resting]);
    }
  });

  it('says none where no feedback is wired', async () => {
    const { run } = pulsed(() => false);
    expect(await run(null)).toEqual({ ok: true, value: { feedback: 'none' } });
  });

  it('puts the line back although the feedback cannot be read', async () => {
    const { gpio, run, writes } = pulsed(() => false);
    gpio.setFault(CHIP, 3, 'readFails');
    expect(await run()).toMatchObject({ ok: false });
    expect(writes).toEqual([true, false]);
    expect(gpio.level(CHIP, 1)).toBe(false);
  });

  it('tries to put the line back after a failed pulse, and says that it could not', async () => {
    const { gpio, run, writes } = pulsed(() => false);
    gpio.setFault(CHIP, 1, 'writeFails');
    const result = await run();
    expect(writes).toEqual([true, false]);
    expect(result.ok ? '' : result.error.message).toContain('could not be put back to inactive');
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

/** Lines that do not open at the start, or go away: what has them work again without a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Annunciator } from '../../src/alarm/annunciator.ts';
import { configSchema } from '../../src/config-schema.ts';
import type { FaultNotice, InputSignal } from '../../src/domain/step.ts';
import type { OutputLevels } from '../../src/domain/view.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { GpioBackend, HalResult } from '../../src/hal/ports.ts';
import { SimulatedGpio } from '../../src/hal/simulated.ts';
import { followInputs } from '../../src/inputs.ts';
import { openLines } from '../../src/outputs.ts';
import { FakeKeeper } from './fake-keeper.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';
import { SysfsModel, systemError } from './sysfs-model.ts';

const CHIP = 'simulated';
const SIREN = 1;
const CONTACT = 3;
const BUTTON = 4;
/** The longest wait between two attempts, and the step that makes the next one. */
const PATIENCE_MS = 5200;

function wired(chip: string, more: object = {}) {
  const siren = { id: 'siren', role: 'siren', chip, line: SIREN, ...more };
  const contact = { id: 'contact', role: 'feedback', chip, line: CONTACT, debounceMs: 0 };
  const button = { id: 'button', role: 'reset', chip, line: BUTTON, debounceMs: 20 };
  const gpio = { outputs: [{ ...siren, feedback: 'contact' }], inputs: [contact, button] };
  return configSchema.parse({ gpio });
}

/** The lines of a runtime that steps each 100 ms. */
function stepping(clock: ManualClock, gpio: GpioBackend, config = wired(CHIP)) {
  const lines = openLines(config, gpio, {}, { clock, random: seededRandom(5) });
  const annunciator = new Annunciator(lines.outputs);
  const faults: FaultNotice[] = [];
  const signals: InputSignal[] = [];
  const levels = { siren: false } as Record<keyof OutputLevels, boolean>;
  const stop = followInputs(lines.inputs, {
    clock,
    signal: (signal) => signals.push(signal),
    fault: (notice) => faults.push(notice),
  });
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100) {
      faults.push(...annunciator.drive(levels, clock.monotonicMs()));
      clock.advance(100);
    }
  };
  const told = (subject: string) =>
    faults.filter((fault) => fault.subject === subject).map(({ raised }) => raised);
  return { lines, annunciator, faults, signals, levels, pass, told, stop };
}

function simulated() {
  const clock = new ManualClock();
  return { clock, gpio: new SimulatedGpio({ clock }) };
}

describe('an output that does not open at the start', () => {
  it.each(['busy', 'absent', 'permission'] as const)('%s: one fault, and it works later', (why) => {
    const { clock, gpio } = simulated();
    gpio.setFault(CHIP, SIREN, why);
    const { levels, pass, told, faults, lines } = stepping(clock, gpio);
    expect(lines.isSettled()).toBe(why === 'busy');
    levels.siren = true;
    pass(60_000);
    expect(told('output:siren')).toEqual([true]);
    expect(faults[0]).toMatchObject({ fault: 'outputFailed', raised: true });
    expect(faults[0]?.detail).toContain(`cannot be opened (simulated ${why})`);
    expect(gpio.level(CHIP, SIREN)).toBe(false);
    gpio.setFault(CHIP, SIREN, null);
    pass(PATIENCE_MS);
    expect(gpio.level(CHIP, SIREN)).toBe(true);
    expect(told('output:siren').slice(0, 2)).toEqual([true, false]);
    expect(lines.isSettled()).toBe(true);
  });

  it('is not asked for in each step: asking takes system calls', () => {
    const { clock, gpio } = simulated();
    let asked = 0;
    const counting: GpioBackend = {
      ...{ kind: 'counting', close: () => gpio.close() },
      openInput: (name, at, debounceMs) => gpio.openInput(name, at, debounceMs),
      openOutput: (name, at, active) => {
        asked += 1;
        return gpio.openOutput(name, at, active);
      },
    };
    gpio.setFault(CHIP, SIREN, 'busy');
    stepping(clock, counting).pass(60_000);
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(30);
  });

  it.each([false, true])('has its keeper told what to show on loss (active-low %s)', (low) => {
    const mirrorDir = mkdtempSync(join(tmpdir(), 'patient-'));
    const clock = new ManualClock();
    const keeper = new FakeKeeper();
    const gpio = new SimulatedGpio({ clock, mirrorDir, keeper });
    gpio.setFault(CHIP, SIREN, 'busy');
    const config = wired(CHIP, { pattern: 'pulsed', activeLow: low });
    const { levels, pass } = stepping(clock, gpio, config);
    levels.siren = true;
    pass(2000);
    expect(keeper.files.size).toBe(0);
    gpio.setFault(CHIP, SIREN, null);
    pass(PATIENCE_MS);
    const key = `simulated:${CHIP}:${SIREN}`;
    expect(keeper.files.get(key)?.write).toBe(low ? '0\n' : '1\n');
    levels.siren = false;
    pass(100);
    expect(keeper.files.get(key)?.write).toBe(low ? '1\n' : '0\n');
    gpio.close();
    rmSync(mirrorDir, { recursive: true });
  });
});

describe('an input that does not open at the start', () => {
  it('is one fault; a contact that is active when it opens is told, once', () => {
    const { clock, gpio } = simulated();
    gpio.setFault(CHIP, BUTTON, 'busy');
    gpio.setLevel(CHIP, BUTTON, true);
    const { pass, told, signals, stop } = stepping(clock, gpio);
    pass(30_000);
    expect(told('input:button')).toEqual([true]);
    expect(signals).toEqual([]);
    gpio.setFault(CHIP, BUTTON, null);
    pass(PATIENCE_MS);
    expect(told('input:button')).toEqual([true, false]);
    gpio.setLevel(CHIP, BUTTON, false);
    pass(1000);
    expect(signals.map(({ active }) => active)).toEqual([true, false]);
    stop();
    expect(clock.pending).toBe(0);
  });

  it('is told once where it opens with the first look', () => {
    const { clock, gpio } = simulated();
    gpio.setFault(CHIP, BUTTON, 'busy');
    gpio.setLevel(CHIP, BUTTON, true);
    const lines = openLines(wired(CHIP), gpio, {}, { clock, random: seededRandom(5) });
    gpio.setFault(CHIP, BUTTON, null);
    clock.advance(2000);
    const signals: boolean[] = [];
    followInputs(lines.inputs, {
      clock,
      signal: ({ active }) => signals.push(active),
      fault: () => undefined,
    });
    expect(signals).toEqual([true]);
  });

  it('as feedback: the output works, its fault says why nothing is compared, and ends', () => {
    const { clock, gpio } = simulated();
    gpio.setFault(CHIP, CONTACT, 'busy');
    const { pass, faults, lines } = stepping(clock, gpio);
    expect(lines.isSettled()).toBe(true);
    pass(30_000);
    expect(faults).toMatchObject([{ fault: 'outputDisagrees', subject: 'output:siren' }]);
    expect(faults[0]?.detail).toContain('contact (simulated GPIO chip');
    gpio.setFault(CHIP, CONTACT, null);
    pass(PATIENCE_MS);
    expect(faults.map(({ raised }) => raised)).toEqual([true, false]);
  });
});

describe('a line of sysfs that another program gives back to the kernel', () => {
  it('is exported anew, as output and as input, and its changes meanwhile are told', async () => {
    const chip = 'pinctrl-test';
    const model = new SysfsModel();
    model.addChip(chip, 512, 54);
    let generation = 0;
    const exportLine: typeof model.exportLine = (number, direction) => {
      const line = model.exportLine(number, direction);
      const mine = generation;
      const alive = (): void => {
        if (mine !== generation) throw systemError('ENODEV', 'no such device');
      };
      return {
        ...line,
        read: () => (alive(), line.read()),
        write: (high) => {
          alive();
          line.write(high);
        },
      };
    };
    const clock = new ManualClock();
    const gpio = value(await openOnoffBackend({ clock, sysfsRoot: model.root, exportLine }));
    const { levels, pass, told, signals } = stepping(clock, gpio, wired(chip));
    levels.siren = true;
    pass(1000);
    expect(told('input:button')).toEqual([]);
    for (let round = 0; round < 20; round++) {
      generation += 1;
      model.setLevel(512 + SIREN, false);
      pass(2000);
      model.setLevel(512 + BUTTON, round % 2 === 0);
      pass(8000);
      expect(model.level(512 + SIREN)).toBe(true);
    }
    expect(told('input:button').slice(-2)).toEqual([true, false]);
    expect(told('output:siren').at(-1)).toBe(false);
    expect(signals).toHaveLength(20);
    // None of the dead ones is left open.
    const unexported = model.unexported.filter((number) => number === 512 + SIREN);
    expect(unexported).toHaveLength(20);
    gpio.close();
    model.remove();
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

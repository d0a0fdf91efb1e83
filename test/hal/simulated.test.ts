import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HalError, HalResult } from '../../src/hal/ports.ts';
import { SERIAL_WRITE_LIMIT } from '../../src/hal/ports.ts';
import {
  type LineFault,
  SIMULATED_BUFFER_BYTES,
  SimulatedGpio,
  SimulatedSerial,
} from '../../src/hal/simulated.ts';
import { ManualClock } from './manual-clock.ts';

const AT = { chip: 'pinctrl-bcm2711', line: 17, activeLow: false };

describe('simulated GPIO', () => {
  it.each<LineFault>(['absent', 'busy', 'permission'])('an %s line cannot be opened', (fault) => {
    const gpio = new SimulatedGpio({ clock: new ManualClock() });
    gpio.setFault(AT.chip, AT.line, fault);
    const opened = gpio.openOutput('siren', AT, false);
    expect(opened).toMatchObject({ ok: false, error: { kind: fault } });
    gpio.setFault(AT.chip, AT.line, null);
    expect(gpio.openOutput('siren', AT, false).ok).toBe(true);
  });

  it('a write that fails says so and moves nothing', () => {
    const gpio = new SimulatedGpio({ clock: new ManualClock() });
    const siren = value(gpio.openOutput('siren', AT, false));
    gpio.setFault(AT.chip, AT.line, 'writeFails');
    expect(siren.write(true)).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(gpio.level(AT.chip, AT.line)).toBe(false);
  });

  it('a stuck line takes the write and stays where it is', () => {
    const gpio = new SimulatedGpio({ clock: new ManualClock() });
    const siren = value(gpio.openOutput('siren', AT, false));
    gpio.setFault(AT.chip, AT.line, 'stuck');
    expect(siren.write(true).ok).toBe(true);
    expect(gpio.level(AT.chip, AT.line)).toBe(false);
  });

  it('a failing reading is told to who reads, and to the listener when nobody asked', () => {
    const clock = new ManualClock();
    const gpio = new SimulatedGpio({ clock });
    const input = value(gpio.openInput('tamper', AT, 20));
    const errors: HalError[] = [];
    input.onError((error) => errors.push(error));
    gpio.setFault(AT.chip, AT.line, 'readFails');
    expect(input.read().ok).toBe(false);
    gpio.setLevel(AT.chip, AT.line, true);
    clock.advance(20);
    expect(errors).toHaveLength(1);
  });

  it('has worlds of its own: what one instance does, another does not see', () => {
    const clock = new ManualClock();
    const [one, other] = [new SimulatedGpio({ clock }), new SimulatedGpio({ clock })];
    value(one.openOutput('siren', AT, true));
    expect(other.level(AT.chip, AT.line)).toBe(false);
    expect(other.openOutput('siren', AT, false).ok).toBe(true);
  });

  it('an untouched input rests inactive, whatever its polarity', () => {
    const gpio = new SimulatedGpio({ clock: new ManualClock() });
    gpio.setFault(AT.chip, 5, null);
    const input = value(gpio.openInput('call-point', { ...AT, line: 5, activeLow: true }, 20));
    expect(input.read()).toEqual({ ok: true, value: false });
  });

  describe('mirrored in files', () => {
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'gpio-'));
    });
    afterEach(() => rmSync(directory, { recursive: true, force: true }));
    const file = (line: number): string => join(directory, `pinctrl-bcm2711-${line}`, 'value');

    it('shows the electrical level of outputs to other processes', () => {
      const gpio = new SimulatedGpio({ clock: new ManualClock(), mirrorDir: directory });
      const relay = value(gpio.openOutput('relay', { ...AT, activeLow: true }, false));
      const seen = (): string => spawnSync('cat', [file(17)]).stdout.toString();
      expect(seen()).toBe('1\n');
      relay.write(true);
      expect(seen()).toBe('0\n');
      relay.write(false);
      expect(seen()).toBe('1\n');
      gpio.close();
    });

    it('takes the level of inputs from other processes, debounced as always', () => {
      const clock = new ManualClock();
      const gpio = new SimulatedGpio({ clock, mirrorDir: directory, inputPollMs: 10 });
      const button = value(gpio.openInput('reset', { ...AT, line: 4 }, 30));
      const changes: boolean[] = [];
      button.onChange((active) => changes.push(active));
      expect(readFileSync(file(4), 'utf8')).toBe('0\n');
      spawnSync('sh', ['-c', `echo 1 > ${file(4)}`]);
      clock.advance(100);
      writeFileSync(file(4), '');
      clock.advance(100);
      writeFileSync(file(4), '0\n');
      clock.advance(100);
      expect(changes).toEqual([true, false]);
      gpio.close();
      expect(clock.pending).toBe(0);
    });

    it('keeps the level that an input file already holds', () => {
      const first = new SimulatedGpio({ clock: new ManualClock(), mirrorDir: directory });
      value(first.openInput('mains', { ...AT, line: 4 }, 30));
      first.close();
      writeFileSync(file(4), '1\n');
      const second = new SimulatedGpio({ clock: new ManualClock(), mirrorDir: directory });
      const input = value(second.openInput('mains', { ...AT, line: 4 }, 30));
      expect(input.read()).toEqual({ ok: true, value: true });
      second.close();
    });

    it('reports a directory that cannot be used', () => {
      writeFileSync(join(directory, 'file'), '');
      const mirrorDir = join(directory, 'file');
      const gpio = new SimulatedGpio({ clock: new ManualClock(), mirrorDir });
      const siren = gpio.openOutput('siren', AT, false);
      expect(siren.ok ? '' : siren.error.message).toContain(mirrorDir);
      const input = gpio.openInput('reset', AT, 0);
      expect(input.ok ? '' : input.error.message).toContain(mirrorDir);
    });
  });
});

describe('simulated serial line', () => {
  const path = '/dev/ttyUSB0';

  it.each(['absent', 'busy', 'permission', 'other'] as const)(
    'can fail to open: %s',
    async (kind) => {
      const serial = new SimulatedSerial(new ManualClock());
      serial.plug(path).openFault = kind;
      const opened = await serial.open({ path, baudRate: 9600 });
      expect(opened).toMatchObject({ ok: false, error: { kind } });
    },
  );

  it('delivers late and mangled as told', async () => {
    const clock = new ManualClock();
    const serial = new SimulatedSerial(clock);
    const end = serial.plug(path);
    end.delayMs = 50;
    end.mangle = (bytes) => bytes.map((byte) => byte ^ 0xff);
    const line = value(await serial.open({ path, baudRate: 9600 }));
    const got: number[] = [];
    line.onData((bytes) => got.push(...bytes));
    end.send(Uint8Array.of(1, 2));
    clock.advance(49);
    expect(got).toEqual([]);
    clock.advance(1);
    expect(got).toEqual([254, 253]);
  });

  it('counts what a paused line cannot hold', async () => {
    const clock = new ManualClock();
    const serial = new SimulatedSerial(clock);
    const end = serial.plug(path);
    const line = value(await serial.open({ path, baudRate: 9600 }));
    let got = 0;
    line.onData((bytes) => {
      got += bytes.length;
    });
    line.pause();
    for (let part = 0; part < 20; part++) end.send(new Uint8Array(1000));
    clock.advance(0);
    expect(got).toBe(0);
    line.resume();
    clock.advance(0);
    expect(got).toBe(SIMULATED_BUFFER_BYTES);
    expect(end.droppedBytes).toBe(20_000 - SIMULATED_BUFFER_BYTES);
  });

  it('is lost when it takes no bytes', async () => {
    const clock = new ManualClock();
    const serial = new SimulatedSerial(clock);
    serial.plug(path).stalled = true;
    const line = value(await serial.open({ path, baudRate: 9600 }));
    const lost: HalError[] = [];
    line.onLost((error) => lost.push(error));
    line.write(new Uint8Array(SERIAL_WRITE_LIMIT));
    clock.advance(0);
    expect(lost).toEqual([]);
    line.write(new Uint8Array(1));
    clock.advance(0);
    expect(lost).toMatchObject([{ kind: 'timeout' }]);
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

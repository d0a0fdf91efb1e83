/** What only a real kernel can show: other holders, its stamps, and the end of a process. */
import { closeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/clock.ts';
import { PatientOutput } from '../../../src/hal/gpio/patient-lines.ts';
import type { DigitalInput, GpioBackend, HalResult } from '../../../src/hal/ports.ts';
import { runTests } from '../harness.ts';
import { board, hold, lineInfo, reset } from './board.ts';
import { defineKills } from './kills.ts';
import { drivePin, pinHistory, pinLevel, watchPin } from './pins.ts';
import type { BackendName } from './rigs.ts';
import { BACKEND_NAMES, openBackend } from './rigs.ts';
import { eventually, pass, stalls } from './stalls.ts';

const { chip, siren, button, kernelHeld, hasHands } = board();
const clock = systemClock();

function must<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function defineHeldLine(name: BackendName, open: () => GpioBackend): void {
  const held = kernelHeld;
  if (held === null) return;
  const at = { chip, line: held.line, activeLow: false };
  it('a line that a driver holds is busy, as output and as input', () => {
    for (const result of [open().openOutput('x', at, true), open().openInput('x', at, 0)]) {
      expect(result).toMatchObject({ ok: false, error: { kind: 'busy' } });
      if (name === 'cdev') expect(result.ok ? '' : result.error.message).toContain(held.consumer);
    }
    expect(lineInfo(held.line).consumer).toBe(held.consumer);
  });
}

interface Change {
  readonly active: boolean;
  readonly edgeAtMs: number;
}

function listen(opened: HalResult<DigitalInput>): { changes: Change[]; errors: Error[] } {
  const changes: Change[] = [];
  const errors: Error[] = [];
  const input = must(opened);
  input.onChange((active, edgeAtMs) => changes.push({ active, edgeAtMs }));
  input.onError((error) => errors.push(error));
  return { changes, errors };
}

/** Keeps the event loop from turning, as a long step or a stalled disk would. */
function block(ms: number): void {
  const untilMs = clock.monotonicMs() + ms;
  while (clock.monotonicMs() < untilMs);
}

function defineStamps(open: () => GpioBackend): void {
  const at = { chip, line: button, activeLow: false };

  it('an edge has the kernel’s time, however late this process hears of it', async () => {
    const { changes, errors } = listen(open().openInput('button', at, 20));
    const fromMs = clock.monotonicMs();
    drivePin(button, true);
    const untilMs = clock.monotonicMs();
    block(300);
    await eventually('the edge is told', () => changes.length > 0);
    expect(errors).toEqual([]);
    expect(changes.map(({ active }) => active)).toEqual([true]);
    const edgeAtMs = changes[0]?.edgeAtMs ?? NaN;
    expect(edgeAtMs).toBeGreaterThan(fromMs - 1);
    expect(edgeAtMs).toBeLessThan(untilMs + 1);
  });

  it('each of 60 edges is heard, in order, although this process was busy meanwhile', async () => {
    const { changes, errors } = listen(open().openInput('button', at, 0));
    for (let i = 0; i < 60; i++) drivePin(button, i % 2 === 0);
    await eventually('all edges are told', () => changes.length >= 60);
    expect(errors).toEqual([]);
    expect(changes.map(({ active }) => active)).toEqual(
      Array.from({ length: 60 }, (_, i) => i % 2 === 0),
    );
    const times = changes.map(({ edgeAtMs }) => edgeAtMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('more edges than the kernel keeps are no trouble: the level is right in the end', async () => {
    const input = must(open().openInput('button', at, 100));
    const changes: boolean[] = [];
    input.onChange((active) => changes.push(active));
    for (let i = 0; i < 401; i++) drivePin(button, i % 2 === 0);
    await eventually('the level is told', () => changes.length > 0);
    await pass(200);
    expect(changes).toEqual([true]);
    expect(input.read()).toEqual({ ok: true, value: true });
  });
}

function defineOutputs(open: () => GpioBackend): void {
  it('an active-low output that starts inactive rises once, and never falls', () => {
    watchPin(siren);
    const at = { chip, line: siren, activeLow: true };
    const output = must(open().openOutput('siren', at, false));
    expect(pinHistory(siren)).toEqual([true]);
    expect(output.write(false)).toMatchObject({ ok: true });
    expect(pinHistory(siren)).toEqual([true]);
    expect(output.write(true)).toMatchObject({ ok: true });
    expect(pinHistory(siren)).toEqual([true, false]);
  });

  it('a siren pattern arrives at the pin as it was written', () => {
    const output = must(open().openOutput('siren', { chip, line: siren, activeLow: false }, false));
    watchPin(siren);
    const pattern = [true, false, true, false, true, false];
    for (const active of pattern) expect(output.write(active)).toMatchObject({ ok: true });
    expect(pinHistory(siren)).toEqual(pattern);
  });
}

function defineLateOutput(open: () => GpioBackend): void {
  it('an output that another program holds at the start works when that one ends', async () => {
    const other = hold(siren, 'other');
    const at = { chip, line: siren, activeLow: false };
    const output = new PatientOutput('siren', { clock, random: systemRandom() }, false, (active) =>
      open().openOutput('siren', at, active),
    );
    expect(output.trouble).toMatchObject({ kind: 'busy' });
    expect(output.write(true)).toMatchObject({ ok: false, error: { kind: 'busy' } });
    closeSync(other);
    await eventually('the siren sounds', () => output.write(true).ok);
    expect(pinLevel(siren)).toBe(true);
    output.close();
  });
}

for (const name of BACKEND_NAMES) {
  describe(`this kernel: ${name}`, () => {
    let backend: GpioBackend;
    beforeEach(async () => {
      for (const line of [siren, button]) reset(line);
      backend = must(await openBackend(name, { clock }));
    });
    afterEach(() => backend.close());
    const open = (): GpioBackend => backend;
    defineHeldLine(name, open);
    defineLateOutput(open);
    if (hasHands) {
      defineOutputs(open);
      if (name === 'cdev') defineStamps(open);
    }
    it('the siren’s pin rises and falls as it is commanded', () => {
      const at = { chip, line: siren, activeLow: false };
      const output = must(backend.openOutput('siren', at, false));
      expect(pinLevel(siren)).toBe(false);
      for (const active of [true, false, true]) {
        expect(output.write(active)).toMatchObject({ ok: true });
        expect(pinLevel(siren)).toBe(active);
      }
    });
  });
}
defineKills();
process.exit((await runTests(stalls)) ? 0 : 1);

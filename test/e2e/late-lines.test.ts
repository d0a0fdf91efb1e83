/** A line that cannot be used at the start, and lines that are left behind: without a holder. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawBoard } from './field.ts';
import { eventually } from './processes.ts';
import { FAULT_RELAY, RESET_BUTTON, SIREN, Unit } from './unit.ts';

const STROBE = 27;

describe('an appliance with a siren that cannot be opened', () => {
  let unit: Unit;
  let board: RawBoard;
  let inTheWay: string[];

  beforeAll(async () => {
    unit = await Unit.prepare();
    const lines = join(unit.scratch.memory, 'gpio');
    unit.configure({
      boards: [{ id: 'a', match: { serial: 'A' } }],
      zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
      gpio: {
        backend: 'simulated',
        mirrorDirectory: lines,
        outputs: [
          { id: 'siren', role: 'siren', line: SIREN },
          { id: 'strobe', role: 'strobe', line: STROBE, pattern: 'pulsed' },
          { id: 'fault-relay', role: 'faultRelay', line: FAULT_RELAY },
        ],
        inputs: [{ id: 'reset-button', role: 'reset', line: RESET_BUTTON }],
      },
    });
    mkdirSync(lines, { recursive: true });
    inTheWay = [SIREN, RESET_BUTTON].map((line) => join(lines, `simulated-${line}`));
    for (const path of inTheWay) writeFileSync(path, 'in the way');
    await unit.start();
    board = await RawBoard.connect(unit.boardPort, 'A');
  }, 90_000);
  afterAll(async () => {
    board.close();
    await unit.remove();
  });

  it('runs, drops its fault relay, and says which line', async () => {
    expect((await unit.fault('outputFailed')).detail).toContain(`simulated-${SIREN}`);
    expect((await unit.fault('inputFailed')).subject).toBe('input:reset-button');
    expect(unit.level(FAULT_RELAY)).toBe(false);
    board.smoke();
    await eventually('the strobe is on', () => unit.level(STROBE));
    expect(unit.level(SIREN)).toBe(null);
  });

  it('sounds it, without a restart, as soon as it can be opened', async () => {
    for (const path of inTheWay) rmSync(path);
    await unit.siren(true);
    await unit.faultGone('outputFailed');
    await unit.faultGone('inputFailed');
    await eventually('the fault relay is up', () => unit.level(FAULT_RELAY));
  });

  it('when it is stopped in a pause of the strobe leaves it on, and its fault relay off', async () => {
    await eventually('a pulse of the strobe', () => unit.level(STROBE));
    await eventually('a pause of the strobe', () => !unit.level(STROBE));
    await unit.end('SIGTERM');
    expect([SIREN, STROBE, FAULT_RELAY].map((line) => unit.level(line))).toEqual([
      true,
      true,
      false,
    ]);
  }, 30_000);
});

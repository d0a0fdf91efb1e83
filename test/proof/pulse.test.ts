/** Pulses of the annunciator: what they drive, what ends them, what is left when a process ends. */
import { describe, expect, it } from 'vitest';
import { Annunciator } from '../../src/alarm/annunciator.ts';
import type { OutputBinding } from '../../src/alarm/annunciator.ts';
import type { OutputLevels } from '../../src/domain/view.ts';
import type { DigitalOutput } from '../../src/hal/ports.ts';
import { DONE } from '../../src/hal/ports.ts';

class Line implements DigitalOutput {
  readonly name: string;
  level = false;
  /** What a keeper shows when this process is lost. */
  onLoss: boolean | null = null;

  constructor(name: string) {
    this.name = name;
  }

  write(active: boolean) {
    this.level = active;
    return DONE;
  }

  intend(active: boolean): void {
    this.onLoss = active;
  }

  close(): void {
    this.level = false;
  }
}

const REST: OutputLevels = {
  ...{
    siren: false,
    strobe: false,
    alarmRelay: false,
    faultRelay: true,
    buzzer: false,
    escalation: false,
  },
};
const ALARM: OutputLevels = { ...REST, siren: true, strobe: true, alarmRelay: true };

function rig() {
  const lines = { horn: new Line('horn'), relay: new Line('relay'), ok: new Line('ok') };
  const bind = (id: keyof typeof lines, role: OutputBinding['role']): OutputBinding => ({
    ...{ id, role, output: lines[id], pattern: 'steady', settleMs: 50, feedback: null },
  });
  const bound = [bind('horn', 'siren'), bind('relay', 'alarmRelay'), bind('ok', 'faultRelay')];
  return { lines, annunciator: new Annunciator(bound) };
}

describe('a pulse', () => {
  it('energises what it names until its end, and nothing else', () => {
    const { lines, annunciator } = rig();
    annunciator.drive(REST, 0);
    annunciator.pulse(['horn', 'ok'], 500);
    annunciator.drive({ ...REST, faultRelay: false }, 100);
    expect([lines.horn.level, lines.relay.level, lines.ok.level]).toEqual([true, false, false]);
    annunciator.drive(REST, 500);
    expect([lines.horn.level, lines.relay.level, lines.ok.level]).toEqual([false, false, true]);
  });

  it('ends with an alarm, which drives the lines itself, and does not come back after it', () => {
    const { lines, annunciator } = rig();
    annunciator.pulse(['horn'], 10_000);
    annunciator.drive(REST, 0);
    annunciator.drive(ALARM, 100);
    expect([lines.horn.level, lines.relay.level]).toEqual([true, true]);
    annunciator.drive(REST, 200);
    expect([lines.horn.level, lines.relay.level]).toEqual([false, false]);
  });

  it('does not move a disabled line', () => {
    const { lines, annunciator } = rig();
    annunciator.pulse(['horn'], 1000);
    annunciator.drive(REST, 0, [{ output: 'horn' }]);
    expect(lines.horn.level).toBe(false);
  });

  it('drops when the process is lost in it; an alarm after it is kept', () => {
    const { lines, annunciator } = rig();
    annunciator.drive(REST, 0);
    annunciator.pulse(['horn'], 1000);
    annunciator.drive(REST, 100);
    expect([lines.horn.level, lines.horn.onLoss]).toEqual([true, false]);
    annunciator.drive(ALARM, 200);
    expect([lines.horn.level, lines.horn.onLoss]).toEqual([true, true]);
  });

  it('is at rest after the end of the process that made it', () => {
    const { lines, annunciator } = rig();
    annunciator.pulse(['horn'], 1000);
    annunciator.drive(REST, 0);
    annunciator.rest();
    expect([lines.horn.level, lines.ok.level]).toEqual([false, false]);
  });

  it('is checked against what was written, and where nothing is wired says so', () => {
    const { annunciator } = rig();
    annunciator.pulse(['horn'], 1000);
    expect(annunciator.check('horn', true, 0)).toBe('settling');
    annunciator.drive(REST, 0);
    expect(annunciator.check('horn', true, 100)).toBe('noFeedback');
    expect(annunciator.check('horn', false, 100)).toBe('settling');
    expect(annunciator.check('none', true, 100)).toBe('failed');
  });
});

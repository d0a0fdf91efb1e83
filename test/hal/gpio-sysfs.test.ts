import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listChips, resolveLine, verifyLine } from '../../src/hal/gpio-sysfs.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { SysfsModel } from './sysfs-model.ts';

describe('GPIO numbers from chip labels', () => {
  let model: SysfsModel;
  beforeEach(() => {
    model = new SysfsModel();
    model.addChip('pinctrl-bcm2711', 512, 58);
    model.addChip('raspberrypi-exp-gpio', 570, 8);
  });
  afterEach(() => model.remove());

  const resolve = (chip: string, line: number): HalResult<number> =>
    resolveLine(model.root, { chip, line, activeLow: false });

  it('adds the offset to the base of the labelled chip', () => {
    expect(resolve('pinctrl-bcm2711', 17)).toEqual({ ok: true, value: 529 });
    expect(resolve('pinctrl-bcm2711', 57)).toEqual({ ok: true, value: 569 });
    expect(resolve('raspberrypi-exp-gpio', 0)).toEqual({ ok: true, value: 570 });
  });

  it('lists the chips by base and leaves other entries alone', () => {
    mkdirSync(join(model.root, 'gpio529'));
    const chips = listChips(model.root);
    expect(chips.ok && chips.value.map(({ name }) => name)).toEqual(['gpiochip512', 'gpiochip570']);
  });

  it('names the labels that there are when one is unknown', () => {
    const result = resolve('pinctrl-rp1', 17);
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(text(result)).toContain('"pinctrl-rp1"');
    expect(text(result)).toContain('"pinctrl-bcm2711"');
    expect(text(result)).toContain('"raspberrypi-exp-gpio"');
  });

  it('refuses a label that two chips carry', () => {
    model.addChip('raspberrypi-exp-gpio', 600, 8);
    const result = resolve('raspberrypi-exp-gpio', 1);
    expect(result).toMatchObject({ ok: false, error: { kind: 'other' } });
    expect(text(result)).toContain('gpiochip570');
    expect(text(result)).toContain('gpiochip600');
  });

  it('refuses a line beyond the chip, also where the next chip has one of that number', () => {
    const result = resolve('pinctrl-bcm2711', 58);
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(text(result)).toContain('0..57');
  });

  it('says that the kernel has no sysfs GPIO', () => {
    rmSync(model.root, { recursive: true });
    const result = resolve('pinctrl-bcm2711', 17);
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(text(result)).toContain('no sysfs GPIO');
  });

  it.each(['', 'abc', '-4', '5 12', '0x200'])('does not guess a base of "%s"', (base) => {
    model.spoil(512, 'base', base);
    expect(resolve('pinctrl-bcm2711', 17)).toMatchObject({ ok: false, error: { kind: 'corrupt' } });
  });

  it('reads a line back and says what differs', () => {
    model.exportLine(529, 'high');
    expect(verifyLine(model.root, 529, { direction: 'out', high: true }).ok).toBe(true);
    const level = verifyLine(model.root, 529, { direction: 'out', high: false });
    expect(text(level)).toContain('value reads "1" after "0"');
    const direction = verifyLine(model.root, 529, { direction: 'in' });
    expect(text(direction)).toContain('direction reads "out" after "in"');
    const missing = verifyLine(model.root, 530, { direction: 'in' });
    expect(missing).toMatchObject({ ok: false, error: { kind: 'absent' } });
  });
});

function text(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}

import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { DigitalInput, DigitalOutput, GpioBackend, HalResult } from '../../src/hal/ports.ts';
import { ManualClock } from './manual-clock.ts';
import { type ModelFault, SysfsModel, systemError } from './sysfs-model.ts';

const CHIP = 'pinctrl-test';
const NUMBER = 512 + 17;
const AT = { chip: CHIP, line: 17, activeLow: false };

describe('GPIO over onoff', () => {
  let model: SysfsModel;
  let clock: ManualClock;
  let backend: GpioBackend;
  beforeEach(async () => {
    model = new SysfsModel();
    model.addChip(CHIP, 512, 54);
    clock = new ManualClock();
    const { root: sysfsRoot, exportLine } = model;
    backend = value(await openOnoffBackend({ clock, sysfsRoot, exportLine }));
  });
  afterEach(() => {
    backend.close();
    model.remove();
  });

  const output = (activeLow = false, active = true): HalResult<DigitalOutput> =>
    backend.openOutput('siren', { chip: CHIP, line: 17, activeLow }, active);
  const input = (): HalResult<DigitalInput> =>
    backend.openInput('reset', { chip: CHIP, line: 17, activeLow: false }, 20);

  it.each([
    [false, true],
    [false, false],
    [true, true],
    [true, false],
  ])('comes up without a glitch (active-low %s, active %s)', (activeLow, active) => {
    value(output(activeLow, active));
    expect(model.history.get(NUMBER)).toEqual([active !== activeLow]);
  });

  it.each<[ModelFault, string, string]>([
    ['held', 'busy', 'another program or a kernel driver'],
    ['forbidden', 'permission', 'group "gpio"'],
    ['directionIgnored', 'other', 'direction reads "in" after "out"'],
    ['shortedLow', 'other', 'value reads "0" after "1"'],
  ])('refuses an output that is %s', (fault, kind, words) => {
    model.setFault(NUMBER, fault);
    const result = output();
    expect(result).toMatchObject({ ok: false, error: { kind } });
    expect(text(result)).toContain(words);
    expect(text(result)).toContain('siren (GPIO chip "pinctrl-test", line 17)');
  });

  it.skipIf(process.geteuid?.() !== 0 || process.seteuid === undefined)(
    'asks nothing of the package where files are forbidden: it would wait (needs root to try)',
    async () => {
      let asked = 0;
      const exportLine: typeof model.exportLine = (number, direction) => {
        asked += 1;
        return model.exportLine(number, direction);
      };
      const forbidden = value(await openOnoffBackend({ clock, sysfsRoot: model.root, exportLine }));
      chmodSync(model.root, 0o755);
      writeFileSync(join(model.root, 'export'), '', { mode: 0o200 });
      model.setLevel(NUMBER + 1, true);
      process.seteuid?.(65_534);
      try {
        for (const line of [17, 18]) {
          const result = forbidden.openOutput('siren', { ...AT, line }, true);
          expect(result).toMatchObject({ ok: false, error: { kind: 'permission' } });
          expect(text(result)).toContain('group "gpio"');
        }
      } finally {
        process.seteuid?.(0);
      }
      expect(asked).toBe(0);
      expect(forbidden.openOutput('siren', AT, true).ok).toBe(true);
    },
  );

  it('asks nothing of the package where a level cannot be read: it would leak', async () => {
    let asked = 0;
    const exportLine: typeof model.exportLine = (number, direction) => {
      asked += 1;
      return model.exportLine(number, direction);
    };
    const opened = value(await openOnoffBackend({ clock, sysfsRoot: model.root, exportLine }));
    mkdirSync(join(model.root, `gpio${NUMBER}`));
    // Reading from its start is an i/o error.
    symlinkSync('/proc/self/mem', join(model.root, `gpio${NUMBER}`, 'value'));
    expect(text(opened.openOutput('siren', AT, true))).toContain('EIO');
    expect(text(opened.openInput('siren', AT, 0))).toContain('EIO');
    expect(asked).toBe(0);
  });

  it('gives a line back that did not come up, so that it can be tried again', () => {
    model.setFault(NUMBER, 'directionIgnored');
    expect(output().ok).toBe(false);
    expect(model.unexported).toEqual([NUMBER]);
    model.setFault(NUMBER, 'noEdge');
    expect(output().ok).toBe(true);
  });

  it('refuses an input without edges', () => {
    model.setFault(NUMBER, 'noEdge');
    const result = input();
    expect(text(result)).toContain('edge reads "none" after "both"');
  });

  it('leaves an output exported when closed: the kernel holds its level', () => {
    value(output()).close();
    expect(model.unexported).toEqual([]);
    value(backend.openInput('x', { chip: CHIP, line: 3, activeLow: false }, 0)).close();
    expect(model.unexported).toEqual([515]);
  });

  it('notices at the refresh that the line has strayed, and puts it right', () => {
    const siren = value(output());
    model.setLevel(NUMBER, false);
    const refreshed = siren.write(true);
    expect(text(refreshed)).toContain('read low where high had been written');
    expect(model.level(NUMBER)).toBe(true);
    expect(siren.write(true).ok).toBe(true);
  });

  it('reports a failing write as a value and tries it again', () => {
    let broken = false;
    const exportLine: typeof model.exportLine = (number, direction) => {
      const line = model.exportLine(number, direction);
      const write = (high: boolean): void => {
        if (broken) throw systemError('EIO', 'i/o error, write');
        line.write(high);
      };
      return { ...line, write };
    };
    return openOnoffBackend({ clock, sysfsRoot: model.root, exportLine }).then((opened) => {
      const at = { chip: CHIP, line: 17, activeLow: false };
      const siren = value(value(opened).openOutput('siren', at, false));
      broken = true;
      expect(text(siren.write(true))).toContain('EIO');
      expect(model.level(NUMBER)).toBe(false);
      broken = false;
      expect(siren.write(true).ok).toBe(true);
      expect(model.level(NUMBER)).toBe(true);
    });
  });

  it('hands trouble of an edge to the listener, not to the event loop', () => {
    const reset = value(input());
    const errors: string[] = [];
    reset.onError((error) => errors.push(error.message));
    model.breakWatch(NUMBER, systemError('EIO', 'i/o error, read'));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('EIO');
    reset.close();
    model.breakWatch(NUMBER, systemError('EIO', 'i/o error, read'));
    expect(errors).toHaveLength(1);
  });

  it('says so where this machine has no sysfs GPIO, with the real package loaded', async () => {
    const real = value(await openOnoffBackend({ clock, sysfsRoot: `${model.root}/none` }));
    const result = real.openOutput('siren', { chip: CHIP, line: 17, activeLow: false }, false);
    expect(text(result)).toContain('no sysfs GPIO');
  });

  it('turns an exception of the real package into a value', async () => {
    // The model's root lets the number be found; the package itself looks at this machine's own.
    const real = value(await openOnoffBackend({ clock, sysfsRoot: model.root }));
    const beyond = { chip: 'beyond', line: 0, activeLow: false };
    model.addChip('beyond', 99_999_990, 8);
    const result = real.openOutput('siren', beyond, false);
    expect(result.ok).toBe(false);
    expect(text(result)).toContain('opening failed');
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function text(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}

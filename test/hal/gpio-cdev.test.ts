import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CdevCalls } from '../../src/hal/gpio/cdev-calls.ts';
import type { GpioNotice } from '../../src/hal/gpio/notice.ts';
import { openCdevBackend } from '../../src/hal/gpio-cdev.ts';
import { loadLibc } from '../../src/hal/native/libc.ts';
import type {
  DigitalInput,
  DigitalOutput,
  GpioBackend,
  HalResult,
  LineAddress,
  OnLoss,
} from '../../src/hal/ports.ts';
import type { CdevFault } from './cdev-model-parts.ts';
import { CdevModel } from './cdev-model.ts';
import { FakeKeeper } from './fake-keeper.ts';
import { ManualClock } from './manual-clock.ts';

const CHIP = 'pinctrl-rp1';
const LINE = 17;
const KEY = `cdev:${CHIP}:${LINE}`;
const AT: LineAddress = { chip: CHIP, line: LINE, activeLow: false };

let clock: ManualClock;
let model: CdevModel;
let notices: GpioNotice[];
let backend: GpioBackend;

async function open(keeper: FakeKeeper | null = null): Promise<GpioBackend> {
  const { libc, watch, devDirectory, kernelNs } = model;
  const notice = (told: GpioNotice): void => void notices.push(told);
  const given = { clock, libc, watch, devDirectory, kernelNs, keeper, notice };
  return value(await openCdevBackend(given));
}

beforeEach(async () => {
  clock = new ManualClock();
  model = new CdevModel(clock);
  model.addChip(0, CHIP, 54, { 17: 'GPIO17', 18: 'TWICE', 19: 'TWICE', 20: 'ID_SDA' });
  model.addChip(10, 'gpio-brcmstb', 4, { 1: 'ID_SDA' });
  notices = [];
  backend = await open();
});
afterEach(() => {
  backend.close();
  model.remove();
});

const output = (at: Partial<LineAddress> = {}, active = true): HalResult<DigitalOutput> =>
  backend.openOutput('siren', { ...AT, ...at }, active);
const input = (at: Partial<LineAddress> = {}, debounceMs = 50): HalResult<DigitalInput> =>
  backend.openInput('reset', { ...AT, ...at }, debounceMs);

describe('finding lines of the character device', () => {
  it('takes a chip that is reachable by two paths as one', () => {
    model.addLink(4, 0);
    expect(text(output())).toBe('');
    expect(model.level(CHIP, LINE)).toBe(true);
  });

  it('lists the chips of a label that is not alone, and finds a line of them by name', () => {
    model.addChip(5, CHIP, 54, { 2: 'RELAY' });
    expect(text(output())).toContain(`"${CHIP}" (gpiochip0, 54 lines)`);
    expect(text(output())).toContain(`"${CHIP}" (gpiochip5, 54 lines)`);
    expect(text(output())).toContain('name the line');
    expect(text(output({ line: 'RELAY' }))).toBe('');
  });

  it.each([
    ['*', 'ID_SDA', ['line 20 of "pinctrl-rp1"', 'line 1 of "gpio-brcmstb"']],
    [CHIP, 'TWICE', ['line 18 of "pinctrl-rp1"', 'line 19 of "pinctrl-rp1"']],
  ])('lists the lines of chip %s where several are named %s', (chip, line, words) => {
    const result = output({ chip, line });
    expect(result).toMatchObject({ ok: false, error: { kind: 'other' } });
    for (const word of words) expect(text(result)).toContain(word);
  });

  it('takes the one on the chip that is named', () => {
    expect(text(output({ chip: 'gpio-brcmstb', line: 'ID_SDA' }))).toBe('');
    expect(model.level('gpio-brcmstb', 1)).toBe(true);
  });

  it('does not guess a chip for an offset', () => {
    expect(text(output({ chip: '*' }))).toContain('name the line');
  });

  it('says what to do on a kernel without the device, and on one that is too old', async () => {
    model.isOld = true;
    expect(text(output())).toContain('gpio.backend to onoff');
    const { libc, watch } = model;
    const nowhere = { clock, libc, watch, devDirectory: `${model.devDirectory}/pipes` };
    const none = value(await openCdevBackend(nowhere));
    const result = none.openOutput('siren', AT, false);
    expect(result).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(text(result)).toContain('gpio.backend to onoff');
  });
});

describe('opening lines of the character device', () => {
  it.each<[CdevFault, string, string]>([
    ['forbidden', 'permission', 'usermod -aG gpio embereye'],
    ['directionIgnored', 'other', 'is "in" after "out"'],
    ['shortedLow', 'other', 'reads low after high was set'],
    ['readFails', 'other', 'reading back failed (EIO)'],
  ])('refuses an output that is %s, and holds nothing', (fault, kind, words) => {
    model.setFault(CHIP, LINE, fault);
    const result = output();
    expect(result).toMatchObject({ ok: false, error: { kind } });
    expect(text(result)).toContain(words);
    expect(text(result)).toContain('siren (GPIO chip "pinctrl-rp1", line 17)');
    expect(model.isHeld(CHIP, LINE)).toBe(false);
  });

  it.each([
    ['spi0 CS0', 'overlay of the kernel driver'],
    ['sysfs', '/sys/class/gpio/unexport'],
    ['embereye:siren', 'systemctl stop embereye'],
    ['', 'a holder without a name'],
  ])('says how a line that "%s" holds is set free', (holder, remedy) => {
    model.holdElsewhere(CHIP, LINE, holder);
    for (const result of [output(), input()]) {
      expect(result).toMatchObject({ ok: false, error: { kind: 'busy' } });
      expect(text(result)).toContain(remedy);
    }
  });

  it('shows others whose line it is', () => {
    value(output());
    expect(model.consumer(CHIP, LINE)).toBe('embereye:siren');
    expect(model.settings(CHIP, LINE)).toMatchObject({ direction: 'out', high: true });
  });

  it('asks for a bias and tells, once the line works, that the chip has none', () => {
    value(output({ bias: 'pullDown' }));
    expect(model.settings(CHIP, LINE).bias).toBe('pullDown');
    expect(notices).toEqual([]);
    model.setFault(CHIP, 20, 'biasIgnored');
    value(input({ line: 20, bias: 'pullUp' }));
    expect(notices).toMatchObject([{ kind: 'bias', name: 'reset' }]);
    expect(notices[0]?.detail).toContain('shows bias "asIs" after "pullUp"');
  });

  it('gives a line up with its backend only', () => {
    value(output()).close();
    expect(model.isHeld(CHIP, LINE)).toBe(true);
    backend.close();
    expect(model.isHeld(CHIP, LINE)).toBe(false);
  });

  it('moves an output that is opened again only if its level changes', () => {
    value(output()).close();
    value(output()).close();
    value(output({}, false));
    expect(model.history(CHIP, LINE)).toEqual([true, true, false]);
  });
});

describe('outputs of the character device', () => {
  it('notice at the refresh that the line has strayed, and put it right', () => {
    const siren = value(output());
    model.setLevel(CHIP, LINE, false);
    expect(text(siren.write(true))).toContain('read low where high had been written');
    expect(model.level(CHIP, LINE)).toBe(true);
    expect(siren.write(true).ok).toBe(true);
  });

  it('report a failing write as a value and try it again', () => {
    const siren = value(output({}, false));
    model.setFault(CHIP, LINE, 'writeFails');
    expect(text(siren.write(true))).toContain('writing failed (EIO)');
    model.setFault(CHIP, LINE, null);
    expect(siren.write(true).ok).toBe(true);
    expect(model.level(CHIP, LINE)).toBe(true);
  });

  it('come back with a chip that was unplugged, and leave no descriptors behind', () => {
    const before = readdirSync('/proc/self/fd').length;
    const siren = value(output());
    for (let round = 0; round < 20; round++) {
      model.setGone(CHIP, true);
      expect(siren.write(true)).toMatchObject({ ok: false, error: { kind: 'absent' } });
      expect(text(siren.write(true))).toContain(`no GPIO chip is labelled "${CHIP}"`);
      model.setGone(CHIP, false);
      // The first write finds it again and still tells that it could not be read back before.
      siren.write(true);
      expect(siren.write(true).ok).toBe(true);
      expect(model.level(CHIP, LINE)).toBe(true);
    }
    expect(readdirSync('/proc/self/fd').length).toBe(before + 1);
  });
});

describe('outputs of the character device with a keeper', () => {
  let keeper: FakeKeeper;
  beforeEach(() => {
    keeper = new FakeKeeper();
  });
  afterEach(() => keeper.close());

  const start = async (active: boolean, onLoss?: OnLoss, activeLow = false) => {
    const next = await open(keeper);
    const at = { ...AT, activeLow };
    return { next, siren: value(next.openOutput('siren', at, active, onLoss)) };
  };

  it('outlive their process and are taken over without a move', async () => {
    const first = await start(true);
    first.next.close();
    expect(model.level(CHIP, LINE)).toBe(true);
    expect(model.isHeld(CHIP, LINE)).toBe(true);
    const second = await start(true);
    expect(model.history(CHIP, LINE)).toEqual([true, true]);
    second.siren.write(false);
    expect(model.level(CHIP, LINE)).toBe(false);
    second.next.close();
    expect(notices).toEqual([]);
  });

  it.each([
    ['keep', false, null],
    ['drop', false, false],
    ['drop', true, true],
  ] as const)('that %s (active-low %s) are kept with level %s on loss', async (loss, low, set) => {
    const { next } = await start(true, loss, low);
    expect(keeper.lines.get(KEY)?.set).toBe(set);
    next.close();
  });

  it.each([
    [false, true, true],
    [true, true, false],
    [false, false, false],
  ])('active-low %s, to show %s on loss: kept so through an unplugging', async (low, on, set) => {
    const { next, siren } = await start(false, 'keep', low);
    siren.intend?.(on);
    expect(keeper.lines.get(KEY)?.set).toBe(set);
    model.setGone(CHIP, true);
    expect(siren.write(true).ok).toBe(false);
    model.setGone(CHIP, false);
    siren.write(true);
    expect(siren.write(true).ok).toBe(true);
    expect(keeper.lines.get(KEY)?.set).toBe(set);
    next.close();
  });

  it('never leave their keeper with a descriptor that is closed', async () => {
    const handed = new Set<number>();
    const isOpen = (): boolean[] => [...handed].map((one) => existsSync(`/proc/self/fd/${one}`));
    const remembering = new Proxy(keeper, {
      get: (target, name) => {
        if (name === 'keep')
          return (key: string, descriptor: number, onLoss: { set: boolean | null }) => {
            handed.clear();
            handed.add(descriptor);
            return target.keep(key, descriptor, onLoss);
          };
        if (name === 'drop') {
          expect(isOpen()).not.toContain(false);
          handed.clear();
        }
        const found: unknown = Reflect.get(target, name);
        return typeof found === 'function' ? (found.bind(target) as unknown) : found;
      },
    });
    const next = await open(remembering);
    const siren = value(next.openOutput('siren', AT, true));
    expect(isOpen()).toEqual([true]);
    model.setGone(CHIP, true);
    for (let write = 0; write < 3; write++) expect(siren.write(true).ok).toBe(false);
    expect(isOpen()).toEqual([true]);
    model.setGone(CHIP, false);
    siren.write(true);
    expect(isOpen()).toEqual([true]);
    siren.close();
    keeper.isBroken = true;
    next.openInput('reset', AT, 0);
    expect(isOpen()).toEqual([]);
    next.close();
  });

  it('are requested anew where what was kept is no request of theirs', async () => {
    const strange = openSync(`${model.devDirectory}/gpiochip10`, 'r');
    keeper.keep(KEY, strange, { set: null });
    closeSync(strange);
    const { next } = await start(true);
    expect(model.consumer(CHIP, LINE)).toBe('embereye:siren');
    expect(model.level(CHIP, LINE)).toBe(true);
    next.close();
    expect(model.isHeld(CHIP, LINE)).toBe(true);
  });

  it('work where the keeper does not, and say so', async () => {
    keeper.isBroken = true;
    const { next, siren } = await start(true);
    expect(siren.write(false).ok).toBe(true);
    expect(notices.map(({ kind }) => kind)).toEqual(['keeper']);
    expect(notices[0]?.detail).toContain('the holder does not answer');
    // Whatever is tried again and again is not told of again and again.
    model.holdElsewhere(CHIP, 18, 'other');
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(next.openOutput('strobe', { ...AT, line: 18 }, true).ok).toBe(false);
      expect(next.openInput('reset', { ...AT, line: 18 }, 0).ok).toBe(false);
    }
    expect(notices).toHaveLength(1);
    next.close();
  });

  it('are given up for an input', async () => {
    const first = await start(true);
    first.next.close();
    const next = await open(keeper);
    expect(text(next.openInput('reset', AT, 0))).toBe('');
    expect(keeper.lines.size).toBe(0);
    next.close();
  });
});

describe('the character device with the real packages', () => {
  it('opens on any machine, and says where there are no chips', async () => {
    const real = value(
      await openCdevBackend({ clock, devDirectory: `${model.devDirectory}/pipes` }),
    );
    expect(text(real.openOutput('siren', AT, false))).toContain('no GPIO character device');
    real.close();
  });

  it('makes reads of a descriptor return at once', async () => {
    const calls = new CdevCalls(value(await loadLibc()));
    const path = `${model.devDirectory}/blocking`;
    execFileSync('mkfifo', [path]);
    const descriptor = openSync(path, constants.O_RDWR);
    expect(calls.neverBlock(descriptor)).toEqual({ ok: true, value: undefined });
    expect(calls.read(descriptor, Buffer.alloc(48))).toEqual({ ok: false, code: 'EAGAIN' });
    expect(calls.chipInfo(descriptor)).toEqual({ ok: false, code: 'ENOTTY' });
    closeSync(descriptor);
  });
});

function value<T>(result: HalResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

function text(result: HalResult<unknown>): string {
  return result.ok ? '' : result.error.message;
}

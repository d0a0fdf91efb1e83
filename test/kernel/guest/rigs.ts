/** Both backends on the guest's own kernel, with eyes and hands at the pins. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemClock } from '../../../src/clock.ts';
import type { Clock } from '../../../src/domain/ports.ts';
import type { GpioNotice, GpioNoticeListener } from '../../../src/hal/gpio/notice.ts';
import type { LineKeeper } from '../../../src/hal/gpio/line-keeper.ts';
import { openCdevBackend } from '../../../src/hal/gpio-cdev.ts';
import { openOnoffBackend } from '../../../src/hal/gpio-onoff.ts';
import type { GpioBackend, HalResult } from '../../../src/hal/ports.ts';
import type { GpioRig, GpioRigKind, Release } from '../../hal/gpio-rigs.ts';
import { board, lineInfo, reset } from './board.ts';
import { drivePin, pinHistory, pinLevel, watchPin } from './pins.ts';
import { pass } from './stalls.ts';

export type BackendName = 'cdev' | 'onoff';

export const BACKEND_NAMES: readonly BackendName[] = ['cdev', 'onoff'];

export function openBackend(
  name: BackendName,
  options: {
    readonly clock: Clock;
    readonly notice?: GpioNoticeListener;
    readonly keeper?: LineKeeper;
  },
): Promise<HalResult<GpioBackend>> {
  return name === 'cdev' ? openCdevBackend(options) : openOnoffBackend(options);
}

export function kernelRig(name: BackendName): GpioRigKind {
  return { name: `${name} on this kernel`, present: true, open: () => openRig(name) };
}

async function openRig(name: BackendName): Promise<GpioRig> {
  const { chip, siren, button, names, hasHands } = board();
  reset(siren);
  reset(button);
  if (hasHands) watchPin(siren);
  const clock = systemClock();
  const notices: GpioNotice[] = [];
  const opened = await openBackend(name, {
    clock,
    notice: (notice) => void notices.push(notice),
  });
  if (!opened.ok) throw opened.error;
  const isCdev = name === 'cdev';
  return {
    ...{ backend: opened.value, chip, output: siren, input: button, notices },
    names: isCdev ? names : null,
    level: () => pinLevel(siren),
    history: () => (hasHands ? pinHistory(siren) : null),
    // What the kernel says: a chip without resistors is not always honest about them.
    bias: () => (isCdev ? lineInfo(button).bias : null),
    drive: (high) => drivePin(button, high),
    holdElsewhere: (consumer) => holdInAnotherProcess(siren, consumer, isCdev),
    nowMs: () => clock.monotonicMs(),
    pass,
    close: () => opened.value.close(),
  };
}

async function holdInAnotherProcess(
  line: number,
  consumer: string,
  isNamed: boolean,
): Promise<Release> {
  const holder = spawn(process.execPath, ['/app/hold.js', String(line), consumer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return {
    isNamed,
    release: async () => {
      holder.kill('SIGKILL');
      await once(holder, 'exit');
    },
  };
}

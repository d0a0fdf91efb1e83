/**
 * A real chip: `FIRE_HIL=1 FIRE_HIL_CHIP=pinctrl-bcm2711 FIRE_HIL_OUTPUT=17 FIRE_HIL_INPUT=27
 * FIRE_HIL_DRIVE=22 FIRE_HIL_SENSE=23`, with a jumper from OUTPUT to SENSE and from DRIVE to INPUT.
 * `FIRE_HIL_NAMES=GPIO17,GPIO27` gives the kernel's names of OUTPUT and INPUT, where it has any.
 */
import { systemClock } from '../../src/clock.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { GpioNotice, GpioNoticeListener } from '../../src/hal/gpio/notice.ts';
import { openCdevBackend } from '../../src/hal/gpio-cdev.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import type { GpioBackend, HalResult } from '../../src/hal/ports.ts';
import type { GpioRig, GpioRigKind } from './gpio-rigs.ts';

type OpenBackend = (options: {
  readonly clock: Clock;
  readonly notice: GpioNoticeListener;
}) => Promise<HalResult<GpioBackend>>;

export function boardRigs(): readonly GpioRigKind[] {
  const present = process.env['FIRE_HIL'] === '1';
  return [
    {
      name: 'onoff on a real chip (FIRE_HIL=1)',
      present,
      open: () => openBoard(openOnoffBackend, false),
    },
    {
      name: 'character device on a real chip (FIRE_HIL=1)',
      present,
      open: () => openBoard(openCdevBackend, true),
    },
  ];
}

async function openBoard(openBackend: OpenBackend, knowsNames: boolean): Promise<GpioRig> {
  const clock = systemClock();
  const chip = setting('FIRE_HIL_CHIP');
  const notices: GpioNotice[] = [];
  const opened = await openBackend({ clock, notice: (notice) => void notices.push(notice) });
  if (!opened.ok) throw opened.error;
  const backend = opened.value;
  const at = (name: string) => ({ chip, line: Number(setting(name)), activeLow: false });
  const sense = backend.openInput('sense', at('FIRE_HIL_SENSE'), 0);
  const drive = backend.openOutput('drive', at('FIRE_HIL_DRIVE'), false);
  if (!sense.ok) throw sense.error;
  if (!drive.ok) throw drive.error;
  const [output, input] = (process.env['FIRE_HIL_NAMES'] ?? '').split(',');
  const named = knowsNames && output !== undefined && input !== undefined;
  return {
    ...{ backend, chip, notices, names: named ? { output, input } : null },
    output: at('FIRE_HIL_OUTPUT').line,
    input: at('FIRE_HIL_INPUT').line,
    level: () => {
      const read = sense.value.read();
      if (!read.ok) throw read.error;
      return read.value;
    },
    history: () => null,
    bias: () => null,
    drive: (high) => {
      const written = drive.value.write(high);
      if (!written.ok) throw written.error;
    },
    holdElsewhere: () => null,
    nowMs: () => clock.monotonicMs(),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    close: () => backend.close(),
  };
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`set ${name}; see test/hal/gpio-board-rigs.ts`);
  return value;
}

/**
 * The hardware watchdog, on a machine that has one: QEMU's `virt` with an i6300esb. The emulated
 * Pi 3 resets as soon as its watchdog is opened, so it cannot show this.
 */
import { cpSync, constants } from 'node:fs';
import { join } from 'node:path';
import { pause, until } from '../../bench/kill/children.ts';
import { bootFilesOf } from '../../scripts/image/boot-files.ts';
import { virt } from '../image-build/machines.ts';
import { Emulator } from './emulator.ts';
import type { Report } from './report.ts';

const BOOT_PATIENCE_MS = 300_000;
/** RuntimeWatchdogSec is 14 s; the machine needs some more to notice. */
const WATCHDOG_PATIENCE_MS = 90_000;

/**
 * The kernel of the image's own card crashes, and stays crashed (`panic=0` and no sysctl of ours,
 * which would restart it after some seconds): only the watchdog can reset the machine then.
 */
const WORDS = [
  'sysrq_always_enabled=1',
  'systemd.mask=systemd-sysctl.service',
  'panic=0',
  'systemd.journald.forward_to_console=1',
];

export async function provesWatchdog(
  report: Report,
  image: string,
  work: string,
  logs: string,
): Promise<void> {
  const card = join(work, 'watchdog.img');
  cpSync(image, card, { mode: constants.COPYFILE_FICLONE });
  const boot = await bootFilesOf(card, join(work, 'boot-watchdog'));
  const { hardware, deviceTree, commandLine } = await virt(work, {
    ...{ disk: card, boot, forwards: [], extraWords: WORDS },
  });
  const machine = await Emulator.start({
    logFile: join(logs, 'console-4-watchdog.log'),
    args: [
      ...hardware,
      ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-dtb', deviceTree],
      ...['-append', commandLine],
      ...['-chardev', 'stdio,id=console', '-serial', 'chardev:console'],
    ],
  });
  const said = (words: RegExp): boolean => machine.console.some((line) => words.test(line));
  try {
    await report.proves('systemd holds the hardware watchdog of a machine that has one', () =>
      until(
        'its words',
        () => said(/hardware watchdog.*i6300ESB|Using hardware watchdog/i),
        BOOT_PATIENCE_MS,
      ),
    );
    await until(
      'the system is up',
      () => said(/Reached target.*multi-user|login:/i),
      BOOT_PATIENCE_MS,
    );
    await pause(3000);
    const before = machine.events.filter((name) => name === 'WATCHDOG').length;
    await machine.ask('chardev-send-break', { id: 'console' });
    machine.type('c');
    await report.proves('a crashed kernel is reset by it', async () => {
      await until('the kernel has crashed', () => said(/Kernel panic/), WATCHDOG_PATIENCE_MS);
      const count = (): number => machine.events.filter((name) => name === 'WATCHDOG').length;
      await until('the watchdog barks', () => count() > before, WATCHDOG_PATIENCE_MS);
      await until('the machine starts anew', () => machine.events.includes('RESET'), 20_000);
    });
  } finally {
    machine.kill();
    await machine.ended;
  }
}

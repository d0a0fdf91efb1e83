/** What the character device's error codes mean to whoever mends them. */
import { kindOfCode } from '../native/libc.ts';
import type { HalErrorKind } from '../ports.ts';
import { failed } from '../ports.ts';
import type { LineInfo } from './uapi.ts';

/** Each line of this program is requested under this name and its own. */
export const CONSUMER_PREFIX = 'embereye:';

const PERMISSION_REMEDY =
  'add the user to the group "gpio" (usermod -aG gpio embereye) and restart the service; where ' +
  'the device does not belong to that group, add the udev rule ' +
  `'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"'`;
const TOO_OLD_REMEDY =
  'this kernel is older than 5.10 and has no version 2 of the GPIO interface: set gpio.backend ' +
  'to onoff, or update the kernel';

/** Codes of a kernel that does not know a call. */
const UNKNOWN_CALL = new Set(['EINVAL', 'ENOTTY', 'ENOSYS']);

/** A failed call, with what to do about it where that is known. */
export function cdevFailure(where: string, doing: string, code: string) {
  return failed(kindOf(code), `${where}: ${doing} failed (${code})${remedyOf(code)}`);
}

/** The first call of version 2 on a chip: one that is not known tells the kernel's age. */
export function infoFailure(where: string, code: string) {
  if (UNKNOWN_CALL.has(code)) return failed('absent', `${where}: ${TOO_OLD_REMEDY} (${code})`);
  return cdevFailure(where, 'asking for the line', code);
}

/** A line that is held: by whom, and how it is set free. */
export function busyFailure(where: string, info: LineInfo | null, chipName: string) {
  const holder = info?.consumer ?? '';
  const by = holder === '' ? 'a holder without a name' : `"${holder}"`;
  return failed('busy', `${where}: held by ${by}; ${busyRemedy(holder, chipName)}`);
}

function busyRemedy(holder: string, chipName: string): string {
  if (holder.startsWith(CONSUMER_PREFIX)) {
    return (
      'another embereye runs, or a GPIO holder keeps the line: systemctl stop embereye ' +
      'embereye-gpio-holder; a holder without a service has its process id in gpio-holder.log'
    );
  }
  if (holder === 'sysfs') {
    return 'it was exported by sysfs: write its number into /sys/class/gpio/unexport';
  }
  return (
    'stop that program, or remove the overlay of the kernel driver from the boot configuration; ' +
    `"gpioinfo ${chipName}" lists the holders`
  );
}

function kindOf(code: string): HalErrorKind {
  return code === 'ENOTTY' ? 'absent' : kindOfCode(code);
}

function remedyOf(code: string): string {
  if (code === 'EPERM' || code === 'EACCES') return `; ${PERMISSION_REMEDY}`;
  if (code === 'ENODEV' || code === 'ENXIO') {
    return '; the chip is gone: check its bus or plug, and its driver (dmesg)';
  }
  if (code === 'ENOTTY') return '; this is not a GPIO chip';
  if (code === 'EMFILE' || code === 'ENFILE') return '; no descriptors are left';
  return '';
}

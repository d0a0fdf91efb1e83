/**
 * What the kernel's error codes mean on a bus, in words that a person with a screwdriver can use.
 * Codes of I2C: Documentation/i2c/fault-codes.rst in the kernel's sources; drivers differ in what
 * they say of a device that does not acknowledge, so both usual codes count.
 */
import type { HalErrorKind, HalResult } from '../ports.ts';
import { failed } from '../ports.ts';

type Failure = Extract<HalResult, { readonly ok: false }>;

const KINDS: Readonly<Record<string, HalErrorKind>> = {
  ENXIO: 'noAnswer',
  EREMOTEIO: 'noAnswer',
  ETIMEDOUT: 'timeout',
  EAGAIN: 'timeout',
  ENODEV: 'absent',
  ENOENT: 'absent',
  EBADF: 'absent',
  // spidev says so when the controller has gone.
  ESHUTDOWN: 'absent',
  EACCES: 'permission',
  EPERM: 'permission',
};

/** How the kind of a failed transfer is told; a code that is not known is `other`. */
export function busErrorKind(code: string): HalErrorKind {
  return KINDS[code] ?? 'other';
}

/**
 * A device node that does not open.
 *
 * @param present device nodes of that kind that this machine has
 */
export function openTrouble(
  bus: 'i2c' | 'spi',
  path: string,
  code: string,
  present: readonly string[],
): Failure {
  const found = present.length === 0 ? 'there are none' : `there are ${present.join(', ')}`;
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return failed('absent', `${path} is not there (${code}); ${found}: ${SWITCH_ON[bus]}`);
    case 'EACCES':
    case 'EPERM':
      return failed(
        'permission',
        `${path} may not be opened (${code}): usermod -aG ${bus} embereye, then restart the ` +
          'service',
      );
    default:
      return failed('other', `${path} cannot be opened (${code}); ${found}`);
  }
}

const SWITCH_ON = {
  i2c:
    'put dtparam=i2c_arm=on into /boot/firmware/config.txt and i2c-dev into ' +
    '/etc/modules-load.d/i2c-dev.conf, then restart the machine',
  spi: 'put dtparam=spi=on into /boot/firmware/config.txt, then restart the machine',
} as const;

/** The node opens, and what is behind it is not such a bus. */
export function notABus(bus: 'i2c' | 'spi', path: string, code: string): Failure {
  const wanted =
    bus === 'i2c' ? 'an I2C bus: name /dev/i2c-N' : 'an SPI device: name /dev/spidevN.M';
  if (code === 'ENOTTY') return failed('other', `${path} is not ${wanted}`);
  return failed(busErrorKind(code), `${path} cannot be set up (${code})`);
}

/** @param functions mask that the adapter gave for I2C_FUNCS */
export function smbusOnly(path: string, functions: bigint): Failure {
  return failed(
    'other',
    `${path} cannot do combined transfers (functions 0x${functions.toString(16)}, ` +
      `see i2cdetect -F ${busNumber(path)}): it speaks SMBus only; wire the sensor to a bus ` +
      'of the board itself (GPIO 2 and 3 on a Pi) or to an adapter with plain I2C',
  );
}

/** @param at the bus and the address */
export function i2cTrouble(path: string, address: number, at: string, code: string): Failure {
  const kind = busErrorKind(code);
  const hex = address.toString(16).padStart(2, '0');
  const text: Partial<Record<HalErrorKind, string>> = {
    noAnswer:
      `nothing acknowledges: look at the device's power, SDA and SCL and its address ` +
      `(i2cdetect -y ${busNumber(path)} must show ${hex})`,
    timeout:
      'the bus is stuck, or another master has it: a device holds SDA or SCL low; look for a ' +
      'short circuit and pull-up resistors, then take the power from the devices for a moment',
    absent: 'the bus has gone: its adapter was unplugged or its driver unloaded',
    permission: 'not allowed: usermod -aG i2c embereye, then restart the service',
  };
  const other =
    'the transfer broke off: look at pull-up resistors (2.2 kOhm at 400 kHz), the length of the ' +
    'wires, and try dtparam=i2c_arm_baudrate=100000';
  return failed(kind, `${at}: ${text[kind] ?? other} (${code})`);
}

export function spiTrouble(path: string, code: string): Failure {
  const kind = busErrorKind(code);
  const text: Partial<Record<HalErrorKind, string>> = {
    timeout: 'the controller did not finish: restart the machine if it lasts',
    absent: 'the device has gone: its controller was unplugged or its driver unloaded',
    permission: 'not allowed: usermod -aG spi embereye, then restart the service',
  };
  const other =
    'the controller refuses the transfer: look at speed and mode, and at the parameter bufsiz of ' +
    'spidev for long ones';
  return failed(kind, `${path}: ${text[kind] ?? other} (${code})`);
}

function busNumber(path: string): string {
  return /(\d+)$/.exec(path)?.[1] ?? 'N';
}

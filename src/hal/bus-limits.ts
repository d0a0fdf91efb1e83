/** What the kernel takes in one transfer; asked for more it says no more than EINVAL. */
import type { HalResult } from './ports.ts';
import { failed } from './ports.ts';

/** Of one message: `i2cdev_ioctl_rdwr` in the kernel's drivers/i2c/i2c-dev.c. */
export const I2C_MESSAGE_BYTES = 8192;
/** 7-bit addresses that the bus itself does not need (I2C specification UM10204, table 3). */
export const I2C_FIRST_ADDRESS = 0x08;
export const I2C_LAST_ADDRESS = 0x77;
/** The module parameter `bufsiz` of spidev, as it is by default. */
export const SPI_MESSAGE_BYTES = 4096;

type Refusal = Extract<HalResult, { readonly ok: false }>;

/** `/dev/i2c-1, address 0x33` */
export function i2cPlace(path: string, address: number): string {
  return `${path}, address 0x${address.toString(16).padStart(2, '0')}`;
}

/** What is wrong with a transfer before it is tried, or null. */
export function i2cRefusal(
  path: string,
  address: number,
  writeBytes: number,
  readBytes: number,
): Refusal | null {
  const at = i2cPlace(path, address);
  const isAddress =
    Number.isInteger(address) && address >= I2C_FIRST_ADDRESS && address <= I2C_LAST_ADDRESS;
  if (!isAddress) return failed('other', `${at}: addresses of devices are 0x08..0x77`);
  if (!Number.isInteger(readBytes) || readBytes < 0 || writeBytes + readBytes === 0) {
    return failed('other', `${at}: a transfer of ${writeBytes} and ${readBytes} bytes is none`);
  }
  if (Math.max(writeBytes, readBytes) > I2C_MESSAGE_BYTES) {
    const limit = `the kernel takes ${I2C_MESSAGE_BYTES} at once`;
    return failed('other', `${at}: ${writeBytes} bytes out and ${readBytes} in: ${limit}`);
  }
  return null;
}

/** What is wrong with a transfer before it is tried, or null. */
export function spiRefusal(path: string, bytes: number): Refusal | null {
  if (bytes >= 1 && bytes <= SPI_MESSAGE_BYTES) return null;
  return failed(
    'other',
    `${path}: ${bytes} bytes; the kernel takes 1..${SPI_MESSAGE_BYTES} at once`,
  );
}

/** The second user of a chip select wants another mode than the first. */
export function spiModeRefusal(path: string, has: number, asked: number): Refusal {
  return failed(
    'other',
    `${path} is in use with SPI mode ${has}, and mode ${asked} is asked: a chip has one mode; ` +
      'make the options of all sensors on it alike',
  );
}

/**
 * Full-duplex SPI transfers by ioctl. Layout of linux/spi/spidev.h, struct spi_ioc_transfer, the
 * same on 32 and 64 bits, little-endian, 32 bytes:
 *
 *   tx_buf u64 @0, rx_buf u64 @8, len u32 @16, speed_hz u32 @20, delay_usecs u16 @24,
 *   bits_per_word u8 @26, cs_change u8 @27, and five bytes that stay 0
 */
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { BusRequest } from './bus-messages.ts';
import { notABus, spiTrouble } from './bus-troubles.ts';
import type { Libc, SystemResult } from './libc.ts';

// linux/spi/spidev.h, with the numbers of asm-generic/ioctl.h: _IOW('k', n, type of that size)
const SPI_IOC_MESSAGE_1 = 0x40206b00;
const SPI_IOC_WR_MODE = 0x40016b01;
const SPI_IOC_WR_MODE32 = 0x40046b05;

const BITS_PER_WORD = 8;

/** The transfers of an open `/dev/spidevN.M`. */
export function openSpi(
  libc: Libc,
  fd: number,
  path: string,
  mode: number,
): HalResult<(request: BusRequest) => HalResult<Uint8Array>> {
  const set = setMode(libc, fd, mode);
  if (!set.ok && set.code === 'EINVAL') {
    return failed('other', `${path}: its controller cannot do SPI mode ${mode} (EINVAL)`);
  }
  if (!set.ok) return notABus('spi', path, set.code);
  return done((request) => transfer(libc, fd, path, request));
}

/** Kernels before 3.15 know the shorter request alone. */
function setMode(libc: Libc, fd: number, mode: number): SystemResult {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(mode);
  const set = libc.ioctl(fd, SPI_IOC_WR_MODE32, word);
  if (set.ok || set.code !== 'ENOTTY') return set;
  return libc.ioctl(fd, SPI_IOC_WR_MODE, word);
}

function transfer(
  libc: Libc,
  fd: number,
  path: string,
  request: BusRequest,
): HalResult<Uint8Array> {
  if (request.kind !== 'spi') return failed('other', `${path} is an SPI device`);
  const { write, speedHz } = request;
  const answer = new Uint8Array(write.length);
  const message = Buffer.alloc(32);
  message.writeBigUInt64LE(libc.addressOf(write), 0);
  message.writeBigUInt64LE(libc.addressOf(answer), 8);
  message.writeUInt32LE(write.length, 16);
  message.writeUInt32LE(speedHz, 20);
  message.writeUInt8(BITS_PER_WORD, 26);
  const result = libc.ioctl(fd, SPI_IOC_MESSAGE_1, message);
  if (!result.ok) return spiTrouble(path, result.code);
  if (result.value !== write.length) {
    const told = `${result.value} of ${write.length} bytes went through`;
    return failed('corrupt', `${path}: ${told}: the answer is not whole`);
  }
  return done(answer);
}

/**
 * Combined I2C transfers by ioctl. Layouts as on 64-bit Linux, little-endian:
 *
 *   linux/i2c.h       struct i2c_msg            addr u16 @0, flags u16 @2, len u16 @4, buf @8; 16
 *   linux/i2c-dev.h   struct i2c_rdwr_ioctl_data  msgs @0, nmsgs u32 @8; 16
 */
import { i2cPlace } from '../bus-limits.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { BusRequest } from './bus-messages.ts';
import { i2cTrouble, notABus, smbusOnly } from './bus-troubles.ts';
import type { Libc } from './libc.ts';

// linux/i2c-dev.h
const I2C_RETRIES = 0x0701;
const I2C_TIMEOUT = 0x0702;
const I2C_FUNCS = 0x0705;
const I2C_RDWR = 0x0707;
// linux/i2c.h
const I2C_M_RD = 0x0001;
const I2C_FUNC_I2C = 0x0001n;

const MESSAGE_BYTES = 16;
/** How long an adapter waits for a transfer. The longest here takes 0.75 s at 100 kHz. */
export const ADAPTER_TIMEOUT_MS = 1000;
/** After lost arbitration only; the adapter stops trying when its time is over. */
const ADAPTER_RETRIES = 2;

/**
 * The transfers of an open `/dev/i2c-N`. Sets the adapter's time-out, which all its users share.
 */
export function openI2c(
  libc: Libc,
  fd: number,
  path: string,
): HalResult<(request: BusRequest) => HalResult<Uint8Array>> {
  const mask = Buffer.alloc(8);
  const asked = libc.ioctl(fd, I2C_FUNCS, mask);
  if (!asked.ok) return notABus('i2c', path, asked.code);
  const functions = mask.readBigUInt64LE();
  if ((functions & I2C_FUNC_I2C) === 0n) return smbusOnly(path, functions);
  for (const [request, value] of [
    [I2C_TIMEOUT, ADAPTER_TIMEOUT_MS / 10],
    [I2C_RETRIES, ADAPTER_RETRIES],
  ] as const) {
    const set = libc.ioctlNumber(fd, request, value);
    if (!set.ok) return notABus('i2c', path, set.code);
  }
  return done((request) => transfer(libc, fd, path, request));
}

function transfer(
  libc: Libc,
  fd: number,
  path: string,
  request: BusRequest,
): HalResult<Uint8Array> {
  if (request.kind !== 'i2c') return failed('other', `${path} is an I2C bus`);
  const { address, write, readBytes } = request;
  const at = i2cPlace(path, address);
  const answer = new Uint8Array(readBytes);
  const parts = [
    { flags: 0, bytes: write },
    { flags: I2C_M_RD, bytes: answer },
  ].filter(({ bytes }) => bytes.length > 0);
  const messages = Buffer.alloc(parts.length * MESSAGE_BYTES);
  for (const [i, { flags, bytes }] of parts.entries()) {
    const from = i * MESSAGE_BYTES;
    messages.writeUInt16LE(address, from);
    messages.writeUInt16LE(flags, from + 2);
    messages.writeUInt16LE(bytes.length, from + 4);
    messages.writeBigUInt64LE(libc.addressOf(bytes), from + 8);
  }
  const all = Buffer.alloc(16);
  all.writeBigUInt64LE(libc.addressOf(messages), 0);
  all.writeUInt32LE(parts.length, 8);
  const result = libc.ioctl(fd, I2C_RDWR, all);
  if (!result.ok) return i2cTrouble(path, address, at, result.code);
  if (result.value !== parts.length) {
    const told = `${result.value} of ${parts.length} messages went through`;
    return failed('corrupt', `${at}: ${told}: the answer is not whole; look at the wiring`);
  }
  return done(answer);
}

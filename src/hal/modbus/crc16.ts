/** The checksum of frames on serial lines ("MODBUS over Serial Line" V1.02, section 6.2.2). */

/** Of `bytes`; goes onto the line low byte first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}

/** `bytes` with their checksum behind them. */
export function withCrc(bytes: Uint8Array): Uint8Array {
  const crc = crc16(bytes);
  const whole = new Uint8Array(bytes.length + 2);
  whole.set(bytes);
  whole[bytes.length] = crc & 0xff;
  whole[bytes.length + 1] = crc >> 8;
  return whole;
}

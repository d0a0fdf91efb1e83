/**
 * The seams of wired buses. Everything here is asynchronous: a transfer takes as long as its bits
 * do (a thermal array's memory 38 ms at 400 kHz), and the step must not wait for it.
 *
 * Buses are shared: several sensors hang on one bus, each opens it for itself and gets a handle on
 * the same device; transfers of one bus run one after another in the order they were asked.
 */
import type { HalResult } from './ports.ts';

/** A handle on an I2C bus, `/dev/i2c-1`. */
export interface I2cBus {
  readonly path: string;
  /**
   * One combined transfer: writes, then reads after a repeated start, without a stop in between.
   * With `readBytes` 0 a plain write; with an empty `write` a plain read. The result is a copy.
   *
   * Errors: `noAnswer` (not acknowledged), `timeout` (arbitration lost or a stuck bus), `absent`
   * (the bus is gone), `corrupt` (fewer bytes than asked), `other` (EIO and what else the driver
   * says).
   *
   * @param address 7-bit, 0x08..0x77
   */
  transfer(address: number, write: Uint8Array, readBytes: number): Promise<HalResult<Uint8Array>>;
  /** Never rejects; transfers under way end with an error, later ones are refused. */
  close(): Promise<void>;
}

export interface I2cBackend {
  readonly kind: string;
  /** Errors: `absent`, `permission`, `other`. Opening an open bus gives one more handle on it. */
  open(path: string): Promise<HalResult<I2cBus>>;
}

export interface SpiOptions {
  /** `/dev/spidev0.0` */
  readonly path: string;
  /** 0..3 */
  readonly mode: number;
  readonly speedHz: number;
}

/** A handle on one chip select of an SPI bus. */
export interface SpiDevice {
  readonly path: string;
  /** Full duplex, chip select held throughout: as many bytes come back as went out. */
  transfer(write: Uint8Array): Promise<HalResult<Uint8Array>>;
  close(): Promise<void>;
}

export interface SpiBackend {
  readonly kind: string;
  /** Errors: `absent`, `permission`, `other`. */
  open(options: SpiOptions): Promise<HalResult<SpiDevice>>;
}

/** Where a Modbus line goes. */
export type ModbusAddress =
  | {
      readonly kind: 'rtu';
      readonly path: string;
      readonly baudRate: number;
      readonly parity: 'none' | 'even' | 'odd';
      readonly stopBits: 1 | 2;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export type ModbusTable = 'holding' | 'input' | 'coil' | 'discrete';

export interface ModbusRead {
  /** 1..247 on a serial line, 0..255 over TCP. */
  readonly unit: number;
  readonly table: ModbusTable;
  /** Of the first register or bit, counted from 0, as on the wire. */
  readonly address: number;
  /** 1..125 registers, 1..2000 bits. */
  readonly count: number;
  readonly timeoutMs: number;
}

/** A handle on a line that several units share. One request is under way at a time. */
export interface ModbusLine {
  /** As configured, for messages: `/dev/serial/by-id/...` or `10.0.0.7:502`. */
  readonly name: string;
  /**
   * 16-bit words, or bits as 0 and 1.
   *
   * Errors: `timeout` (no answer), `corrupt` (checksum, length, or a unit that answers for
   * another), `absent` (the line is gone; it is opened again by itself), `other` (a Modbus
   * exception, named).
   */
  read(request: ModbusRead): Promise<HalResult<Uint16Array>>;
  close(): Promise<void>;
}

export interface ModbusBackend {
  readonly kind: string;
  /**
   * Errors of a serial line: `absent`, `permission`, `busy`; of TCP: `absent`, `timeout`. Opening
   * an open line with the same settings gives one more handle on it; with others: `busy`.
   */
  open(address: ModbusAddress): Promise<HalResult<ModbusLine>>;
}

/** Small text files that kernel drivers present: `/sys/bus/iio/...`, `/sys/class/thermal/...`. */
export interface KernelFiles {
  readonly kind: string;
  /** The text without its last line break. Errors: `absent`, `permission`, `timeout`, `other`. */
  read(path: string): Promise<HalResult<string>>;
  write(path: string, text: string): Promise<HalResult>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<HalResult<readonly string[]>>;
}

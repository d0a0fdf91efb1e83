/** The character device's calls with their structures; a failed one is its error code. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Libc, SystemFailure } from '../native/libc.ts';
import { decodeLineValue, encodeLineValue } from './uapi-events.ts';
import type { ChipInfo, LineInfo, LineRequest, LineSettings } from './uapi.ts';
import {
  CHIP_INFO_BYTES,
  decodeChipInfo,
  decodeLineInfo,
  encodeLineConfig,
  encodeLineInfoQuery,
  encodeLineRequest,
  GPIO,
  requestedDescriptor,
} from './uapi.ts';

export type Answer<T> = SystemFailure | { readonly ok: true; readonly value: T };

/** Makes reads of any descriptor return at once (asm-generic/ioctls.h). */
const FIONBIO = 0x5421;

export class CdevCalls {
  readonly #libc: Pick<Libc, 'ioctl'>;

  constructor(libc: Pick<Libc, 'ioctl'>) {
    this.#libc = libc;
  }

  /** Opens a chip; the caller closes it. */
  open(path: string): Answer<number> {
    return attempt(() => openSync(path, 'r'));
  }

  /** A descriptor that is already gone is as good as closed. */
  close(descriptor: number): Answer<void> {
    return attempt(() => closeSync(descriptor));
  }

  chipInfo(chip: number): Answer<ChipInfo> {
    return this.#ask(chip, GPIO.chipInfo, Buffer.alloc(CHIP_INFO_BYTES), decodeChipInfo);
  }

  lineInfo(chip: number, offset: number): Answer<LineInfo> {
    return this.#ask(chip, GPIO.lineInfo, encodeLineInfoQuery(offset), decodeLineInfo);
  }

  /** @returns the line's own descriptor; the line is held until its last duplicate is closed. */
  request(chip: number, request: LineRequest): Answer<number> {
    return this.#ask(chip, GPIO.lineRequest, encodeLineRequest(request), requestedDescriptor);
  }

  configure(line: number, settings: LineSettings): Answer<void> {
    return this.#ask(line, GPIO.setConfig, encodeLineConfig(settings), () => undefined);
  }

  level(line: number): Answer<boolean> {
    return this.#ask(line, GPIO.getValues, encodeLineValue(false), decodeLineValue);
  }

  setLevel(line: number, high: boolean): Answer<void> {
    return this.#ask(line, GPIO.setValues, encodeLineValue(high), () => undefined);
  }

  /** Reads that find nothing then say `EAGAIN` instead of waiting. */
  neverBlock(line: number): Answer<void> {
    const on = Buffer.alloc(4);
    on.writeInt32LE(1);
    return this.#ask(line, FIONBIO, on, () => undefined);
  }

  /** @returns how many bytes there were. */
  read(line: number, into: Buffer): Answer<number> {
    return attempt(() => readSync(line, into, 0, into.length, null));
  }

  #ask<T>(fd: number, request: number, bytes: Buffer, decode: (bytes: Buffer) => T): Answer<T> {
    const called = this.#libc.ioctl(fd, request, bytes);
    return called.ok ? { ok: true, value: decode(bytes) } : called;
  }
}

function attempt<T>(run: () => T): Answer<T> {
  try {
    return { ok: true, value: run() };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { ok: false, code: typeof code === 'string' ? code : String(error) };
  }
}

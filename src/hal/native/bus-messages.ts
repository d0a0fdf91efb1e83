/** What the main thread and the thread of a wired bus say to one another. */
import type { HalErrorKind } from '../ports.ts';

/** A device node that a thread owns. */
export type BusDevice =
  | { readonly kind: 'i2c'; readonly path: string }
  | {
      readonly kind: 'spi';
      readonly path: string;
      /** 0..3 */
      readonly mode: number;
    };

/** What a thread is started with. */
export interface BusThreadData {
  readonly device: BusDevice;
  /** Has `ioctl` in place of libc's; null for the kernel's own buses. */
  readonly ioctlLibrary: string | null;
}

export type BusRequest =
  | {
      readonly kind: 'i2c';
      readonly address: number;
      readonly write: Uint8Array;
      readonly readBytes: number;
    }
  | { readonly kind: 'spi'; readonly write: Uint8Array; readonly speedHz: number };

export type ToBusThread =
  | { readonly kind: 'transfer'; readonly id: number; readonly request: BusRequest }
  | { readonly kind: 'close' };

/** A `HalError` that travels: error classes do not survive the way between threads. */
export interface Trouble {
  readonly kind: HalErrorKind;
  readonly message: string;
}

export type FromBusThread =
  | { readonly kind: 'opened' }
  | { readonly kind: 'openFailed'; readonly trouble: Trouble }
  /** Once for each transfer, in order. The memory of `bytes` is handed over, not copied. */
  | { readonly kind: 'answer'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly id: number; readonly trouble: Trouble };

/** What can be wrong with an array on I2C, each kind with its remedy. */
import type { HalError, HalErrorKind, HalResult } from '../ports.ts';

/**
 * Kinds of the bus, and of the array behind it:
 * `silent`: it answers and measures nothing. `stuck`: it announces without measuring. `reset`: it
 * has lost its settings, or does not take them. `calibration`: its EEPROM cannot be read twice
 * alike, or cannot be true. `garbled`: what it sends is changed on the way. `unbelievable`: it
 * measures, and no picture can be believed.
 */
export type TroubleKind =
  HalErrorKind | 'silent' | 'stuck' | 'reset' | 'calibration' | 'garbled' | 'unbelievable';

export interface Trouble {
  readonly kind: TroubleKind;
  /** What and where, with values. */
  readonly message: string;
}

export type Outcome<T = void> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: Trouble };

export function got<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function trouble(kind: TroubleKind, message: string): Outcome<never> {
  return { ok: false, trouble: { kind, message } };
}

export function troubleOf(error: HalError): Outcome<never> {
  return trouble(error.kind, error.message);
}

export function outcomeOf<T>(result: HalResult<T>): Outcome<T> {
  return result.ok ? result : troubleOf(result.error);
}

const SUPPLY = 'measure 3.3 V at the array while it runs (it takes 23 mA) and put 1 uF beside it';
const WIRING = 'check GND, SDA and SCL, their length and their pull-ups';

/** What to do; a whole sentence without its full stop. */
const REMEDY: Readonly<Record<TroubleKind, string>> = {
  absent:
    'put dtparam=i2c_arm=on into /boot/firmware/config.txt and restart; ls /dev/i2c-* lists the ' +
    'buses that are there',
  noAnswer:
    'check 3V3, GND, SDA and SCL and the address; embereye doctor tells which addresses answer',
  busy: 'read the sensors of this bus less often, or move some to another bus',
  permission: 'usermod -aG i2c embereye, then restart the service',
  timeout: `the bus hangs: ${WIRING}, or let a GPIO line switch the array's supply (option power)`,
  corrupt: WIRING,
  other: `${WIRING}; a slower bus may help (dtparam=i2c_arm_baudrate)`,
  silent: `${SUPPLY}, or let a GPIO line switch its supply (option power)`,
  stuck: `${SUPPLY}, or let a GPIO line switch its supply (option power)`,
  reset: SUPPLY,
  calibration:
    `${WIRING}; at 1 MHz read it once at 400 kHz (dtparam=i2c_arm_baudrate=400000); is another ` +
    'device at this address? Else replace the array',
  garbled: `${WIRING}; a slower bus may help (dtparam=i2c_arm_baudrate)`,
  unbelievable: `${SUPPLY}; let a GPIO line switch its supply (option power), or replace the array`,
};

/** What to do about a kind of trouble. */
export function remedyOf(kind: TroubleKind): string {
  return REMEDY[kind];
}

/** Kinds that the bus reports itself: its messages say what to do already. */
const OF_THE_BUS: ReadonlySet<TroubleKind> = new Set<HalErrorKind>([
  'absent',
  'noAnswer',
  'busy',
  'permission',
  'timeout',
  'other',
]);

/** The whole text of a fault: what, where, what to do. */
export function withRemedy({ kind, message }: Trouble): string {
  if (!OF_THE_BUS.has(kind)) return `${message}: ${REMEDY[kind]}`;
  if (kind === 'noAnswer') return `${message}; embereye doctor tells which addresses answer`;
  if (kind !== 'timeout') return message;
  return `${message}; a GPIO line can switch the array's supply (option power)`;
}

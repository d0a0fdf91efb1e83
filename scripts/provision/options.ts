/** Readers of command-line values that several commands share. */

/** The code by which commander knows a complaint about a value; its class belongs to main.ts. */
const INVALID_ARGUMENT = 'commander.invalidArgument';

/** A reader's complaint as the command line's own. */
export function checked<T>(parser: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parser(text);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw Object.assign(new Error(words), { code: INVALID_ARGUMENT });
    }
  };
}

const DEVICE_ID = /^[a-z0-9_-]{1,48}$/;

/** @throws RangeError for what no appliance may be called. */
export function deviceId(text: string): string {
  if (!DEVICE_ID.test(text)) {
    throw new RangeError('write 1 to 48 small letters, digits, _ or -, as in device.id');
  }
  return text;
}

/** Whole days from 1 to 20 years. @throws RangeError */
export function days(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 7305) {
    throw new RangeError('write whole days from 1 to 7305');
  }
  return value;
}

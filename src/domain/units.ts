/**
 * Names that travel through the whole system. A branded string cannot be mixed up with another
 * kind of name; the constructors below are the only way to make one.
 */
declare const brand: unique symbol;

export type DeviceId = string & { readonly [brand]: 'device' };
export type ZoneId = string & { readonly [brand]: 'zone' };
export type SensorId = string & { readonly [brand]: 'sensor' };

/** What all ids must look like: spaces and dots kill links on some brokers. */
export const ID_PATTERN = /^[a-z0-9_-]{1,48}$/;

/** Tells whether `raw` may be used as a device, zone or sensor id. */
export function isId(raw: string): boolean {
  return ID_PATTERN.test(raw);
}

/** @throws RangeError when `raw` is no id; check user input with `isId` first. */
export function deviceId(raw: string): DeviceId {
  return checked(raw) as DeviceId;
}

/** @throws RangeError when `raw` is no id; check user input with `isId` first. */
export function zoneId(raw: string): ZoneId {
  return checked(raw) as ZoneId;
}

/** @throws RangeError when `raw` is no id; check user input with `isId` first. */
export function sensorId(raw: string): SensorId {
  return checked(raw) as SensorId;
}

/**
 * Makes an id out of a name that a person or a board chose: lower case, every run of other
 * characters becomes one `_`, cut at 48 characters. An empty result becomes `unnamed`.
 */
export function idFromName(name: string): string {
  const id = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 48);
  return id === '' ? 'unnamed' : id;
}

function checked(raw: string): string {
  if (!isId(raw)) throw new RangeError(`"${raw}" is no id: use 1..48 of a-z, 0-9, _ and -`);
  return raw;
}

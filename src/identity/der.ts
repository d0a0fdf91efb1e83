/**
 * A writer of DER (ITU-T X.690): the few types that a certificate request and an encrypted private
 * key are made of. It reads nothing; what it wrote is checked by OpenSSL in the tests.
 */

const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
const LONG_FORM = 0x80;

/** One value with its tag and length. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Uint8Array {
  if (length < LONG_FORM) return Buffer.from([length]);
  const octets = base256(length);
  return Buffer.from([LONG_FORM | octets.length, ...octets]);
}

/** Most significant octet first; 0 is one octet. */
function base256(value: number): readonly number[] {
  const rest = Math.floor(value / 256);
  return rest === 0 ? [value % 256] : [...base256(rest), value % 256];
}

export function sequence(...contents: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...contents);
}

/** A set of one: more would have to be sorted. */
export function setOf(content: Uint8Array): Uint8Array {
  return element(TAG.set, content);
}

/** @param value whole, from 0 to 2^53 - 1. */
export function integer(value: number): Uint8Array {
  const octets = base256(value);
  // The first bit is the sign.
  const positive = (octets[0] ?? 0) >= 0x80 ? [0, ...octets] : octets;
  return element(TAG.integer, Buffer.from(positive));
}

/** @param dotted such as 1.2.840.10045.4.3.2. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap(base128);
  return element(TAG.objectIdentifier, Buffer.from(octets));
}

/** Seven bits an octet; all but the last one have the eighth set. */
function base128(value: number): readonly number[] {
  const higher = Math.floor(value / 128);
  const before = higher === 0 ? [] : base128(higher).map((octet) => octet | 0x80);
  return [...before, value % 128];
}

export function octetString(content: Uint8Array): Uint8Array {
  return element(TAG.octetString, content);
}

/** Of whole octets. */
export function bitString(content: Uint8Array): Uint8Array {
  return element(TAG.bitString, Buffer.from([0]), content);
}

export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'));
}

/** A context-specific tag; `constructed` where it wraps other values. */
export function context(
  number: number,
  content: Uint8Array,
  { constructed }: { readonly constructed: boolean },
): Uint8Array {
  return element(CONTEXT | (constructed ? CONSTRUCTED : 0) | number, content);
}

/** DER in the armour that tools expect, 64 characters a line. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/**
 * The claim code of a unit: printed on its label, and kept on the unit as a hash only, so that a
 * stolen card does not open the console of its neighbour. Whoever reads it off the label proves to
 * stand before the unit.
 */
import { scryptSync, timingSafeEqual } from 'node:crypto';

/** `claim.json`. */
export interface ClaimRecord {
  readonly schema: 1;
  readonly kind: 'scrypt';
  /** Cost, block size and parallelism (RFC 7914). */
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** base64. */
  readonly salt: string;
  /** base64 of 32 octets. */
  readonly hash: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** Crockford's alphabet: no I, L, O or U, so that it can be read out and typed. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUPS = 4;
const GROUP_LENGTH = 4;
/** How much chance a claim code takes. */
export const CLAIM_BYTES = GROUPS * GROUP_LENGTH;
export const CLAIM_SALT_BYTES = 16;
const HASH_BYTES = 32;
/** 16 MiB and some 50 ms on a laptop; OpenSSL's own limit of memory is 32 MiB. */
const COST = { n: 16_384, r: 8, p: 1 } as const;

/** 16 characters of 5 bits each, in groups: `7QXC-M0ZT-9F4B-K2VE`. */
export function claimCode(chance: Uint8Array): string {
  const letters = Array.from({ length: CLAIM_BYTES }, (_, i) =>
    ALPHABET.charAt((chance[i] ?? 0) % ALPHABET.length),
  ).join('');
  return (letters.match(/.{4}/g) ?? []).join('-');
}

/** As people type it: small letters, other groups, O for 0 and I or L for 1 are forgiven. */
export function normalClaim(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
}

export function claimRecord(code: string, salt: Uint8Array, createdAt: string): ClaimRecord {
  const hash = scryptOf(code, salt, COST);
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  return { schema: 1, kind: 'scrypt', ...COST, salt: base64(salt), hash: base64(hash), createdAt };
}

/** Whether somebody typed the code of the label. */
export function claimMatches(typed: string, record: ClaimRecord): boolean {
  const hash = Buffer.from(record.hash, 'base64');
  const tried = scryptOf(typed, Buffer.from(record.salt, 'base64'), record);
  return hash.length === tried.length && timingSafeEqual(hash, tried);
}

function scryptOf(
  code: string,
  salt: Uint8Array,
  { n, r, p }: Pick<ClaimRecord, 'n' | 'r' | 'p'>,
): Buffer {
  return scryptSync(normalClaim(code), salt, HASH_BYTES, { N: n, r, p });
}

/** @returns null where the text is no claim record of this version. */
export function readClaim(text: string): ClaimRecord | null {
  try {
    const raw = JSON.parse(text) as Partial<ClaimRecord> | null;
    if (raw?.schema !== 1 || raw.kind !== 'scrypt') return null;
    const { n, r, p, salt, hash, createdAt } = raw;
    const costs = { n, r, p };
    if (!isCost(costs) || typeof salt !== 'string' || typeof hash !== 'string') return null;
    return { schema: 1, kind: 'scrypt', ...costs, salt, hash, createdAt: createdAt ?? '' };
  } catch {
    // Not JSON: no claim record either.
    return null;
  }
}

function isCost(costs: {
  readonly n: number | undefined;
  readonly r: number | undefined;
  readonly p: number | undefined;
}): costs is { readonly n: number; readonly r: number; readonly p: number } {
  const { n = 0, r = 0, p = 0 } = costs;
  // More than this would only be somebody's way to keep the unit busy.
  return n >= 1024 && n <= COST.n && Number.isInteger(Math.log2(n)) && r === 8 && p === 1;
}

/** The unit's login at a broker: a password that nobody types, and the broker's line for it. */
import { pbkdf2Sync } from 'node:crypto';
import type { ProvisionWorld } from './world.ts';

const PASSWORD_BYTES = 24;
const SALT_BYTES = 12;
const HASH_BYTES = 64;
/** What mosquitto_passwd takes itself; the password has 192 bits, so rounds add nothing. */
const ROUNDS = 101;

export function newBrokerPassword({ randomBytes }: Pick<ProvisionWorld, 'randomBytes'>): string {
  return Buffer.from(randomBytes(PASSWORD_BYTES)).toString('base64url');
}

/**
 * A line of mosquitto's password_file (format 7: PBKDF2 with SHA-512), so that no password has to
 * be an argument of mosquitto_passwd.
 */
export function mosquittoLine(
  username: string,
  password: string,
  { randomBytes }: Pick<ProvisionWorld, 'randomBytes'>,
): string {
  const salt = Buffer.from(randomBytes(SALT_BYTES));
  const hash = pbkdf2Sync(password, salt, ROUNDS, HASH_BYTES, 'sha512');
  return `${username}:$7$${ROUNDS}$${salt.toString('base64')}$${hash.toString('base64')}`;
}

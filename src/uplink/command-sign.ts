/** How a command is signed and checked. Whoever changes this text breaks every central server. */
import { createHash, createHmac, sign, timingSafeEqual, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** What a signature covers. */
export interface Signed {
  /** What stands before all topics of the appliance: nobody else's command is ours. */
  readonly root: string;
  /** Last level of the topic. */
  readonly name: string;
  readonly keyId: string;
  /** The command's JSON, to the letter as it stands in the field `command`. */
  readonly command: string;
}

/** Five lines; the last one, the command, may hold further line ends, the others cannot. */
export function signedText({ root, name, keyId, command }: Signed): string {
  return `embereye-command-1\n${root}\n${name}\n${keyId}\n${command}`;
}

/** In base64. @param key a private key of Ed25519, or the secret of HMAC-SHA-256. */
export function signCommand(signed: Signed, key: KeyObject | Uint8Array): string {
  const text = Buffer.from(signedText(signed));
  const bytes =
    key instanceof Uint8Array
      ? createHmac('sha256', key).update(text).digest()
      : sign(null, text, key);
  return bytes.toString('base64');
}

/** Never throws. @param signature in base64, as somebody wrote it. */
export function fitsPublicKey(signed: Signed, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64');
  return bytes.length === 64 && verify(null, Buffer.from(signedText(signed)), key, bytes);
}

/** Never throws; takes as long whatever differs. */
export function fitsSecret(signed: Signed, signature: string, secret: Uint8Array): boolean {
  const due = createHmac('sha256', secret).update(signedText(signed)).digest();
  return isSame(due, Buffer.from(signature, 'base64'));
}

/** Takes as long whatever differs, also in length. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(a), digest(b));
}

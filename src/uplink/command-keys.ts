/**
 * The keys that commands may be signed with. Their files are read at the start and whenever they
 * change, never on the way of a command, and are never shown.
 */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { AccessLevel } from '../domain/command.ts';
import type { Cancel, Clock } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import { fitsPublicKey, fitsSecret, isSame } from './command-sign.ts';
import type { Signed } from './command-sign.ts';

export interface KeySource {
  readonly id: string;
  readonly level: AccessLevel;
  readonly algorithm: 'ed25519' | 'hmacSha256' | 'token';
  readonly file: string;
}

/** What a command carries to show who sent it. */
export type Proof =
  | { readonly kind: 'token'; readonly keyId: string; readonly token: string }
  | { readonly kind: 'signature'; readonly signature: string; readonly signed: Signed };

/** `unusable`: there is such a key, and its file cannot be used at the moment. */
export type KeyVerdict =
  | { readonly ok: true; readonly level: AccessLevel }
  | { readonly ok: false; readonly why: 'wrong' | 'unusable' };

type Usable = (proof: Proof) => boolean;

interface Held {
  readonly source: KeySource;
  /** Null while its file cannot be used. */
  usable: Usable | null;
  /** Size and times of the file that was read last. */
  version: string;
  trouble: string | null;
}

/** Changes of the files are noticed within this time. */
const LOOK_MS = 5000;
const MAX_FILE_BYTES = 16_384;
const MIN_SECRET_BYTES = 32;
const MIN_TOKEN_CHARS = 16;

export class KeyRing {
  readonly #held: ReadonlyMap<string, Held>;
  readonly #clock: Clock;
  readonly #onFault: (notice: FaultNotice) => void;
  #cancel: Cancel = () => undefined;
  #closed = false;

  constructor(
    sources: readonly KeySource[],
    clock: Clock,
    /** `commandKeyUnusable`, subject `key:<id>`. */
    onFault: (notice: FaultNotice) => void,
  ) {
    const fresh = (source: KeySource): Held => ({
      ...{ source, usable: null, version: '', trouble: null },
    });
    this.#held = new Map(sources.map((source) => [source.id, fresh(source)]));
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** Reads all files once, and from then on when they change. Never rejects. */
  async open(): Promise<this> {
    await this.look();
    const again = (): void => {
      if (this.#closed || this.#held.size === 0) return;
      this.#cancel = this.#clock.after(LOOK_MS, () => void this.look().then(again));
    };
    again();
    return this;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** Looks at every file now. Never rejects. */
  async look(): Promise<void> {
    for (const held of this.#held.values()) await this.#refresh(held);
  }

  /** Who showed this proof. Nothing tells whether the key or the signature was wrong. */
  judge(proof: Proof): KeyVerdict {
    const keyId = proof.kind === 'token' ? proof.keyId : proof.signed.keyId;
    const held = this.#held.get(keyId);
    if (held === undefined) return { ok: false, why: 'wrong' };
    if (held.usable === null) return { ok: false, why: 'unusable' };
    return held.usable(proof)
      ? { ok: true, level: held.source.level }
      : { ok: false, why: 'wrong' };
  }

  async #refresh(held: Held): Promise<void> {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(held.source.file);
      const version = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      if (version === held.version) return;
      const trouble = size > MAX_FILE_BYTES ? `it is longer than ${MAX_FILE_BYTES} bytes` : null;
      if (trouble !== null) throw new Error(trouble);
      const usable = usableOf(held.source, await readFile(held.source.file));
      Object.assign(held, { usable, version });
      this.#tell(held, null);
    } catch (error) {
      Object.assign(held, { usable: null, version: '' });
      this.#tell(held, reasonOf(error));
    }
  }

  #tell(held: Held, trouble: string | null): void {
    if (trouble === held.trouble || this.#closed) return;
    const { id, file } = held.source;
    held.trouble = trouble;
    this.#onFault({
      fault: 'commandKeyUnusable',
      subject: `key:${id}`,
      raised: trouble !== null,
      detail:
        trouble === null
          ? `${file} can be used again`
          : `commands of ${id} are refused: ${file}: ${trouble}; put a right file there`,
    });
  }
}

/** @throws Error with a reason that shows nothing of the content. */
function usableOf({ algorithm }: KeySource, content: Buffer): Usable {
  if (algorithm === 'ed25519') {
    const key = publicKeyOf(content);
    return (proof) =>
      proof.kind === 'signature' && fitsPublicKey(proof.signed, proof.signature, key);
  }
  const secret = withoutLineEnd(content);
  if (algorithm === 'hmacSha256') {
    if (secret.length < MIN_SECRET_BYTES) {
      throw new Error(`the secret has fewer than ${MIN_SECRET_BYTES} bytes`);
    }
    return (proof) =>
      proof.kind === 'signature' && fitsSecret(proof.signed, proof.signature, secret);
  }
  if (secret.length < MIN_TOKEN_CHARS) {
    throw new Error(`the token has fewer than ${MIN_TOKEN_CHARS} characters`);
  }
  return (proof) => proof.kind === 'token' && isSame(Buffer.from(proof.token), secret);
}

/** The bytes of a secret file: a line end at its end does not count. */
export function withoutLineEnd(content: Buffer): Buffer {
  const end = content.at(-1) === 0x0a ? content.length - 1 : content.length;
  return content.subarray(0, content.at(end - 1) === 0x0d ? end - 1 : end);
}

function publicKeyOf(content: Buffer): KeyObject {
  if (content.includes('PRIVATE KEY')) {
    throw new Error('it holds a private key, which belongs to the central server alone');
  }
  const key = keyIn(content);
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new Error('it holds no public key of Ed25519 in PEM');
  }
  return key;
}

function keyIn(content: Buffer): KeyObject | null {
  try {
    return createPublicKey(content);
  } catch {
    // The library's words name no remedy; the caller's do.
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `cannot be read (${String(error.code)})` : error.message;
}

/** Who may pass: keys and levels, rates, and whether a signed command is as new as it must be. */
import type { AccessLevel, CommandError } from '../domain/command.ts';
import type { Clock } from '../domain/ports.ts';
import type { KeyRing, Proof } from './command-keys.ts';
import type { CommandMemory } from './command-memory.ts';
import type { ParsedCommand } from './command-parse.ts';
import { Rate } from './command-rate.ts';

export interface GateOptions {
  /** Of commands that carry no key; the broker's rules decide who may send them. */
  readonly level: AccessLevel;
  readonly require: 'none' | 'token' | 'signature';
  /** Of each key, and of all without one together. */
  readonly perSecond: number;
  readonly burst: number;
}

export interface Passed {
  readonly ok: true;
  readonly level: AccessLevel;
  /** Null: it carried none. */
  readonly keyId: string | null;
}

export interface Stopped {
  readonly ok: false;
  readonly error: CommandError;
  readonly detail: string;
}

/** The levels at which somebody may command: what the birth promises. */
export function levelsOf(
  { level, require }: Pick<GateOptions, 'level' | 'require'>,
  keys: readonly { readonly level: AccessLevel; readonly algorithm: string }[],
): readonly AccessLevel[] {
  const usable = keys.filter(({ algorithm }) => require !== 'signature' || algorithm !== 'token');
  return [...(require === 'none' ? [level] : []), ...usable.map((key) => key.level)];
}

export class CommandGate {
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #keys: KeyRing;
  readonly #root: string;
  readonly #rates = new Map<string, Rate>();

  /** @param root what stands before all topics. */
  constructor(options: GateOptions, clock: Clock, keys: KeyRing, root: string) {
    this.#options = options;
    this.#clock = clock;
    this.#keys = keys;
    this.#root = root;
  }

  /** Checks the credential, then the sender's rate: a flood of others does not use it up. */
  pass(name: string, { credential }: ParsedCommand): Passed | Stopped {
    const known = this.#judge(name, credential);
    if (!known.ok) return known;
    return this.#rateOf(known.keyId).take()
      ? known
      : stop('overloaded', 'too many commands a second: send it again later');
  }

  #judge(name: string, credential: ParsedCommand['credential']): Passed | Stopped {
    const { level, require } = this.#options;
    const { kind } = credential;
    if (kind === 'none' && require === 'none') return { ok: true, level, keyId: null };
    if (kind === 'none' || (require === 'signature' && kind !== 'signature')) {
      const wanted = require === 'token' ? 'a token or a signature' : 'a signature';
      return stop('notPermitted', `commands to this appliance need ${wanted}`);
    }
    const { keyId } = credential;
    const verdict = this.#keys.judge(proofOf(credential, name, this.#root));
    if (verdict.ok) return { ok: true, level: verdict.level, keyId };
    return stop(
      'notPermitted',
      verdict.why === 'unusable'
        ? 'the file of that key cannot be used here: see the faults of the appliance'
        : `key, ${kind} and command do not belong together, or not to this topic`,
    );
  }

  #rateOf(keyId: string | null): Rate {
    const name = keyId ?? '';
    const known = this.#rates.get(name);
    if (known !== undefined) return known;
    // Only keys of the configuration come here: the map is as small as their list.
    const fresh = new Rate(this.#clock, this.#options.perSecond, this.#options.burst);
    this.#rates.set(name, fresh);
    return fresh;
  }
}

function proofOf(
  credential: Exclude<ParsedCommand['credential'], { readonly kind: 'none' }>,
  name: string,
  root: string,
): Proof {
  if (credential.kind === 'token') return credential;
  const { keyId, signature, command } = credential;
  return { kind: 'signature', signature, signed: { root, name, keyId, command } };
}

/** Null where a signed command is newer than what its key has sent; else why it is not. */
export function staleness(
  { credential, counter, issuedMs }: ParsedCommand,
  memory: CommandMemory,
): Stopped | null {
  if (credential.kind !== 'signature') return null;
  const { keyId } = credential;
  if (counter !== null) {
    const last = memory.counterOf(keyId);
    if (counter > last) return null;
    return stop('stale', `"counter" must be above ${last}, which this key has used already`);
  }
  if (issuedMs !== null && memory.isAboveFloor(keyId, issuedMs)) return null;
  return stop('stale', 'issued before other commands of this key that are long done');
}

function stop(error: CommandError, detail: string): Stopped {
  return { ok: false, error, detail };
}

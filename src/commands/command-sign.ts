/** `embereye command sign`: the payload of a signed command, as a central server would send it. */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock, Random } from '../domain/ports.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import { withoutLineEnd } from '../uplink/command-keys.ts';
import { signCommand } from '../uplink/command-sign.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface SignOptions {
  /** What stands before all topics of the appliance. */
  readonly root: string;
  readonly keyId: string;
  /** PEM with a private key of Ed25519. */
  readonly privateKey?: string;
  /** The secret of HMAC-SHA-256. */
  readonly secret?: string;
  /** JSON with the fields of the command. */
  readonly fields: string;
  readonly counter?: number;
}

export interface SignDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
}

/** Prints the payload on one line. */
export function runCommandSign(name: string, options: SignOptions, deps: SignDeps): ExitCode {
  const { io, clock, random } = deps;
  const { root, keyId, counter } = options;
  try {
    const fields: unknown = JSON.parse(options.fields);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new SyntaxError('the fields are no JSON object');
    }
    const command = JSON.stringify({
      requestId: `${random.uint32().toString(16)}-${random.uint32().toString(16)}`,
      issuedAt: isoFromWallMs(clock.wallMs()),
      ...(counter === undefined ? {} : { counter }),
      ...fields,
    });
    const signature = signCommand({ root, name, keyId, command }, keyOf(options));
    io.out(JSON.stringify({ keyId, signature, command }));
    return EXIT.ok;
  } catch (error) {
    io.err(`not signed: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT.badInput;
  }
}

/** @throws Error where there is not exactly one key that can be used. */
function keyOf({ privateKey, secret }: SignOptions): KeyObject | Uint8Array {
  if ((privateKey === undefined) === (secret === undefined)) {
    throw new Error('name either --private-key FILE or --secret FILE');
  }
  if (secret !== undefined) return withoutLineEnd(readFileSync(secret));
  return createPrivateKey(readFileSync(privateKey ?? ''));
}

/** `embereye identity`: the unit's own key, its certificate request, and what was issued for it. */
import type { KeyObject } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../domain/ports.ts';
import { checkBundle } from '../identity/bundle.ts';
import { readClaim } from '../identity/claim.ts';
import { certificateRequest, keyPem, newDeviceKey } from '../identity/csr.ts';
import { groupIdIn, IdentityStore, SERVICE_GROUP } from '../identity/folder.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import { describeIdentity, identityLines } from './identity-show.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface IdentityOptions {
  readonly folder: string;
  readonly deviceId?: string;
  readonly newKey?: boolean;
  readonly json?: boolean;
  readonly yes?: boolean;
}

export interface IdentityDeps {
  readonly io: CommandIo;
  readonly clock: Clock;
  /** Standard input to its end. */
  readonly readInput: () => Promise<string>;
}

/** What `identity put` takes. */
export const PUT = ['claim', 'broker-password'] as const;
export type Put = (typeof PUT)[number];

const DEVICE_ID = /^[a-z0-9_-]{1,48}$/;
const PASSWORD_MODE = 0o640;

/** `new`: makes the key; there must be none yet, or a certificate that outlives it is in use. */
export function runIdentityNew(options: IdentityOptions, deps: IdentityDeps): Promise<ExitCode> {
  return guarded(deps, options, (store) => {
    if (store.has('key') && options.newKey !== true) {
      deps.io.err(
        `${store.path('key')} is there already and stays: for another one, which takes its place ` +
          'when its certificate is installed, add --new-key',
      );
      return EXIT.failed;
    }
    makeKey(store, options);
    deps.io.err(`made ${store.path(store.has('nextKey') ? 'nextKey' : 'key')}`);
    return EXIT.ok;
  });
}

/** `csr`: prints a request in PEM; makes the key where there is none. The same key, asked twice. */
export function runIdentityCsr(options: IdentityOptions, deps: IdentityDeps): Promise<ExitCode> {
  return guarded(deps, options, (store) => {
    const deviceId = options.deviceId ?? store.device()?.deviceId;
    if (deviceId === undefined) return nameless(deps.io);
    if (!DEVICE_ID.test(deviceId)) {
      deps.io.err(`--device-id: "${deviceId}" does not match ${DEVICE_ID.source}`);
      return EXIT.usage;
    }
    const wanted = options.newKey === true || !store.has('key');
    const key = wanted ? makeKey(store, options) : store.readKey('key');
    if (key === null) return EXIT.badInput;
    deps.io.out(certificateRequest(key, deviceId).trimEnd());
    return EXIT.ok;
  });
}

function nameless(io: CommandIo): ExitCode {
  io.err('this unit has no name yet: add --device-id ID');
  return EXIT.usage;
}

function makeKey(store: IdentityStore, { newKey }: IdentityOptions): KeyObject {
  store.makeFolder();
  const waits = newKey === true && store.has('key');
  const name = waits ? 'nextKey' : 'key';
  // One that already waits is kept: its request may be on the way to an authority.
  const waiting = waits ? store.readKey('nextKey') : null;
  const key = waiting ?? newDeviceKey();
  if (waiting === null) store.write(name, keyPem(key));
  return key;
}

/** `install`: certificate and authority from standard input; written once all is checked. */
export function runIdentityInstall(
  options: IdentityOptions,
  deps: IdentityDeps,
): Promise<ExitCode> {
  return guarded(deps, options, async (store) => {
    const { io, clock } = deps;
    const current = store.readKey('key');
    const keys = [current, store.readKey('nextKey')].filter((key) => key !== null);
    if (keys.length === 0) {
      io.err(`${store.path('key')} is missing: make it with: embereye identity csr --device-id ID`);
      return EXIT.badInput;
    }
    const text = await deps.readInput();
    const knownAuthorities = store.read('authorities');
    const deviceId = options.deviceId ?? store.device()?.deviceId;
    if (deviceId === undefined) return nameless(io);
    const nowMs = clock.wallMs();
    const bundle = checkBundle({ text, keys, deviceId, nowMs, knownAuthorities });
    if (!bundle.ok) {
      io.err(`not installed: ${bundle.error}`);
      return EXIT.badInput;
    }
    const serial = bundle.certificate.serialNumber;
    if (isInstalled(store, bundle)) {
      io.err(`certificate ${serial} of ${deviceId} is installed already; nothing changed`);
      return EXIT.ok;
    }
    const usesNext = keys[bundle.keyIndex] !== current;
    store.write('authorities', bundle.authorities, { keepOld: true });
    // The key comes first: the certificate that follows is what the next connection looks at.
    if (usesNext) store.takeNextKey();
    store.write('certificate', bundle.chain, { keepOld: true });
    const record = { deviceId, serial, enrolledAt: isoFromWallMs(nowMs) };
    store.write('device', `${JSON.stringify(record)}\n`);
    io.err(`installed certificate ${serial} of ${deviceId}; the next connection uses it`);
    return EXIT.ok;
  });
}

function isInstalled(
  store: IdentityStore,
  { chain, authorities }: { readonly chain: string; readonly authorities: string },
): boolean {
  return (
    store.read('certificate') === chain &&
    store.read('authorities') === authorities &&
    store.device() !== null
  );
}

/** `put`: a secret from standard input to its place; never from an argument. */
export function runIdentityPut(
  what: Put,
  options: IdentityOptions,
  deps: IdentityDeps,
): Promise<ExitCode> {
  return guarded(deps, options, async (store) => {
    const text = await deps.readInput();
    if (what === 'claim') {
      if (readClaim(text) === null) {
        deps.io.err('not taken: standard input is no claim record; the provision tool makes them');
        return EXIT.badInput;
      }
      store.makeFolder();
      store.write('claim', text);
      return EXIT.ok;
    }
    const password = text.replace(/\r?\n$/, '');
    if (password === '' || /\p{Cc}/u.test(password)) {
      deps.io.err('not taken: standard input must hold one line with the password');
      return EXIT.badInput;
    }
    store.makeFolder();
    writePassword(join(dirname(store.folder), 'broker-password'), password);
    return EXIT.ok;
  });
}

function writePassword(path: string, password: string): void {
  const fresh = `${path}.new`;
  writeFileSync(fresh, `${password}\n`, { mode: 0o600, flush: true });
  const group = serviceGroup();
  if (group !== null) chownSync(fresh, 0, group);
  chmodSync(fresh, PASSWORD_MODE);
  renameSync(fresh, path);
}

/** `show`: who this unit is, and until when. `EXIT.failed` where it cannot prove that. */
export function runIdentityShow(options: IdentityOptions, deps: IdentityDeps): Promise<ExitCode> {
  return guarded(deps, options, (store) => {
    const description = describeIdentity(store, deps.clock.wallMs());
    if (options.json === true) deps.io.out(JSON.stringify(description));
    else for (const line of identityLines(description)) deps.io.out(line);
    return description.trouble === null ? EXIT.ok : EXIT.failed;
  });
}

/** `wipe`: forgets who this unit is, for one that leaves the site. */
export function runIdentityWipe(options: IdentityOptions, deps: IdentityDeps): Promise<ExitCode> {
  return guarded(deps, options, (store) => {
    if (options.yes !== true) {
      deps.io.err('this removes key and certificate for good: add --yes');
      return EXIT.usage;
    }
    const gone = store.wipe();
    deps.io.err(gone.length === 0 ? 'there was nothing to remove' : `removed ${gone.join(', ')}`);
    return EXIT.ok;
  });
}

/** Root gives files to the service's group; others keep their own. */
function serviceGroup(): number | null {
  if (process.getuid?.() !== 0) return null;
  try {
    return groupIdIn(readFileSync('/etc/group', 'utf8'), SERVICE_GROUP);
  } catch {
    // A system without the file has no such group either.
    return null;
  }
}

/** The commands' one place where trouble with files becomes words. */
async function guarded(
  { io }: IdentityDeps,
  { folder }: IdentityOptions,
  run: (store: IdentityStore) => Promise<ExitCode> | ExitCode,
): Promise<ExitCode> {
  try {
    return await run(new IdentityStore(folder, serviceGroup()));
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const denied = /EACCES|EPERM/.test(words);
    io.err(`${words}${denied ? '; run it as root: sudo embereye identity ...' : ''}`);
    return EXIT.unavailable;
  }
}

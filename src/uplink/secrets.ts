/** Certificates, keys, names, passwords: read from files at each attempt, never kept or shown. */
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { keyPairTrouble, pemTrouble } from './certificates.ts';

export interface TlsOptions {
  /** PEM file of the authorities that may sign the broker's certificate; null: the system's. */
  readonly caFile: string | null;
  /** PEM files of our own certificate and its key, for brokers that ask for one. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** File with the passphrase of the key; a last newline is ignored. Left out: it has none. */
  readonly passphraseFile?: string | null;
  /** False accepts any certificate: for a test bench only. */
  readonly verify: boolean;
  /** Name to ask for and to check, where it is not `host`. */
  readonly serverName: string | null;
  /** Protocols offered on a port that serves several (443), the preferred one first. */
  readonly alpn?: readonly string[];
}

/** Who we say we are. At most one of each pair is given; all files are read at each attempt. */
export interface Credentials {
  readonly username: string | null;
  readonly usernameFile: string | null;
  readonly passwordFile: string | null;
  /** File with a token (a JWT for example) that is sent where the password stands. */
  readonly tokenFile: string | null;
}

export interface SecretFiles extends Credentials {
  readonly host: string;
  readonly tls: TlsOptions | null;
}

export interface Secrets {
  readonly tls: ConnectionOptions | null;
  readonly username: string | null;
  readonly password: string | null;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'put the file there, or correct its path',
  EACCES: 'let the user of the appliance read it',
  EISDIR: 'name a file, not a directory',
};

/** @throws when a file cannot be read or used; the message names it and what to do. */
export async function readSecrets(options: SecretFiles): Promise<Secrets> {
  const password =
    (await line('password', options.passwordFile)) ?? (await line('token', options.tokenFile));
  const username = options.username ?? (await line('user name', options.usernameFile));
  return { tls: await tlsSecrets(options), username, password };
}

async function tlsSecrets({ tls, host }: SecretFiles): Promise<ConnectionOptions | null> {
  if (tls === null) return null;
  const { caFile, certFile, keyFile, passphraseFile = null, verify, alpn = [] } = tls;
  const ca = await text('certificate authority', caFile);
  const cert = await text('client certificate', certFile);
  const key = await text('client key', keyFile);
  const passphrase = await line('passphrase', passphraseFile);
  const trouble =
    pemTrouble('certificate authority', caFile, ca) ??
    keyPairTrouble({ certFile, cert, keyFile, key, passphraseFile, passphrase });
  if (trouble !== null) throw new Error(trouble);
  const name = askedName(tls, host);
  return {
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2',
    ...(name === null ? {} : { servername: name }),
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(passphrase === null ? {} : { passphrase }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
  };
}

/** The name that the handshake asks for; null for a bare address, which cannot be asked for. */
export function askedName({ serverName }: TlsOptions, host: string): string | null {
  return serverName ?? (net.isIP(host) === 0 ? host : null);
}

async function line(what: string, path: string | null): Promise<string | null> {
  return (await text(what, path))?.replace(/\r?\n$/, '') ?? null;
}

async function text(what: string, path: string | null): Promise<string | null> {
  if (path === null) return null;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    const remedy = REMEDIES[why];
    const advice = remedy === undefined ? '' : `; ${remedy}`;
    throw new Error(`cannot read the ${what} file ${path}: ${why}${advice}`, { cause });
  }
}

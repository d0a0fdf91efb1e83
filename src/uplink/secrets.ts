/** Certificates, keys and passwords: read from files at each attempt, never kept, never shown. */
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import type { ConnectionOptions } from 'node:tls';

export interface TlsOptions {
  /** PEM file of the authorities that may sign the broker's certificate; null: the system's. */
  readonly caFile: string | null;
  /** PEM files of our own certificate and its key, for brokers that ask for one. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** False accepts any certificate: for a test bench only. */
  readonly verify: boolean;
  /** Name to ask for and to check, where it is not `host`. */
  readonly serverName: string | null;
}

export interface SecretFiles {
  readonly host: string;
  readonly tls: TlsOptions | null;
  readonly passwordFile: string | null;
}

export interface Secrets {
  readonly tls: ConnectionOptions | null;
  readonly password: string | null;
}

/** @throws when a file cannot be read; the message names it. */
export async function readSecrets(options: SecretFiles): Promise<Secrets> {
  const file = async (what: string, path: string | null): Promise<string | undefined> => {
    if (path === null) return undefined;
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
      throw new Error(`cannot read the ${what} file ${path}: ${why}`, { cause });
    }
  };
  const password = (await file('password', options.passwordFile))?.replace(/\r?\n$/, '') ?? null;
  if (options.tls === null) return { tls: null, password };
  const { verify, serverName } = options.tls;
  const ca = await file('certificate authority', options.tls.caFile);
  const cert = await file('client certificate', options.tls.certFile);
  const key = await file('client key', options.tls.keyFile);
  const name = serverName ?? (net.isIP(options.host) === 0 ? options.host : undefined);
  return {
    password,
    tls: {
      rejectUnauthorized: verify,
      ...(name === undefined ? {} : { servername: name }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}

/** Reads a whole seed and says everything that is wrong with it; changes nothing. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Seed } from './format.ts';
import { HOST_NAME, MAX_SEED_FILE_BYTES, readSeed, SEED_FILE } from './format.ts';

/** What the seed's files are by their names, and the bytes in them. */
export type SeedFiles = ReadonlyMap<string, Buffer>;

/** The product's own check of a configuration. */
export interface ConfigurationReport {
  /** `device.id`, or null where the configuration is not valid. */
  readonly deviceId: string | null;
  /** One line each: what, where, what to do. */
  readonly problems: readonly string[];
}
export type CheckConfiguration = (text: string) => ConfigurationReport;

export interface CheckedSeed {
  readonly seed: Seed;
  /** Of `seed.json` itself: 64 hex digits that name this seed. */
  readonly sha256: string;
  readonly files: SeedFiles;
}

export type CheckedResult =
  | { readonly ok: true; readonly checked: CheckedSeed }
  | { readonly ok: false; readonly problems: readonly string[] };

/** SHA-256 in hex digits. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads and checks the seed in a folder. */
export function checkSeed(folder: string, configuration: CheckConfiguration): CheckedResult {
  const manifest = readFile(folder, SEED_FILE);
  if (typeof manifest === 'string') return { ok: false, problems: [manifest] };
  const read = readSeed(manifest.toString('utf8'));
  if (!read.ok) return read;
  const { seed } = read;
  const files = new Map<string, Buffer>();
  const problems: string[] = [];
  for (const [name, { sha256 }] of Object.entries(seed.files)) {
    const bytes = readFile(folder, name);
    if (typeof bytes === 'string') problems.push(bytes);
    else if (sha256Of(bytes) !== sha256) {
      problems.push(`${name}: not what ${SEED_FILE} says (SHA-256 differs); write the card again`);
    } else files.set(name, bytes);
  }
  if (problems.length === 0) problems.push(...contentProblems(seed.deviceId, files, configuration));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, checked: { seed, sha256: sha256Of(manifest), files } };
}

/** The bytes, or what is wrong. */
function readFile(folder: string, name: string): Buffer | string {
  try {
    const path = join(folder, name);
    const found = lstatSync(path);
    if (!found.isFile()) return `${name}: not a plain file; write the card again`;
    if (found.size > MAX_SEED_FILE_BYTES) {
      return `${name}: ${found.size} bytes; at most ${MAX_SEED_FILE_BYTES} make sense here`;
    }
    return readFileSync(path);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return `${name}: cannot be read (${cause}); write the card again`;
  }
}

/**
 * What is wrong with the files of a seed, whatever they were read from. The time of certificates is
 * not looked at: a unit may not know the time at its first start.
 */
export function contentProblems(
  deviceId: string,
  files: SeedFiles,
  configuration: CheckConfiguration,
): readonly string[] {
  const report = configuration(textOf(files, 'appliance.yaml') ?? '');
  const problems = [...report.problems];
  if (report.deviceId !== null && report.deviceId !== deviceId) {
    problems.push(
      `appliance.yaml: device.id is "${report.deviceId}", but this seed is for "${deviceId}"; ` +
        'write the same id into both',
    );
  }
  const hostname = textOf(files, 'hostname')?.trim();
  if (hostname !== undefined && !HOST_NAME.test(hostname)) {
    problems.push(
      `hostname: ${JSON.stringify(hostname)}: use 1 to 63 of a-z, 0-9 and -, without - at its ends`,
    );
  }
  return [...problems, ...deviceProblems(deviceId, files), ...keyProblems(files), ...ssh(files)];
}

function textOf(files: SeedFiles, name: string): string | undefined {
  return files.get(name)?.toString('utf8');
}

function deviceProblems(deviceId: string, files: SeedFiles): readonly string[] {
  const text = textOf(files, 'device.json');
  if (text === undefined) return [];
  let found: unknown;
  try {
    found = (JSON.parse(text) as { deviceId?: unknown } | null)?.deviceId;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return [`device.json: not JSON (${cause}); enrol the unit again`];
  }
  if (found === deviceId) return [];
  return [
    `device.json: deviceId is ${JSON.stringify(found)}, but this seed is for "${deviceId}"; ` +
      'use the identity that was made for this unit, or enrol it',
  ];
}

function keyProblems(files: SeedFiles): readonly string[] {
  const problems: string[] = [];
  const parsed = <T>(name: string, parse: (bytes: Buffer) => T): T | null => {
    const bytes = files.get(name);
    if (bytes === undefined) return null;
    try {
      return parse(bytes);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      problems.push(`${name}: cannot be used (${cause}); enrol the unit again`);
      return null;
    }
  };
  const authorities = parsed('ca.crt', certificatesIn);
  const certificate = parsed('device.crt', (bytes) => new X509Certificate(bytes));
  const key = parsed('device.key', (bytes) => createPrivateKey(bytes));
  if (certificate !== null && key !== null && !certificate.checkPrivateKey(key)) {
    problems.push('device.crt: does not belong to device.key; enrol the unit again');
  }
  if (certificate !== null && authorities?.some((one) => issued(certificate, one)) === false) {
    problems.push('device.crt: was not issued by ca.crt; use the files of one enrolment');
  }
  return problems;
}

/** Every certificate of a file in PEM: an authority that was renewed has several. */
export function certificatesIn(bytes: Buffer): readonly X509Certificate[] {
  const text = bytes.toString('latin1');
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (found === null) throw new Error('no certificate in PEM');
  return found.map((pem) => new X509Certificate(pem));
}

function issued(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

const SSH_KEY = /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]+( .*)?$/;

/** Options before a key are refused: they may hold commands that nobody here can judge. */
function ssh(files: SeedFiles): readonly string[] {
  const lines = (textOf(files, 'authorized_keys') ?? '').split(/\r?\n/);
  return lines.flatMap((line, i) =>
    line.trim() === '' || line.startsWith('#') || SSH_KEY.test(line)
      ? []
      : [
          `authorized_keys:${i + 1}: not a public key of SSH without options; take the line of a ` +
            'file such as id_ed25519.pub',
        ],
  );
}

/** The folder of a local authority: its key, its certificate, and a line for all that it did. */
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RevocationReason, Usage } from './certificates.ts';
import { missing, Trouble, wordsOf } from './trouble.ts';

/** One line of `index.jsonl`. Lines are only ever added. */
export type IndexLine =
  | {
      readonly kind: 'issued';
      readonly at: string;
      readonly usage: Usage;
      /** Common name: of a device its id. */
      readonly name: string;
      /** Upper-case hex. */
      readonly serial: string;
      /** SHA-256, lower-case hex. */
      readonly fingerprint: string;
      readonly validFrom: string;
      readonly validTo: string;
    }
  | {
      readonly kind: 'revoked';
      readonly at: string;
      readonly serial: string;
      readonly reason: RevocationReason;
    }
  | { readonly kind: 'list'; readonly at: string; readonly number: number }
  | {
      readonly kind: 'authority';
      readonly at: string;
      readonly serial: string;
      readonly fingerprint: string;
      readonly validTo: string;
      /** Whether it has another key than the one before. */
      readonly newKey: boolean;
    };

/** A certificate of the index, and whether it still counts. */
export interface Issued extends Extract<IndexLine, { kind: 'issued' }> {
  readonly revoked: { readonly at: string; readonly reason: RevocationReason } | null;
  /** Signed with a key that the authority no longer has: its list cannot name it. */
  readonly underOldKey: boolean;
}

export const AUTHORITY_FILES = {
  key: 'ca.key',
  /** All that verifiers should trust: the newest authority first. */
  certificate: 'ca.crt',
  /** The authority with another key, signed by the one before: sent along by servers. */
  cross: 'cross.crt',
  list: 'crl.pem',
  /** The last list under a key that is no longer used; part of every list after it. */
  listBefore: 'crl-before.pem',
  index: 'index.jsonl',
} as const;
type Name = keyof typeof AUTHORITY_FILES;

const OWNER_ONLY = 0o077;

export class AuthorityFolder {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  path(name: Name): string {
    return join(this.folder, AUTHORITY_FILES[name]);
  }

  has(name: Name): boolean {
    return existsSync(this.path(name));
  }

  /** @throws Trouble where it cannot be read. */
  read(name: Name): string {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch (error) {
      const advice = 'make an authority with: provision ca new, or name its folder with --ca';
      throw missing(`${this.path(name)} cannot be read (${wordsOf(error)}): ${advice}`);
    }
  }

  /** @throws Trouble where it exists already. */
  create(): void {
    if (this.has('key') || this.has('certificate')) {
      throw new Trouble(
        `${this.folder} holds an authority already, and it stays: all it issued would be void. ` +
          'Renew it with: provision ca renew, or name another folder',
      );
    }
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    chmodSync(this.folder, 0o700);
  }

  /** Words on rights that let others in; null: only the owner may. */
  exposure(): string | null {
    const open = [this.folder, this.path('key')].filter(
      (path) => existsSync(path) && (statSync(path).mode & OWNER_ONLY) !== 0,
    );
    if (open.length === 0) return null;
    return `others may read ${open.join(' and ')}: chmod -R go= ${this.folder}`;
  }

  /** Whole or not at all; the one before stays as NAME.old. */
  write(name: Name, text: string): void {
    const path = this.path(name);
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    if (existsSync(path)) renameSync(path, `${path}.old`);
    renameSync(`${path}.new`, path);
  }

  append(line: IndexLine): void {
    appendFileSync(this.path('index'), `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
  }

  /** @throws Trouble that names a damaged line. */
  index(): readonly IndexLine[] {
    if (!this.has('index')) return [];
    return this.read('index')
      .split('\n')
      .flatMap((line, i) => {
        if (line === '') return [];
        try {
          return [JSON.parse(line) as IndexLine];
        } catch {
          const advice = 'restore the file from your copy: what is not in it cannot be revoked';
          throw new Trouble(`${this.path('index')}:${i + 1}: not JSON; ${advice}`);
        }
      });
  }
}

/** What was issued, with what became of it. */
export function issuedIn(lines: readonly IndexLine[]): readonly Issued[] {
  const revoked = new Map(
    lines.flatMap((line) => (line.kind === 'revoked' ? [[line.serial, line] as const] : [])),
  );
  const keyChangedAt = lines.findLastIndex((line) => line.kind === 'authority' && line.newKey);
  return lines.flatMap((line, i) => {
    if (line.kind !== 'issued') return [];
    const gone = revoked.get(line.serial);
    return [
      {
        ...line,
        revoked: gone === undefined ? null : { at: gone.at, reason: gone.reason },
        underOldKey: i < keyChangedAt,
      },
    ];
  });
}

/** Of the next revocation list: always higher than any before. */
export function nextListNumber(lines: readonly IndexLine[]): number {
  const numbers = lines.flatMap((line) => (line.kind === 'list' ? [line.number] : []));
  return Math.max(0, ...numbers) + 1;
}

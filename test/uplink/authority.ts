/** Certificates of every kind, good and bad, made with the openssl command. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTool } from './mosquitto.ts';

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

export interface Made {
  readonly cert: string;
  readonly key: string;
}

const CONFIG = `[ca]
default_ca=this
[this]
database=index
new_certs_dir=.
default_md=sha256
policy=any
unique_subject=no
copy_extensions=copy
rand_serial=yes
[any]
commonName=supplied
`;

/** Days from today as openssl ca writes them. */
export function day(offset: number): string {
  const at = new Date(Date.now() + offset * 86_400_000).toISOString();
  return `${at.replace(/[-:T]/g, '').slice(0, 14)}Z`;
}

export class Authority {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'embereye-authority-'));
  readonly caFile: string;

  constructor() {
    writeFileSync(this.at('ca.cnf'), CONFIG);
    writeFileSync(this.at('index'), '');
    this.caFile = this.at('ca.pem');
    const own = ['-days', '300', '-subj', '/CN=Test CA', '-out', this.caFile];
    this.#openssl(['req', '-x509', ...this.#key('ca'), ...own]);
  }

  at(name: string): string {
    return path.join(this.folder, name);
  }

  read(file: string): string {
    return readFileSync(file, 'utf8');
  }

  write(name: string, text: string): string {
    writeFileSync(this.at(name), text, { mode: 0o600 });
    return this.at(name);
  }

  /** @param names as in subjectAltName; `days` from and to today. */
  make(name: string, names: string, days: readonly [number, number] = [-1, 100]): Made {
    const asked = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
    const request = this.at(`${name}.csr`);
    this.#openssl(['req', ...this.#key(name), ...asked, '-out', request]);
    const term = ['-startdate', day(days[0]), '-enddate', day(days[1])];
    const signed = ['-cert', this.caFile, '-keyfile', this.at('ca.key'), '-in', request];
    const cert = this.at(`${name}.pem`);
    const batch = ['ca', '-batch', '-notext', '-config', 'ca.cnf'];
    this.#openssl([...batch, ...signed, ...term, '-out', cert]);
    return { cert, key: this.at(`${name}.key`) };
  }

  /** A certificate that nobody but itself answers for. */
  selfSigned(name: string, names: string): Made {
    const cert = this.at(`${name}.pem`);
    const own = ['-days', '10', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
    this.#openssl(['req', '-x509', ...this.#key(name), ...own, '-out', cert]);
    return { cert, key: this.at(`${name}.key`) };
  }

  /** The same key, encrypted. */
  sealed(key: string, passphrase: string): string {
    const out = `${key}.sealed`;
    const to = ['-topk8', '-v2', 'aes256', '-passout', `pass:${passphrase}`, '-out', out];
    this.#openssl(['pkcs8', '-in', key, ...to]);
    return out;
  }

  remove(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }

  #key(name: string): string[] {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    return [...kind, '-keyout', this.at(`${name}.key`)];
  }

  #openssl(args: readonly string[]): void {
    runTool('openssl', args, this.folder);
  }
}

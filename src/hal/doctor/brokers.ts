/** Whether brokers can be reached: name, TCP, TLS and the dates of certificates. Nobody logs in. */
import type { HalError } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import type { DoctorWorld, TlsFacts } from './world.ts';
import { finding, trouble } from './world.ts';

export interface BrokerPlan {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly passwordFile: string | null;
  /** Other files that must be readable, by the field that names them. */
  readonly files?: Readonly<Record<string, string>>;
  /** Null for a connection without TLS. */
  readonly tls: {
    readonly verify: boolean;
    readonly caFile: string | null;
    readonly certificateFile: string | null;
    readonly keyFile: string | null;
    readonly keyPassphraseFile?: string | null;
    /** Where it is not the host. */
    readonly serverName?: string | null;
    readonly alpn?: readonly string[];
  } | null;
}

type Files = 'caFile' | 'certificateFile' | 'keyFile' | 'keyPassphraseFile';
type Loaded = Readonly<Record<Files, Uint8Array | null>>;
const DAY_MS = 86_400_000;
/** A certificate that ends sooner deserves a warning. */
const SOON_DAYS = 30;

export async function brokerFindings(
  world: DoctorWorld,
  plan: BrokerPlan,
): Promise<readonly ProbeFinding[]> {
  const area = `broker:${plan.id}`;
  const files: ProbeFinding[] = [];
  const { passwordFile } = plan;
  const secrets = { ...(passwordFile === null ? {} : { passwordFile }), ...plan.files };
  for (const [field, path] of Object.entries(secrets)) {
    files.push(await readable(world, area, field, path));
  }
  const loaded: Record<Files, Uint8Array | null> = {
    caFile: null,
    certificateFile: null,
    keyFile: null,
    keyPassphraseFile: null,
  };
  for (const key of Object.keys(loaded) as Files[]) {
    const path = plan.tls?.[key] ?? null;
    if (path === null) continue;
    const bytes = await world.readBytes(path);
    if (!bytes.ok) {
      files.push(finding(area, key, 'failed', bytes.error.message, fileRemedy(bytes.error, path)));
      continue;
    }
    loaded[key] = bytes.value;
    const isCertificate = key === 'caFile' || key === 'certificateFile';
    if (isCertificate) files.push(dates(world, area, path, bytes.value));
  }
  return [...files, ...(await reach(world, area, plan, loaded))];
}

async function readable(
  world: DoctorWorld,
  area: string,
  field: string,
  path: string,
): Promise<ProbeFinding> {
  const access = await world.access(path);
  if (!access.ok) {
    const remedy = fileRemedy(access.error, path);
    return finding(area, field, 'failed', access.error.message, remedy);
  }
  if (access.value.readable) return finding(area, field, 'ok', `${path} can be read`);
  const found = `${path} may not be read by ${world.self.user}`;
  const remedy = `sudo chown ${world.self.user} ${path} && sudo chmod 600 ${path}`;
  return finding(area, field, 'failed', found, remedy);
}

function fileRemedy(error: HalError, path: string): string {
  if (error.kind === 'absent') return `put the file there, or correct its path: ${path}`;
  return 'let the user of the appliance read it';
}

/** A certificate in a file that is not valid now fails whatever the server does. */
function dates(world: DoctorWorld, area: string, path: string, pem: Uint8Array): ProbeFinding {
  const read = world.network.certificateDates(pem);
  if (!read.ok) {
    const remedy = 'give a certificate in PEM form (-----BEGIN CERTIFICATE-----)';
    return finding(area, path, 'failed', read.error.message, remedy);
  }
  return { ...validity(world, read.value), area, subject: path };
}

function validity(
  world: DoctorWorld,
  { validFromMs, validToMs }: Pick<TlsFacts, 'validFromMs' | 'validToMs'>,
): Omit<ProbeFinding, 'area' | 'subject'> {
  const nowMs = world.clock.wallMs();
  const until = `valid until ${day(validToMs)}`;
  const clock = `if this machine's clock is right (it says ${day(nowMs)})`;
  if (nowMs > validToMs) {
    const remedy = `renew the certificate, ${clock}`;
    return { state: 'failed', found: `expired on ${day(validToMs)}`, remedy };
  }
  if (nowMs < validFromMs) {
    const remedy = `set the clock first: ${clock}, wait or renew the certificate`;
    return { state: 'failed', found: `not valid before ${day(validFromMs)}`, remedy };
  }
  const soon = validToMs - nowMs < SOON_DAYS * DAY_MS;
  const remedy = soon ? 'renew the certificate soon' : null;
  return { state: soon ? 'warning' : 'ok', found: until, remedy };
}

function day(ms: number): string {
  const known = Number.isFinite(ms) && Math.abs(ms) < 8e15;
  return known ? new Date(ms).toISOString().slice(0, 10) : 'an unknown day';
}

async function reach(
  world: DoctorWorld,
  area: string,
  { host, port, tls }: BrokerPlan,
  loaded: Loaded,
): Promise<readonly ProbeFinding[]> {
  const { network } = world;
  const { caFile: ca, certificateFile: certificate, keyFile: key } = loaded;
  const subject = `${host}:${port}`;
  const named = await network.resolve(host);
  if (!named.ok) {
    const remedy = 'correct the name, or the DNS server in /etc/resolv.conf; then: getent hosts';
    return [finding(area, subject, 'failed', named.error.message, `${remedy} ${host}`)];
  }
  const connected = await network.connect(host, port);
  if (!connected.ok) {
    const remedy = 'start the broker, correct the port, or open the firewalls between';
    return [finding(area, subject, 'failed', connected.error.message, remedy)];
  }
  const tcp = finding(area, subject, 'ok', `${named.value} takes connections; nobody logged in`);
  if (tls === null) return [tcp];
  const shaken = await network.tls({
    ...{ host, port, ca, certificate, key },
    passphrase: loaded.keyPassphraseFile,
    serverName: tls.serverName ?? null,
    alpn: tls.alpn ?? [],
  });
  if (!shaken.ok) {
    const remedy =
      'is this the TLS port (8883)? does it want a certificate of ours? see docs/uplink.md';
    return [tcp, { ...trouble(area, 'TLS', shaken.error, remedy), state: 'failed' }];
  }
  return [tcp, ...serverFindings(world, area, shaken.value, tls.verify)];
}

function serverFindings(
  world: DoctorWorld,
  area: string,
  facts: TlsFacts,
  verify: boolean,
): readonly ProbeFinding[] {
  const { authorised, why, subject } = facts;
  const judged = validity(world, facts);
  const name = `certificate of ${subject}`;
  const term = { ...judged, area, subject: name };
  if (authorised || judged.state === 'failed') return [term];
  const found = `not trusted: ${why ?? 'no reason given'}`;
  const remedy = 'give the right caFile, and in url or serverName the name for which it was issued';
  if (verify) return [term, finding(area, name, 'failed', found, remedy)];
  const open = 'verifyServer is false: anybody can pretend to be this broker';
  return [term, finding(area, name, 'warning', `${found}; ${open}`, `${remedy}; set it to true`)];
}

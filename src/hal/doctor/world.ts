/** What the doctor may look at. Everything is injected, so that a directory model can stand in. */
import type { Clock } from '../../domain/ports.ts';
import type { ClockState } from '../box/clock-state.ts';
import type { StatFileSystem } from '../box/statfs.ts';
import type { KernelFiles } from '../bus-ports.ts';
import type { LineInfo } from '../gpio/uapi.ts';
import type { HalError, HalResult } from '../ports.ts';
import type { FindingState, ProbeFinding } from '../probe.ts';

/** The process that looks: what it may, others with other groups may not. */
export interface Self {
  readonly user: string;
  readonly userId: number;
  readonly groupIds: readonly number[];
  readonly nodeVersion: string;
  /** As Node names it: `arm64`, `x64`. */
  readonly architecture: string;
  /** IANA name, for example `Europe/Berlin`. */
  readonly timeZone: string;
}

/** What the present user may do with a path. */
export interface PathAccess {
  readonly readable: boolean;
  readonly writable: boolean;
  readonly groupId: number;
  /** Whether that group may read and write. */
  readonly groupMay: boolean;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
}

export interface ChipFacts {
  readonly path: string;
  readonly label: string;
  readonly lines: readonly LineInfo[];
}

export interface GpioFacts {
  readonly chips: readonly ChipFacts[];
  readonly unreadable: readonly HalError[];
}

/** What a server's certificate says, and what the usual checks think of it. */
export interface TlsFacts {
  readonly authorised: boolean;
  /** Why not, in words; null when authorised. */
  readonly why: string | null;
  readonly subject: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface TlsRequest {
  readonly host: string;
  readonly port: number;
  readonly ca: Uint8Array | null;
  readonly certificate: Uint8Array | null;
  readonly key: Uint8Array | null;
  /** Text with which the key is encrypted; a last newline is ignored. */
  readonly passphrase?: Uint8Array | null;
  /** The name to ask for and to check, where it is not `host`. */
  readonly serverName?: string | null;
  readonly alpn?: readonly string[];
}

/** Reachability only: nothing is published, nobody logs in. Each call ends within its deadline. */
export interface DoctorNetwork {
  /** The first address of a name. */
  resolve(host: string): Promise<HalResult<string>>;
  connect(host: string, port: number): Promise<HalResult>;
  tls(request: TlsRequest): Promise<HalResult<TlsFacts>>;
  /** Takes a port for a moment. Error `busy` where another program has it. */
  tryPort(host: string, port: number): Promise<HalResult>;
  /** Whether an appliance answers `/health` there. */
  applianceAnswers(host: string, port: number): Promise<boolean>;
  /** Until when a certificate in a file counts, in PEM. */
  certificateDates(pem: Uint8Array): HalResult<Pick<TlsFacts, 'validFromMs' | 'validToMs'>>;
}

export interface DoctorWorld {
  readonly files: KernelFiles;
  readonly clock: Clock;
  readonly self: Self;
  readonly network: DoctorNetwork;
  readonly statFileSystem: StatFileSystem;
  readonly clockState: () => ClockState;
  /** A whole small file, byte by byte; at most 1 MB. */
  readBytes(path: string): Promise<HalResult<Uint8Array>>;
  /** Where a path leads once all links are followed. */
  resolvePath(path: string): Promise<HalResult<string>>;
  access(path: string): Promise<HalResult<PathAccess>>;
  listGpioChips(): Promise<HalResult<GpioFacts>>;
}

/** A file as text, without zero bytes and line breaks at its end (device tree files have them). */
export async function textIn(world: DoctorWorld, path: string): Promise<HalResult<string>> {
  const bytes = await world.readBytes(path);
  if (!bytes.ok) return bytes;
  return {
    ok: true,
    value: Buffer.from(bytes.value)
      .toString('utf8')
      .replace(/[\0\n]+$/, ''),
  };
}

/** Names in a directory; none where there is no such directory or it may not be looked into. */
export async function namesIn(world: DoctorWorld, directory: string): Promise<readonly string[]> {
  const listed = await world.files.list(directory);
  return listed.ok ? listed.value : [];
}

export function finding(
  area: string,
  subject: string,
  state: FindingState,
  found: string,
  remedy: string | null = null,
): ProbeFinding {
  return { area, subject, state, found, remedy };
}

/** Of an error: what could not be looked at for lack of permission is skipped, not failed. */
export function trouble(
  area: string,
  subject: string,
  error: HalError,
  remedy: string | null = null,
): ProbeFinding {
  const state = error.kind === 'permission' ? 'skipped' : 'failed';
  const sudo = error.kind === 'permission' ? 'run it with sudo to see this' : null;
  return finding(area, subject, state, error.message, remedy ?? sudo);
}

/**
 * docker-compose.yml as far as this project uses it, and what an engine makes of a service: the
 * configuration of a container (OCI runtime specification 1.0), which crun takes.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export interface Service {
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly devices?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: readonly string[];
  readonly restart?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
}

export interface Compose {
  readonly version: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, Volume | null>>;
}

export function readCompose(file: string): Compose {
  return parse(readFileSync(file, 'utf8')) as Compose;
}

/** What an image says about the process that it starts. */
export interface ImageConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly Healthcheck?: { readonly Test: readonly string[] };
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface Placing {
  /** Folder of the container's root file system. */
  readonly root: string;
  readonly image: ImageConfig;
  /** Of a user of the image. @throws Error where the image has no such user. */
  readonly identityOf: (user: string) => Identity;
  /** Where a named volume lies on this machine. */
  readonly volumes: Readonly<Record<string, string>>;
  /** In addition to those of service and image. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A process as OCI describes it. */
export interface OciProcess {
  readonly terminal: boolean;
  readonly user: Identity;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: Readonly<Record<string, readonly string[]>>;
  readonly noNewPrivileges: boolean;
}

/** What `docker run` grants where nothing is said. */
const DEFAULT_CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID'],
  ...['SETFCAP', 'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
];

/** The process that an engine starts for a service, or within it where `args` are given. */
export function processOf(
  service: Service,
  placing: Placing,
  args?: readonly string[],
): OciProcess {
  const { image, identityOf, environment } = placing;
  const user = identityOf(service.user ?? image.User ?? 'root');
  const started = [...(image.Entrypoint ?? []), ...(service.command ?? image.Cmd ?? [])];
  const dropsAll = service.cap_drop?.includes('ALL') === true;
  const names = [...(dropsAll ? [] : DEFAULT_CAPABILITIES), ...(service.cap_add ?? [])];
  const bounding = names.map((name) => `CAP_${name}`);
  // Who is not root keeps none: the bounding set is what he could get, and nothing gives it to him.
  const own = user.uid === 0 ? bounding : [];
  const entries = Object.entries({ ...service.environment, ...environment });
  return {
    terminal: false,
    user,
    args: args ?? started,
    env: [...(image.Env ?? []), ...entries.map(([name, value]) => `${name}=${value}`)],
    cwd: '/',
    capabilities: { bounding, effective: own, permitted: own, inheritable: [], ambient: [] },
    noNewPrivileges: service.security_opt?.includes('no-new-privileges:true') === true,
  };
}

interface Mount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

const SYSTEM_MOUNTS: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  mountOfMemory('/dev', 'mode=755,size=64k', ['nosuid', 'strictatime']),
  {
    ...{ destination: '/dev/pts', type: 'devpts', source: 'devpts' },
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  },
  mountOfMemory('/dev/shm', 'mode=1777,size=64m', ['nosuid', 'noexec', 'nodev']),
  {
    ...{ destination: '/sys', type: 'sysfs', source: 'sysfs' },
    options: ['nosuid', 'noexec', 'nodev', 'ro'],
  },
];

function mountOfMemory(destination: string, data: string, flags: readonly string[]): Mount {
  const options = [...flags, ...data.split(',')];
  return { destination, type: 'tmpfs', source: 'tmpfs', options };
}

function mountsOf(service: Service, volumes: Placing['volumes']): readonly Mount[] {
  const memory = (service.tmpfs ?? []).map((text) => {
    const [path = '', options = 'mode=1777'] = text.split(':');
    return mountOfMemory(path, options, ['nosuid', 'nodev']);
  });
  const named = (service.volumes ?? []).map((text): Mount => {
    const [name = '', destination = '', mode = 'rw'] = text.split(':');
    const source = volumes[name];
    if (source === undefined) throw new Error(`no volume is named ${name}`);
    return { destination, type: 'bind', source, options: ['rbind', mode] };
  });
  return [...SYSTEM_MOUNTS, ...memory, ...named];
}

/** Stands in for a device that this machine lacks: `/dev/null` with the name and owner of the real one. */
function deviceOf(text: string) {
  const [path = ''] = text.split(':');
  return { path, type: 'c', major: 1, minor: 3, fileMode: 0o600, uid: 0, gid: 0 };
}

/** config.json for crun. The network is this machine's, except where a service wants none. */
export function containerOf(service: Service, placing: Placing, args?: readonly string[]) {
  const namespaces = ['pid', 'ipc', 'uts', 'mount'];
  if (service.network_mode === 'none') namespaces.push('network');
  return {
    ociVersion: '1.0.0',
    process: processOf(service, placing, args),
    root: { path: placing.root, readonly: service.read_only === true },
    hostname: 'embereye',
    mounts: mountsOf(service, placing.volumes),
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      devices: (service.devices ?? []).map(deviceOf),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

/** What an appliance needs besides hardware: directories that it may write, and free ports. */
import { mountOf, parseMounts } from '../box/mounts.ts';
import type { ProbeFinding } from '../probe.ts';
import type { DoctorWorld } from './world.ts';
import { finding, textIn, trouble } from './world.ts';

/** `state.directory`: where the journal lies. */
export async function stateFinding(world: DoctorWorld, directory: string): Promise<ProbeFinding> {
  const writable = await writableFinding(world, 'state', directory, makeNow(world, directory));
  if (writable.state !== 'ok') return writable;
  const space = await world.statFileSystem(directory);
  if (!space.ok && space.error.kind === 'absent') return writable;
  if (!space.ok) return trouble('state', directory, space.error);
  const megabytes = Math.round(space.value.freeBytes / 1e6);
  return { ...writable, found: `${writable.found}, ${megabytes} MB free` };
}

/**
 * `state.runDirectory`: where the alarm ring lies, which must not wait for a disk, and the control
 * sockets, to which operators of other groups must get.
 */
export async function runFinding(world: DoctorWorld, directory: string): Promise<ProbeFinding> {
  const text = await textIn(world, '/proc/mounts');
  const mount = text.ok ? mountOf(parseMounts(text.value), directory) : null;
  const under = directory.startsWith('/run/');
  const make = under ? makeAtBoot(world, directory) : makeNow(world, directory);
  const writable = await writableFinding(world, 'state', directory, make);
  if (writable.state === 'failed') return writable;
  if (mount === null || mount.type === 'tmpfs') {
    return (await closedFinding(world, directory)) ?? writable;
  }
  const found = `${directory} lies on ${mount.type} (${mount.point}), not on tmpfs`;
  const remedy = 'set state.runDirectory to a directory under /run: each alarm waits for this disk';
  return finding('state', directory, 'warning', found, remedy);
}

const OTHERS_GET_IN = 0o001;

/** Null: whoever has a socket's group gets to it. */
async function closedFinding(world: DoctorWorld, directory: string): Promise<ProbeFinding | null> {
  const access = await world.access(directory);
  if (!access.ok || (access.value.mode & OTHERS_GET_IN) !== 0) return null;
  const found = `can be written; mode ${access.value.mode.toString(8)} shuts operators out`;
  const remedy = `RuntimeDirectoryMode=0755 in the unit; for now: sudo chmod 755 ${directory}`;
  return finding('state', directory, 'note', found, remedy);
}

function makeNow({ self: { user } }: DoctorWorld, directory: string): string {
  return `sudo install -d -o ${user} ${directory}`;
}

/** What is made on tmpfs by hand is gone after the next start of the machine. */
function makeAtBoot({ self: { user } }: DoctorWorld, directory: string): string {
  return (
    `RuntimeDirectory=${directory.replace(/^\/run\//, '')} in the [Service] of the unit, or: ` +
    `echo 'd ${directory} 0755 ${user}' | sudo tee /etc/tmpfiles.d/embereye.conf; ` +
    'sudo systemd-tmpfiles --create'
  );
}

async function writableFinding(
  world: DoctorWorld,
  area: string,
  directory: string,
  make: string,
): Promise<ProbeFinding> {
  const { user } = world.self;
  const access = await world.access(directory);
  if (access.ok) {
    const { readable, writable } = access.value;
    if (readable && writable) return finding(area, directory, 'ok', 'can be written');
    const remedy = `sudo chown -R ${user} ${directory}`;
    return finding(area, directory, 'failed', `${user} may not write it`, remedy);
  }
  if (access.error.kind !== 'absent') return trouble(area, directory, access.error, make);
  const parent = await nearestParent(world, directory);
  if (parent !== null) {
    return finding(area, directory, 'ok', `not there yet; it will be made in ${parent}`);
  }
  const found = `is not there, and ${user} may not make it`;
  return finding(area, directory, 'failed', found, make);
}

/** The deepest directory above that exists, where it may be written; else null. */
async function nearestParent(world: DoctorWorld, directory: string): Promise<string | null> {
  let path = directory;
  while (path !== '/' && path !== '') {
    path = path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || '/';
    const access = await world.access(path);
    if (access.ok) return access.value.writable ? path : null;
    if (access.error.kind !== 'absent') return null;
  }
  return null;
}

export interface WantedPort {
  /** `ingest.port`, as in the configuration. */
  readonly field: string;
  readonly host: string;
  readonly port: number;
}

/** @param running whether an appliance runs here: it then has its ports rightly */
export async function portFinding(
  world: DoctorWorld,
  { field, host, port }: WantedPort,
  running: boolean,
): Promise<ProbeFinding> {
  const subject = `${field} ${port}`;
  if (port === 0) return finding('ports', subject, 'ok', 'any free port');
  const tried = await world.network.tryPort(host, port);
  if (tried.ok) return finding('ports', subject, 'ok', `free on ${host}`);
  if (tried.error.kind === 'busy' && running) {
    return finding('ports', subject, 'ok', 'taken; an appliance is running');
  }
  const remedy =
    tried.error.kind === 'busy'
      ? `see who has it: sudo ss -ltnp sport = :${port}; stop that program, or set ${field}`
      : tried.error.kind === 'permission'
        ? `ports below 1024 are for root: set ${field} to a higher one`
        : `set the host beside ${field} to an address of this machine, or to 0.0.0.0`;
  return finding('ports', subject, 'failed', tried.error.message, remedy);
}

/** Opens the control sockets of a running appliance, and finds out who is at their other end. */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Config } from './config-schema.ts';
import type { ControlServer } from './control/server.ts';
import { startControl } from './control/server.ts';
import type { AccessLevel } from './domain/command.ts';
import { ACCESS_LEVELS } from './domain/command.ts';
import type { Configure } from './domain/command-service.ts';
import type { Clock, Log, Random } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import { loadLibc } from './hal/native/libc.ts';
import type { PanelView } from './domain/view.ts';
import type { Runtime } from './runtime.ts';

/** Below `state.runDirectory`. */
export const CONTROL_FOLDER = 'control';

export interface ControlAccessParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly runtime: Pick<Runtime, 'submit' | 'refused'>;
  /** The whole state as in the retained `state` topic. */
  readonly state: () => PanelView;
  /** Null: the configuration cannot be changed. */
  readonly configure: Configure | null;
  readonly onFault: (notice: FaultNotice) => void;
  readonly pid: number;
}

/**
 * Null where the configuration wants none. A socket that cannot be opened is the fault
 * `controlUnavailable`, and the others work. Never rejects.
 */
export async function openControl(parts: ControlAccessParts): Promise<ControlServer | null> {
  const { config, clock, random, log, runtime, state, onFault, pid, configure } = parts;
  const { enabled, viewerGroup, operatorGroup, installerGroup } = config.panel.control;
  if (!enabled) return null;
  const wanted = { viewer: viewerGroup, operator: operatorGroup, installer: installerGroup };
  const users = accounts('/etc/passwd');
  const tell = (level: AccessLevel, detail: string): void =>
    onFault({ fault: 'controlUnavailable', subject: `control:${level}`, raised: true, detail });
  const server = await startControl({
    ...{ clock, log, pid },
    // The times in it count from here, unless it says of when it is.
    state: () => ({ monotonicMs: clock.monotonicMs(), ...state() }),
    directory: join(config.state.runDirectory, CONTROL_FOLDER),
    groups: groupIds(wanted, accounts('/etc/group'), tell),
    runId: random.uint32().toString(16),
    userOf: await peerNames(users),
    submit: (request) => runtime.submit(request),
    configure: configure && ((request) => configure(request, state())),
    onRefused: (attempt) => runtime.refused(attempt),
  });
  for (const [level, detail] of server.troubles) tell(level, detail);
  return server;
}

/** The group of each level; one that does not exist opens its socket to the service's own only. */
function groupIds(
  wanted: Readonly<Record<AccessLevel, string | null>>,
  groups: ReadonlyMap<string, number>,
  tell: (level: AccessLevel, detail: string) => void,
): Record<AccessLevel, number | null> {
  const ids: Record<AccessLevel, number | null> = { viewer: null, operator: null, installer: null };
  for (const level of ACCESS_LEVELS) {
    const name = wanted[level];
    if (name === null) continue;
    const id = groups.get(name);
    if (id === undefined) {
      tell(level, `there is no group ${name}: make it with: groupadd ${name}`);
    } else ids[level] = id;
  }
  return ids;
}

/** Names and numbers of a file like /etc/passwd or /etc/group; empty where it cannot be read. */
export function accounts(path: string): ReadonlyMap<string, number> {
  try {
    return parseAccounts(readFileSync(path, 'utf8'));
  } catch {
    // Without it people are known by their numbers, and a group that is wanted is told as missing.
    return new Map();
  }
}

/** Name, password, number, ... on each line, with colons between. */
export function parseAccounts(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (name !== '' && /^\d{1,10}$/.test(id)) found.set(name, Number(id));
  }
  return found;
}

/** How the user at the other end of a socket is called, as the kernel knows it. */
export async function peerNames(
  users: ReadonlyMap<string, number>,
): Promise<(socket: Socket) => string | null> {
  const libc = await loadLibc();
  if (!libc.ok) return () => null;
  // Of two names for one number the first counts.
  const names = new Map([...users].reverse().map(([name, uid]) => [uid, name]));
  return (socket) => {
    const fd = descriptorOf(socket);
    const peer = fd === null ? null : libc.value.peer(fd);
    if (peer?.ok !== true) return null;
    return names.get(peer.uid) ?? `uid-${peer.uid}`;
  };
}

/** Node keeps it to itself; where it has moved, people are known by the name they claim. */
function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } };
  const fd = handle?.fd;
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}

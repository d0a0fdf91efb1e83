/** From the configuration to what commands over MQTT need: keys, a memory, options, promises. */
import type { CommandKey } from './config-commands.ts';
import type { Config } from './config-schema.ts';
import type { CommandKind } from './domain/command.ts';
import { ACCESS_LEVELS } from './domain/command.ts';
import type { Configure, RequestUpdate, ServiceKind } from './domain/command-service.ts';
import { mayGive, SERVICE_KINDS } from './domain/command-service.ts';
import type { Clock, KeyedStore } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import type { CommandOptions } from './uplink/command-desk.ts';
import { levelsOf } from './uplink/command-gate.ts';
import type { KeySource } from './uplink/command-keys.ts';
import { KeyRing } from './uplink/command-keys.ts';
import { CommandMemory } from './uplink/command-memory.ts';
import { acceptedAt } from './uplink/command-parse.ts';
import { DEFAULT_UPLINK_OPTIONS } from './uplink/uplink.ts';

/** What all brokers of an appliance share. */
export interface CommandParts {
  readonly memory: CommandMemory;
  readonly keys: KeyRing;
  /** Null: the configuration is not changed from afar. */
  readonly configure: Configure | null;
  /** Null: updates are not asked for from afar. */
  readonly update: RequestUpdate | null;
}

interface CommandWorld {
  readonly config: Config;
  readonly clock: Clock;
  readonly configure?: Configure | null;
  readonly update?: RequestUpdate | null;
}

/** With what earlier runs remembered, and the keys read. Never rejects. */
export async function openCommandParts(
  { config, clock, configure = null, update = null }: CommandWorld,
  keyed: KeyedStore,
  onFault: (notice: FaultNotice) => void,
): Promise<CommandParts> {
  const { keys, configure: wanted } = config.uplink.commands;
  return {
    memory: await CommandMemory.load(clock, keyed),
    keys: await new KeyRing(keys.map(sourceOf), clock, onFault).open(),
    configure: wanted.enabled ? configure : null,
    update,
  };
}

function sourceOf(key: CommandKey): KeySource {
  const { id, level, algorithm } = key;
  switch (key.algorithm) {
    case 'ed25519':
      return { id, level, algorithm, file: key.publicKeyFile };
    case 'hmacSha256':
      return { id, level, algorithm, file: key.secretFile };
    case 'token':
      return { id, level, algorithm, file: key.tokenFile };
  }
}

export function commandOptionsOf({ uplink }: Config): CommandOptions {
  const { level, require, windowSeconds, responseTopics } = uplink.commands;
  const { commands } = DEFAULT_UPLINK_OPTIONS;
  return { ...commands, level, require, windowSeconds, responseTopics };
}

/** What a central server may ask of this appliance, with whatever key it holds. */
export function capabilitiesOf({ uplink, update }: Config): readonly (CommandKind | ServiceKind)[] {
  const { keys, configure, ...options } = uplink.commands;
  const levels = levelsOf(options, keys);
  const level = ACCESS_LEVELS.findLast((each) => levels.includes(each));
  if (level === undefined) return [];
  const isTaken = update.enabled && update.remote;
  const isOn = { snapshot: true, configure: configure.enabled, update: isTaken };
  const services = SERVICE_KINDS.filter((kind) => mayGive(level, kind) && isOn[kind]);
  return [...acceptedAt(level), ...services];
}

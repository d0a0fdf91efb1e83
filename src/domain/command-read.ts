/** From the fields that somebody wrote to a command, or to a reason why not; pure. */
import type { Command, CommandError, CommandKind } from './command.ts';
import { COMMAND_KINDS } from './command.ts';
import type { SensorId, ZoneId } from './units.ts';
import { isId, sensorId, zoneId } from './units.ts';

export type CommandFields = Readonly<Record<string, unknown>>;

export interface CommandProblem {
  readonly error: CommandError;
  readonly detail: string;
}

/** The fields that commands have; each takes those that it needs. */
export const COMMAND_FIELDS = ['zone', 'sensor', 'output', 'proof', 'forSeconds'] as const;

/** The panel knows the real limits; this one keeps nonsense away. */
const MAX_FOR_SECONDS = 7 * 24 * 3600;

/** @param name of the command, from `COMMAND_KINDS` or anything else. Never throws. */
export function readCommand(name: string, fields: CommandFields): Command | CommandProblem {
  const kind = COMMAND_KINDS.find((known) => known === name);
  if (kind === undefined) {
    const known = COMMAND_KINDS.join(', ');
    return { error: 'unknownCommand', detail: `no such command; known are ${known}` };
  }
  switch (kind) {
    case 'silence':
    case 'sound':
    case 'endMaintenance':
      return { kind };
    case 'acknowledge':
    case 'reset':
    case 'prove': {
      const zone = fields['zone'] === undefined ? 'all' : readZone(fields);
      return zone === null ? bad('zone') : { kind, zone };
    }
    case 'enable': {
      const zone = readZone(fields);
      return zone === null ? bad('zone') : { kind, zone };
    }
    case 'enableSensor':
    case 'approveBackground': {
      const sensor = readSensor(fields);
      return sensor === null ? bad('sensor') : { kind, sensor };
    }
    case 'enableOutput': {
      const output = readId(fields, 'output');
      return output === null ? bad('output') : { kind, output };
    }
    case 'confirmProof': {
      const proof = readId(fields, 'proof');
      return proof === null ? bad('proof') : { kind, proof };
    }
    default:
      return readTimed(kind, fields);
  }
}

type TimedKind = Extract<CommandKind, 'disable' | 'test' | 'maintenance' | `disable${string}`>;

function readTimed(kind: TimedKind, fields: CommandFields): Command | CommandProblem {
  const zone = readZone(fields);
  const sensor = readSensor(fields);
  const output = readId(fields, 'output');
  const seconds = fields['forSeconds'];
  const isTime = typeof seconds === 'number' && seconds > 0 && seconds <= MAX_FOR_SECONDS;
  const forMs = isTime ? Math.max(1, Math.round(seconds * 1000)) : null;
  const timed = (command: (forMs: number) => Command) =>
    forMs === null ? badTime() : command(forMs);
  switch (kind) {
    case 'disable':
    case 'test':
      return zone === null ? bad('zone') : timed((ms) => ({ kind, zone, forMs: ms }));
    case 'disableSensor':
      return sensor === null ? bad('sensor') : timed((ms) => ({ kind, sensor, forMs: ms }));
    case 'disableOutput':
      return output === null ? bad('output') : timed((ms) => ({ kind, output, forMs: ms }));
    case 'maintenance':
      return timed((ms) => ({ kind, forMs: ms }));
  }
}

function readId(fields: CommandFields, key: string): string | null {
  const id = fields[key];
  return typeof id === 'string' && isId(id) ? id : null;
}

/** `all` is a word of its own for the commands that allow it. */
function readZone(fields: CommandFields): ZoneId | null {
  const id = readId(fields, 'zone');
  return id === null ? null : zoneId(id);
}

function readSensor(fields: CommandFields): SensorId | null {
  const id = readId(fields, 'sensor');
  return id === null ? null : sensorId(id);
}

function bad(what: 'zone' | 'sensor' | 'output' | 'proof'): CommandProblem {
  return { error: 'badArgument', detail: `"${what}" must be the id of a ${what}` };
}

function badTime(): CommandProblem {
  const detail = `"forSeconds" must be a number above 0 and at most ${MAX_FOR_SECONDS}`;
  return { error: 'badArgument', detail };
}

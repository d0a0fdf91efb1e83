/** The two answers to a command. */
import type { CommandError, CommandOutcome, CommandRequest } from '../domain/command.ts';

type Asked = Pick<CommandRequest, 'requestId'>;

export function accept({ requestId }: Asked, detail: string): CommandOutcome {
  return { requestId, ok: true, detail };
}

export function refuse({ requestId }: Asked, error: CommandError, detail: string): CommandOutcome {
  return { requestId, ok: false, error, detail };
}

/** A length of time for people: `45 s`, `30 min`, `1.5 h`. */
export function lengthText(ms: number): string {
  if (ms < 120_000) return `${Math.ceil(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Number((ms / 60_000).toFixed(1))} min`;
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
}

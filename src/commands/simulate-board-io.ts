/** What the commands that play boards need from the world. */
import type { Clock, Random } from '../domain/ports.ts';
import type { CommandIo } from './exit-codes.ts';

export interface BoardCommandIo extends CommandIo {
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the command cleanly. */
  readonly signal: AbortSignal;
}

/** A place to connect to, from `HOST:PORT`, `:PORT` or `PORT`. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** @throws RangeError that says what is wrong and what it should look like. */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new RangeError(`"${text}" is no address: write HOST:PORT, such as 127.0.0.1:4888`);
  }
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '127.0.0.1' : host, port };
}

/** Resolves once the command is told to end. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

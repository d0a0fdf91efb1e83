/**
 * What a service tells systemd: sd_notify(3), datagrams of `NAME=value` lines to the socket that
 * NOTIFY_SOCKET names. Nothing here waits: a manager that does not read loses a word, no step.
 */
import { closeSync } from 'node:fs';
import type { Log } from '../domain/ports.ts';
import type { Libc } from '../hal/native/libc.ts';
import { SOCKET_NAME_BYTES } from '../hal/native/service-calls.ts';
import type { HalResult } from '../hal/ports.ts';
import { done, failed } from '../hal/ports.ts';

/** What the service manager put into the environment. */
export interface NotifyTerms {
  /** Path of the socket, or `@name` of an abstract one. */
  readonly socket: string;
  /** It is killed when it says nothing for so long; null: nobody watches. */
  readonly watchdogMs: number | null;
}

export interface Notifier {
  readonly watchdogMs: number | null;
  /** `READY=1` */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** `WATCHDOG=1` */
  alive(): void;
  /** `EXTEND_TIMEOUT_USEC=`: this start or stop takes at least so long from now. */
  extend(ms: number): void;
  /** `STOPPING=1` */
  stopping(status: string): void;
  close(): void;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Null: no service manager wants to hear. A watchdog that is meant for another process
 * (WATCHDOG_PID) is not ours. Error: variables that make no sense.
 */
export function notifyTerms(environment: Variables, pid: number): HalResult<NotifyTerms | null> {
  const socket = environment['NOTIFY_SOCKET'] ?? '';
  const wanted = environment['WATCHDOG_USEC'] ?? '';
  const isOurs = [undefined, '', String(pid)].includes(environment['WATCHDOG_PID']);
  const watchdogMs = wanted !== '' && isOurs ? Number(wanted) / 1000 : null;
  if (watchdogMs !== null && !(watchdogMs > 0)) {
    return failed('other', `WATCHDOG_USEC is ${wanted}: set WatchdogSec= of the unit in seconds`);
  }
  if (socket === '') {
    if (watchdogMs === null) return done(null);
    return failed('other', `WatchdogSec= is set and NOTIFY_SOCKET is not: ${TYPE_NOTIFY}`);
  }
  const bytes = Buffer.byteLength(socket);
  if (/^[/@]/.test(socket) && bytes > 1 && bytes <= SOCKET_NAME_BYTES) {
    return done({ socket, watchdogMs });
  }
  return failed('other', `NOTIFY_SOCKET is ${socket}: only paths and @names are understood`);
}

const TYPE_NOTIFY = 'use Type=notify and NotifyAccess=main in the unit';

/**
 * The way to the service manager; null where there is none. An error only where a watchdog would
 * end this process again and again because nothing can be told: then it must not start at all.
 *
 * @param load of the system calls, as `loadLibc`
 */
export async function openNotifier(
  terms: NotifyTerms | null,
  load: () => Promise<HalResult<Libc>>,
  log: Log,
): Promise<HalResult<Notifier | null>> {
  if (terms === null) return done(null);
  const libc = await load();
  const socket = libc.ok ? libc.value.unixDatagramSocket() : null;
  if (libc.ok && socket?.ok === true) {
    return done(notifierOn(terms, libc.value, socket.value, log));
  }
  const code = socket?.ok === false ? socket.code : '';
  const why = libc.ok ? `no socket: ${code}` : libc.error.message;
  const what = `the service manager cannot be told anything: ${why}`;
  if (terms.watchdogMs !== null) {
    const mend = 'install the program again, or remove WatchdogSec= and Type=notify from the unit';
    return failed('other', `${what}; its watchdog would end this process for ever: ${mend}`);
  }
  log('error', 'service manager', { detail: what });
  return done(null);
}

function notifierOn(
  { socket: path, watchdogMs }: NotifyTerms,
  libc: Libc,
  fd: number,
  log: Log,
): Notifier {
  let isTold = true;
  let isOpen = true;
  const tell = (...lines: readonly string[]): void => {
    if (!isOpen) return;
    const sent = libc.sendDatagram(fd, path, Buffer.from(lines.join('\n')));
    // Once for each time that it stops working: the watchdog speaks three times in its period.
    if (!sent.ok && isTold) log('error', 'service manager not told', { path, code: sent.code });
    isTold = sent.ok;
  };
  return {
    watchdogMs,
    ready: (status) => tell('READY=1', `STATUS=${oneLine(status)}`),
    status: (text) => tell(`STATUS=${oneLine(text)}`),
    alive: () => tell('WATCHDOG=1'),
    extend: (ms) => tell(`EXTEND_TIMEOUT_USEC=${Math.round(ms * 1000)}`),
    stopping: (status) => tell('STOPPING=1', `STATUS=${oneLine(status)}`),
    close: () => {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

/**
 * Entry of the GPIO holder, a process of its own: `node dist/gpio-holder.js --socket PATH`. It
 * keeps the levels of siren, strobe and alarm relay while the runtime restarts, and drops the fault
 * relay when the runtime is gone or hangs.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from './clock.ts';
import { EXIT } from './commands/exit-codes.ts';
import type { ExitCode } from './commands/exit-codes.ts';
import { Holder } from './hal/holder/holder.ts';
import { boundedLog } from './hal/holder/log.ts';
import { loadLibc } from './hal/native/libc.ts';
import { loadWatchReadable } from './hal/native/readable.ts';
import { messageOf } from './hal/os-errors.ts';

const USAGE = `usage: node gpio-holder.js --socket PATH [--hang-seconds N] [--on-demand]
  --socket        absolute path of the socket to make, at most 88 bytes
  --hang-seconds  a connected runtime that is silent for so long hangs (default 5, 0.1 to 60)
  --on-demand     end when there is no runtime and nothing to keep
Exit codes: 0 stopped, 1 another holder listens there, 2 wrong command line, 4 it cannot work here`;

interface Arguments {
  readonly path: string;
  readonly hangMs: number;
  readonly onDemand: boolean;
}

const clock = systemClock();
const log = boundedLog(clock, (line) => void process.stderr.write(line));
// Whoever reads the log may go away; the lines stay held.
process.stderr.on('error', () => undefined);

/** @returns what is wrong as text. */
function readArguments(args: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        socket: { type: 'string' },
        'hang-seconds': { type: 'string', default: '5' },
        'on-demand': { type: 'boolean', default: false },
      },
    });
    const hangMs = Number(values['hang-seconds']) * 1000;
    if (values.socket === undefined) return '--socket is missing';
    if (!(hangMs >= 100 && hangMs <= 60_000)) return '--hang-seconds: 0.1 to 60';
    return { path: values.socket, hangMs, onDemand: values['on-demand'] };
  } catch (error) {
    return messageOf(error);
  }
}

async function start(): Promise<ExitCode | null> {
  const options = readArguments(process.argv.slice(2));
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}\n`);
    return EXIT.usage;
  }
  const libc = await loadLibc();
  if (!libc.ok) {
    log('error', 'not started', { detail: libc.error.message });
    return EXIT.unavailable;
  }
  const watch = await loadWatchReadable();
  if (!watch.ok) log('warn', 'sockets are looked at', { detail: watch.error.message });
  const holder = Holder.open({
    ...options,
    ...{ clock, log, libc: libc.value, watch: watch.ok ? watch.value : null },
    uid: process.geteuid?.() ?? 0,
    pid: process.pid,
    ended: () => process.exit(EXIT.ok),
  });
  if (!holder.ok) {
    log('error', 'not started', { detail: holder.error.message });
    return holder.error.kind === 'busy' ? EXIT.failed : EXIT.unavailable;
  }
  endOnSignal(holder.value);
  log('info', 'listening', { path: options.path, pid: process.pid, hangMs: options.hangMs });
  return null;
}

function endOnSignal(holder: Holder): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log('info', 'ends: its lines are released', { signal });
      holder.close();
      process.exit(EXIT.ok);
    });
  }
}

// A terminal that closes is no reason to let go.
process.on('SIGHUP', () => undefined);
// Ending would move the lines: whatever went wrong, holding on is better.
process.on('uncaughtException', (error) => {
  log('error', 'went on after an error', { detail: messageOf(error) });
});

const code = await start();
if (code !== null) process.exit(code);

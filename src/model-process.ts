/** The process of the model, as a port: real here, simulated in `model-simulated.ts`. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { ModelRequest } from './vision/model-protocol.ts';

/** A running process of a model. */
export interface ModelProcess {
  /** Hands a message over; a process that is gone is told by `ended`, not here. */
  send(request: ModelRequest): void;
  /** Ends it at once, whatever it does. `ended` follows. */
  kill(): void;
}

export interface ModelProcessListener {
  /** Something came; not looked at yet. */
  reply(value: unknown): void;
  /** Once, and the last thing that is heard. For people: how it ended, and its last words. */
  ended(why: string): void;
}

/** Never throws: a process that cannot be started has ended. */
export type StartModelProcess = (listener: ModelProcessListener) => ModelProcess;

/** Enough for a small network; the library keeps its memory outside of this. */
const HEAP_MEGABYTES = 64;
/** Last words of a process that are kept for its obituary. */
const LAST_WORDS = 400;

/**
 * Starts `dist/inference.js`: no terminal, no variables of the environment, so no secrets.
 * @param program path of the bundled program.
 */
export function forkModelProcess(program: string): StartModelProcess {
  return (listener) => {
    let over = false;
    let words = '';
    const end = (why: string): void => {
      if (over) return;
      over = true;
      const said = words.trim().replace(/\s+/g, ' ');
      listener.ended(said === '' ? why : `${why}; it said: ${said}`);
    };
    let child: ChildProcess;
    try {
      child = fork(program, [], {
        // Later releases of the library report home unless they are told not to.
        env: { ORT_DISABLE_TELEMETRY: '1' },
        execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`, '--max-semi-space-size=1'],
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        cwd: '/',
      });
    } catch (error) {
      const why = `it cannot be started: ${error instanceof Error ? error.message : String(error)}`;
      queueMicrotask(() => end(why));
      return { send: () => undefined, kill: () => undefined };
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-LAST_WORDS);
    });
    child.on('message', (value) => {
      if (!over) listener.reply(value);
    });
    child.on('error', (error) => {
      // Also told when a message could not be sent: then `exit` follows with the reason.
      if (child.pid === undefined) end(`it cannot be started: ${error.message}`);
    });
    // After `exit`, once its last words are read.
    child.on('close', (code, signal) => end(endedText(code, signal)));
    return {
      send: (request) => void child.send(request, () => undefined),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

function endedText(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `it was ended by ${signal}`;
  return `it ended with code ${code ?? 'unknown'}`;
}

/** A process of its own beside the demo, whose lines are read and which ends with the demo. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Child {
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>;
}

export function startChild(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Child {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  createInterface({ input: child.stdout }).on('line', onLine);
  return {
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

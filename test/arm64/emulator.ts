/** Programs of arm64 on this machine: qemu-user with the processor of a Raspberry Pi 4. */
import { Child } from '../e2e/processes.ts';
import { ARM64_SYSTEM } from './cross-build.ts';

/** A library that needs a newer processor than the Pi 4's ends here as it would there. */
const PROCESSOR = 'cortex-a72';
const PATIENCE_MS = 180_000;

/** A Node that runs scripts. */
export interface StartsNode {
  /** Starts a script with its arguments; the caller ends it. */
  start(args: readonly string[]): Child;
}

/** An arm64 Node with everything that it needs to start. */
export class EmulatedNode implements StartsNode {
  readonly version: string;
  readonly #program: string;

  constructor(version: string, program: string) {
    this.version = version;
    this.#program = program;
  }

  /** Starts a script; the caller ends it. */
  start(args: readonly string[]): Child {
    const emulator = ['-cpu', PROCESSOR, '-L', ARM64_SYSTEM, this.#program];
    return new Child('qemu-aarch64-static', [...emulator, ...args], {
      ORT_DISABLE_TELEMETRY: '1',
    });
  }

  /** As `runToEnd`. */
  run(args: readonly string[]): Promise<string> {
    return runToEnd(this, args);
  }
}

/** Runs a script to its end. @throws Error with its last words unless it ends with 0 in time */
export async function runToEnd(node: StartsNode, args: readonly string[]): Promise<string> {
  const child = node.start(args);
  const timer = setTimeout(() => void child.end('SIGKILL'), PATIENCE_MS);
  const { code, signal } = await child.ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`ended with ${code ?? signal ?? '?'}: ${lastWords(child)}`);
  return child.out.trim();
}

/** What a program said last, for messages. */
export function lastWords({ out, err }: Child): string {
  return `${out.slice(-500)}\n${err.slice(-1500)}`.trim();
}

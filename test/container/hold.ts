/** Stops the main thread of a runtime, and nothing else of it: its other threads live on. */
import { Child, eventually } from '../e2e/processes.ts';
import type { Container } from './engine.ts';

/**
 * PTRACE_SEIZE (0x4206) and PTRACE_INTERRUPT (0x4207) of one thread: linux/ptrace.h. The thread rests
 * until this program ends; a thread that calls exit_group, and SIGKILL, end the process all the same.
 * Whoever traces must also hear of the end, or the process stays a zombie: hence the second waitpid.
 */
const PROGRAM = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
for request in (0x4206, 0x4207):
    if libc.ptrace(request, int(sys.argv[1]), None, None) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(int(sys.argv[1]), 0x40000000)
print('held', flush=True)
os.waitpid(int(sys.argv[1]), 0x40000000)
`;

/** @returns what lets the thread go on, if it still is. @throws Error where it cannot be held */
export async function holdMainThread(runtime: Container): Promise<() => Promise<void>> {
  const isNode = (command: string): boolean => command.startsWith('/opt/embereye/bin/node');
  const node = runtime
    .processes()
    .find(({ command }) => isNode(command) && command.includes('embereye.js run'));
  if (node === undefined) throw new Error('the process of the runtime was not found');
  const tracer = new Child('python3', ['-c', PROGRAM, `${node.pid}`]);
  await eventually(
    () => `the main thread is held: ${tracer.err}`,
    () => tracer.out.includes('held') || (!tracer.running && fail(tracer.err)),
  );
  return async () => {
    await tracer.end('SIGKILL');
  };
}

function fail(why: string): never {
  throw new Error(`ptrace: ${why}`);
}

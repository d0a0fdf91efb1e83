/**
 * The filter of system calls as a program for the kernel (classic BPF, linux/filter.h): a list of
 * what is allowed; everything else fails with EPERM, so that a library which asks for more is told
 * no instead of being killed.
 */
import type { Machine } from './confine-calls.ts';
import { AUDIT_ARCH, COMPUTING, LOADING, WITH_ARGUMENTS } from './confine-calls.ts';

/** `loading`: files may be read. `computing`: nothing may be opened any more. */
export type Stage = 'loading' | 'computing';

// linux/bpf_common.h: load a word, jump on a constant, return a constant.
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_ABOVE_OR_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
// linux/seccomp.h
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;
// `struct seccomp_data`: number, architecture, instruction pointer, arguments of 8 bytes each.
const AT_NUMBER = 0;
const AT_ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;
/** Calls of the x32 kind carry this bit; nobody here makes them. */
const X32_BIT = 0x40000000;

// fcntl.h: all that writes, makes or truncates. asm-generic and x86 agree on these.
const WRITING_FLAGS = 0o1 | 0o2 | 0o100 | 0o1000;
/** linux/fcntl.h: O_TMPFILE without its O_DIRECTORY. */
const TEMPORARY_FILE = 0o20000000;
const CLONE_THREAD = 0x00010000;
const PR_SET_NAME = 15;
/** Names memory for `/proc/self/maps`; Node and glibc use it where the kernel has it. */
const PR_SET_VMA = 0x53564d41;
const FIONBIO = 0x5421;
const FIOCLEX = 0x5451;
/** Asked of standard error: whether it is a terminal. */
const TCGETS = 0x5401;

type Step = readonly [code: number, whenTrue: number, whenFalse: number, constant: number];

/** @param pid the process that may signal its own threads */
export function filterOf(stage: Stage, machine: Machine, pid: number): Uint8Array {
  const plain = { ...COMPUTING, ...(stage === 'loading' ? LOADING : {}) };
  const steps: Step[] = [
    [LOAD, 0, 0, AT_ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]],
    [RETURN, 0, 0, ERRNO | EPERM],
    [LOAD, 0, 0, AT_NUMBER],
    [JUMP_ABOVE_OR_EQUAL, 0, 1, X32_BIT],
    [RETURN, 0, 0, ERRNO | EPERM],
  ];
  for (const numbers of Object.values(plain)) {
    const number = numbers[machine];
    if (number !== null) steps.push([JUMP_EQUAL, 0, 1, number], [RETURN, 0, 0, ALLOW]);
  }
  const special = argumentRules(stage, pid);
  for (const [name, rule] of Object.entries(special)) {
    const number = WITH_ARGUMENTS[name as keyof typeof WITH_ARGUMENTS][machine];
    // The word that is loaded for the arguments hides the number: each rule ends with a verdict.
    if (number !== null) steps.push([JUMP_EQUAL, 0, rule.length, number], ...rule);
  }
  steps.push([RETURN, 0, 0, ERRNO | EPERM]);
  return assembled(steps);
}

function argumentRules(stage: Stage, pid: number): Readonly<Record<string, readonly Step[]>> {
  const reading = stage === 'loading';
  return {
    ...(reading ? { open: readOnly(1), openat: readOnly(2) } : {}),
    // Threads, no processes.
    clone: allowedIf(JUMP_ANY_BIT, argument(0), [CLONE_THREAD]),
    // Its flags lie in memory, where no filter can look; libraries then use `clone`.
    clone3: [[RETURN, 0, 0, ERRNO | ENOSYS]],
    ioctl: allowedIf(JUMP_EQUAL, argument(1), [FIONBIO, FIOCLEX, TCGETS]),
    prctl: allowedIf(JUMP_EQUAL, argument(0), [PR_SET_NAME, PR_SET_VMA]),
    tgkill: allowedIf(JUMP_EQUAL, argument(0), [pid]),
    // To ask, not to set: without new limits.
    prlimit64: allowedIf(JUMP_EQUAL, argument(2), [0]),
  };
}

function readOnly(flagsAt: number): readonly Step[] {
  return [
    [LOAD, 0, 0, argument(flagsAt)],
    [JUMP_ANY_BIT, 0, 1, WRITING_FLAGS | TEMPORARY_FILE],
    [RETURN, 0, 0, ERRNO | EPERM],
    [RETURN, 0, 0, ALLOW],
  ];
}

function allowedIf(jump: number, at: number, constants: readonly number[]): readonly Step[] {
  return [
    [LOAD, 0, 0, at],
    ...constants.flatMap((constant): Step[] => [
      [jump, 0, 1, constant],
      [RETURN, 0, 0, ALLOW],
    ]),
    [RETURN, 0, 0, ERRNO | EPERM],
  ];
}

/** `struct sock_filter`: code, two jumps, a constant; 8 bytes. */
function assembled(steps: readonly Step[]): Uint8Array {
  const bytes = Buffer.alloc(steps.length * 8);
  for (const [i, [code, whenTrue, whenFalse, constant]] of steps.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(whenTrue, i * 8 + 2);
    bytes.writeUInt8(whenFalse, i * 8 + 3);
    bytes.writeUInt32LE(constant >>> 0, i * 8 + 4);
  }
  return bytes;
}

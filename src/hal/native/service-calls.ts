/**
 * System calls of a service: telling the service manager by datagram, ending the process from any
 * thread, and giving up rights for good. Bound by `libc.ts`.
 */
import type { SystemResult } from './libc.ts';

export interface ServiceCalls {
  /** A datagram socket in the unix domain, close-on-exec, non-blocking. */
  unixDatagramSocket(): SystemResult;
  /**
   * Sends one datagram without waiting.
   * @param path of the receiving socket; a leading `@` names one in the abstract name space
   */
  sendDatagram(socket: number, path: string, bytes: Uint8Array): SystemResult;
  /** Ends the process at once from whichever thread calls, also where it is process 1. */
  exitNow(code: number): void;
  /** Neither this thread nor what it starts gains rights by running a program. For good. */
  setNoNewPrivileges(): SystemResult;
  /**
   * Binds every thread of this process to a filter of system calls. For good.
   * @param program `struct sock_filter`s, 8 bytes each
   */
  filterSystemCalls(program: Uint8Array): SystemResult;
  /** `setrlimit`, soft and hard limit alike. */
  limitResource(resource: number, limit: number): SystemResult;
}

/** Longest name of a socket: `sun_path` of 108 bytes, with a zero byte behind a path. */
export const SOCKET_NAME_BYTES = 107;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
// linux/prctl.h, linux/seccomp.h
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const SECCOMP_NUMBER: Readonly<Record<string, number>> = { x64: 317, arm64: 277 };
const FILTER_BYTES = 8;

type Call = (...args: readonly (number | bigint | Uint8Array | null)[]) => number | bigint;

export interface CallBinder {
  readonly call: (signature: string) => Call;
  readonly result: (returned: number | bigint) => SystemResult;
  readonly addressOf: (bytes: Uint8Array) => bigint;
  /** As Node names it. */
  readonly architecture: string;
}

export function bindServiceCalls(binder: CallBinder): ServiceCalls {
  const { call, result, addressOf, architecture } = binder;
  const socket = call('int socket(int domain, int type, int protocol)');
  const sendTo = call(
    'int64_t sendto(int fd, const void *bytes, uint64_t length, int flags, ' +
      'const void *address, uint32_t addressLength)',
  );
  const exit = call('void _exit(int code)');
  const prctl = call('int prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)');
  const system = call('int64_t syscall(int64_t number, uint64_t a, uint64_t b, const void *c)');
  const setLimit = call('int setrlimit(int resource, const void *limit)');
  return {
    unixDatagramSocket: () => result(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
    sendDatagram: (fd, path, bytes) => {
      const address = datagramAddress(path);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      return result(sendTo(fd, bytes, bytes.length, flags, address, address.length));
    },
    exitNow: (code) => void exit(code),
    setNoNewPrivileges: () => result(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)),
    filterSystemCalls: (program) => {
      const number = SECCOMP_NUMBER[architecture];
      if (number === undefined) return { ok: false, code: 'ENOSYS' };
      // `struct sock_fprog`: count, padding, pointer.
      const wrapped = Buffer.alloc(16);
      wrapped.writeUInt16LE(program.length / FILTER_BYTES, 0);
      wrapped.writeBigUInt64LE(addressOf(program), 8);
      return result(system(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, wrapped));
    },
    limitResource: (resource, limit) => {
      const both = Buffer.alloc(16);
      both.writeBigUInt64LE(BigInt(limit), 0);
      both.writeBigUInt64LE(BigInt(limit), 8);
      return result(setLimit(resource, both));
    },
  };
}

/** `struct sockaddr_un`, only as long as the name: the rest of an abstract one would count. */
function datagramAddress(path: string): Uint8Array {
  const isAbstract = path.startsWith('@');
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  const bytes = Buffer.alloc(2 + name.length);
  bytes.writeUInt16LE(AF_UNIX, 0);
  name.copy(bytes, 2);
  return bytes;
}

/**
 * The system calls for which Node has no words: ioctl, unix sockets that carry descriptors, and
 * those of a service.
 * All of them are synchronous, and `errno` comes back with the result. (koffi's asynchronous calls
 * run on another thread and lose it: long transfers run in a thread of ours, see docs/decisions/
 * 0008.) 64-bit Linux only: structures are laid out by hand.
 *
 * Buffers are passed by address and must not be moved or freed during a call: Node's never move,
 * and the caller holds them.
 */
import { getSystemErrorName } from 'node:util';
import type koffiPackage from 'koffi';
import { errorKindOf, messageOf } from '../os-errors.ts';
import type { HalErrorKind, HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { ServiceCalls } from './service-calls.ts';
import { bindServiceCalls } from './service-calls.ts';

/** A failed system call. */
export interface SystemFailure {
  readonly ok: false;
  /** `EBUSY`, ... */
  readonly code: string;
}
export type SystemResult = { readonly ok: true; readonly value: number } | SystemFailure;

export interface Received {
  /** 0 when the other side has closed. */
  readonly bytes: number;
  /** A descriptor that came along; it belongs to the caller. */
  readonly descriptor: number | null;
}

export interface Libc extends ServiceCalls {
  /** `argument` is read and written in place. */
  ioctl(fd: number, request: number, argument: Uint8Array): SystemResult;
  /** For the requests whose argument is a number rather than an address. */
  ioctlNumber(fd: number, request: number, argument: number): SystemResult;
  /** Where a buffer lies, for structures that point to it. Keep the buffer referenced. */
  addressOf(bytes: Uint8Array): bigint;
  /** A stream socket in the unix domain, close-on-exec, blocking unless `nonBlocking`. */
  unixSocket(nonBlocking: boolean): SystemResult;
  /** @param path at most 107 bytes */
  connect(socket: number, path: string): SystemResult;
  bind(socket: number, path: string): SystemResult;
  listen(socket: number, backlog: number): SystemResult;
  /** The new socket is non-blocking and close-on-exec. */
  accept(socket: number): SystemResult;
  /** Bounds blocking receives and sends of a socket. */
  setTimeouts(socket: number, ms: number): SystemResult;
  /** Sends all of `bytes` (small: a whole message) with a descriptor where one is given. */
  send(socket: number, bytes: Uint8Array, descriptor: number | null): SystemResult;
  /** Receives into `bytes`; a descriptor that comes along is taken. */
  receive(socket: number, bytes: Uint8Array): SystemFailure | ({ readonly ok: true } & Received);
  /**
   * The kernel's clock discipline, asked only: what it returns (5: nobody sets the clock), or null.
   * @param timex 208 zeroed bytes, filled in place
   */
  adjtimex(timex: Uint8Array): number | null;
  /** Process at the other end of a unix socket: user and process id. */
  peer(
    socket: number,
  ): SystemFailure | { readonly ok: true; readonly pid: number; readonly uid: number };
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SUN_PATH_BYTES = 108;
const MSGHDR_BYTES = 56;
/** Of `struct cmsghdr` with one descriptor: CMSG_LEN(4), and CMSG_SPACE(4) for the buffer. */
const CMSG_LEN = 20;
const CMSG_SPACE = 24;

/**
 * Loads on demand: an appliance without such hardware must start where the package does not load.
 *
 * @param ioctlLibrary has `ioctl` in place of libc's: a stand-in that plays a bus
 */
export async function loadLibc(
  library = 'libc.so.6',
  ioctlLibrary = library,
): Promise<HalResult<Libc>> {
  try {
    const { default: koffi } = await import('koffi');
    return done(bindCalls(koffi, library, ioctlLibrary));
  } catch (error) {
    const why = messageOf(error);
    const from = ioctlLibrary === library ? library : `${library}, ${ioctlLibrary}`;
    return failed('other', `system calls are not available (koffi, ${from}): ${why}`, error);
  }
}

/** What a system call's error code means here. */
export function kindOfCode(code: string): HalErrorKind {
  return errorKindOf(Object.assign(new Error(code), { code }));
}

type Koffi = typeof koffiPackage;
type Call = (...args: readonly (number | bigint | Uint8Array | null)[]) => number | bigint;

function bindCalls(koffi: Koffi, library: string, ioctlLibrary: string): Libc {
  const libc = koffi.load(library);
  const call = (signature: string): Call => libc.func(signature) as Call;
  const result = (returned: number | bigint): SystemResult => {
    const value = Number(returned);
    if (value >= 0) return { ok: true, value };
    return { ok: false, code: getSystemErrorName(-koffi.errno()) };
  };
  const socket = call('int socket(int domain, int type, int protocol)');
  const connect = call('int connect(int fd, const void *address, uint32_t length)');
  const bind = call('int bind(int fd, const void *address, uint32_t length)');
  const listen = call('int listen(int fd, int backlog)');
  const accept = call('int accept4(int fd, void *address, void *length, int flags)');
  const setOption = call(
    'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
  );
  const getOption = call(
    'int getsockopt(int fd, int level, int name, _Out_ void *value, _Inout_ void *length)',
  );
  const sendMessage = call('int64_t sendmsg(int fd, const void *message, int flags)');
  const receiveMessage = call('int64_t recvmsg(int fd, _Inout_ void *message, int flags)');
  const adjtimex = call('int adjtimex(_Inout_ void *timex)');
  const addressOf = (bytes: Uint8Array): bigint => koffi.address(bytes);
  return {
    ...ioctlCalls(ioctlLibrary === library ? libc : koffi.load(ioctlLibrary), result),
    ...bindServiceCalls({ call, result, addressOf, architecture: process.arch }),
    addressOf,
    unixSocket: (nonBlocking) =>
      result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonBlocking ? SOCK_NONBLOCK : 0), 0)),
    connect: (fd, path) => result(connect(fd, ...unixAddress(path))),
    bind: (fd, path) => result(bind(fd, ...unixAddress(path))),
    listen: (fd, backlog) => result(listen(fd, backlog)),
    accept: (fd) => result(accept(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC)),
    setTimeouts: (fd, ms) => {
      const timeval = timevalOf(ms);
      const receiving = result(setOption(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.length));
      if (!receiving.ok) return receiving;
      return result(setOption(fd, SOL_SOCKET, SO_SNDTIMEO, timeval, timeval.length));
    },
    send: (fd, bytes, descriptor) => {
      const message = messageHeader(addressOf, bytes, descriptor);
      return result(sendMessage(fd, message.header, MSG_NOSIGNAL));
    },
    receive: (fd, bytes) => {
      const message = messageHeader(addressOf, bytes, 'room');
      const received = result(receiveMessage(fd, message.header, MSG_CMSG_CLOEXEC));
      if (!received.ok) return received;
      return { ok: true, bytes: received.value, descriptor: descriptorOf(message) };
    },
    adjtimex: (timex) => {
      const state = result(adjtimex(timex));
      return state.ok ? state.value : null;
    },
    peer: (fd) =>
      peerOf((value, length) => result(getOption(fd, SOL_SOCKET, SO_PEERCRED, value, length))),
  };
}

/** `struct ucred`: process, user and group, four bytes each. */
function peerOf(ask: (value: Buffer, length: Buffer) => SystemResult): ReturnType<Libc['peer']> {
  const credentials = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(credentials.length);
  const got = ask(credentials, length);
  if (!got.ok) return got;
  return { ok: true, pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) };
}

/** The one function under two signatures: it takes an address or a number. */
function ioctlCalls(
  library: ReturnType<Koffi['load']>,
  result: (returned: number | bigint) => SystemResult,
): Pick<Libc, 'ioctl' | 'ioctlNumber'> {
  const call = (argument: string): Call =>
    library.func(`int ioctl(int fd, unsigned long request, ${argument})`) as Call;
  const withAddress = call('_Inout_ void *argument');
  const withNumber = call('unsigned long argument');
  return {
    ioctl: (fd, request, argument) => result(withAddress(fd, request, argument)),
    ioctlNumber: (fd, request, argument) => result(withNumber(fd, request, argument)),
  };
}

/** `struct sockaddr_un` and its length. */
function unixAddress(path: string): [Uint8Array, number] {
  const bytes = Buffer.alloc(2 + SUN_PATH_BYTES);
  bytes.writeUInt16LE(AF_UNIX, 0);
  const name = Buffer.from(path);
  // Longer paths are cut by the caller's check; the kernel would refuse them all the same.
  name.copy(bytes, 2, 0, SUN_PATH_BYTES - 1);
  return [bytes, bytes.length];
}

function timevalOf(ms: number): Uint8Array {
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(Math.floor(ms / 1000)), 0);
  timeval.writeBigInt64LE(BigInt(Math.floor((ms % 1000) * 1000)), 8);
  return timeval;
}

interface Message {
  /** `struct msghdr`; it points to the others. */
  readonly header: Buffer;
  readonly vector: Buffer;
  readonly control: Buffer;
}

function messageHeader(
  addressOf: (bytes: Uint8Array) => bigint,
  bytes: Uint8Array,
  descriptor: number | null | 'room',
): Message {
  const header = Buffer.alloc(MSGHDR_BYTES);
  const vector = Buffer.alloc(16);
  const control = Buffer.alloc(CMSG_SPACE);
  vector.writeBigUInt64LE(addressOf(bytes), 0);
  vector.writeBigUInt64LE(BigInt(bytes.length), 8);
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  if (descriptor !== null) {
    header.writeBigUInt64LE(addressOf(control), 32);
    // Room for one: the kernel closes what a sender adds beyond it.
    const length = descriptor === 'room' ? CMSG_LEN : CMSG_SPACE;
    header.writeBigUInt64LE(BigInt(length), 40);
  }
  if (typeof descriptor === 'number') {
    control.writeBigUInt64LE(BigInt(CMSG_LEN), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    control.writeInt32LE(descriptor, 16);
  }
  return { header, vector, control };
}

function descriptorOf({ header, control }: Message): number | null {
  const length = header.readBigUInt64LE(40);
  const isRights =
    length >= BigInt(CMSG_LEN) &&
    control.readInt32LE(8) === SOL_SOCKET &&
    control.readInt32LE(12) === SCM_RIGHTS;
  return isRights ? control.readInt32LE(16) : null;
}

/**
 * System calls of a process that computes: which it needs, and their numbers. The numbers stand in
 * the kernel's tables (arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/
 * unistd.h).
 */

export type Machine = 'x64' | 'arm64';

type Numbers = Readonly<Record<Machine, number | null>>;

const both = (x64: number | null, arm64: number | null): Numbers => ({ x64, arm64 });

/** What goes on with descriptors that are open already, memory, threads, time and signals. */
export const COMPUTING: Readonly<Record<string, Numbers>> = {
  read: both(0, 63),
  write: both(1, 64),
  close: both(3, 57),
  fstat: both(5, 80),
  poll: both(7, null),
  lseek: both(8, 62),
  mmap: both(9, 222),
  mprotect: both(10, 226),
  munmap: both(11, 215),
  brk: both(12, 214),
  rt_sigaction: both(13, 134),
  rt_sigprocmask: both(14, 135),
  rt_sigreturn: both(15, 139),
  pread64: both(17, 67),
  readv: both(19, 65),
  writev: both(20, 66),
  sched_yield: both(24, 124),
  mremap: both(25, 216),
  madvise: both(28, 233),
  dup: both(32, 23),
  nanosleep: both(35, 101),
  getpid: both(39, 172),
  sendmsg: both(46, 211),
  recvmsg: both(47, 212),
  shutdown: both(48, 210),
  exit: both(60, 93),
  fcntl: both(72, 25),
  gettimeofday: both(96, 169),
  // On what is open already: libraries do so when they end.
  fsync: both(74, 82),
  getrusage: both(98, 165),
  sysinfo: both(99, 179),
  getppid: both(110, 173),
  sigaltstack: both(131, 132),
  gettid: both(186, 178),
  futex: both(202, 98),
  sched_getaffinity: both(204, 123),
  epoll_wait: both(232, null),
  epoll_ctl: both(233, 21),
  clock_gettime: both(228, 113),
  clock_getres: both(229, 114),
  clock_nanosleep: both(230, 115),
  exit_group: both(231, 94),
  set_robust_list: both(273, 99),
  ppoll: both(271, 73),
  epoll_pwait: both(281, 22),
  restart_syscall: both(219, 128),
  getrandom: both(318, 278),
  membarrier: both(324, 283),
  rseq: both(334, 293),
  epoll_pwait2: both(441, 441),
  futex_waitv: both(449, 449),
  // It can only take more away.
  seccomp: both(317, 277),
};

/** Besides, while libraries and a model are read. Nothing of it writes. */
export const LOADING: Readonly<Record<string, Numbers>> = {
  stat: both(4, null),
  lstat: both(6, null),
  access: both(21, null),
  getcwd: both(79, 17),
  readlink: both(89, null),
  getdents64: both(217, 61),
  newfstatat: both(262, 79),
  readlinkat: both(267, 78),
  faccessat: both(269, 48),
  statx: both(332, 291),
  faccessat2: both(439, 439),
};

/** Allowed with certain arguments only. */
export const WITH_ARGUMENTS = {
  open: both(2, null),
  ioctl: both(16, 29),
  clone: both(56, 220),
  prctl: both(157, 167),
  tgkill: both(234, 131),
  openat: both(257, 56),
  prlimit64: both(302, 261),
  clone3: both(435, 435),
} as const satisfies Readonly<Record<string, Numbers>>;

/** AUDIT_ARCH_*: the machine that a call was made for. */
export const AUDIT_ARCH: Readonly<Record<Machine, number>> = {
  x64: 0xc000003e,
  arm64: 0xc00000b7,
};

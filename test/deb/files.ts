/** What lies in a root, and what may differ when a package has come and gone. */
import type { Root } from './root.ts';

/** Path (absolute within the root) to kind, mode, owner, group and where a link leads. */
export type Listing = ReadonlyMap<string, string>;

/** Written by apt, dpkg, the tools for users and systemd's helpers themselves. */
const NOISE = [
  /^\/(proc|sys|tmp|run)(\/|$)/,
  /^\/dev\//,
  /^\/var\/(log|cache|tmp)(\/|$)/,
  /^\/var\/lib\/(dpkg|apt)(\/|$)/,
  /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$/,
  /^\/etc\/\.pwd\.lock$/,
  /^\/etc\/ld\.so\.cache$/,
];

export async function listing(root: Root): Promise<Listing> {
  const text = await root.run(
    ...['find', '/', '-xdev', '-not', '-path', '/proc/*', '-printf', '%p\\t%y %m %U %G %l\\n'],
  );
  const lines = text.split('\n').filter((line) => line.includes('\t'));
  return new Map(
    lines
      .map((line): [string, string] => {
        const [path = '', rest = ''] = line.split('\t');
        return [path, rest.trim()];
      })
      .filter(([path]) => !NOISE.some((pattern) => pattern.test(path))),
  );
}

/** `+ path`, `- path` and `~ path` of what is new, gone or other; sorted. */
export function differences(before: Listing, after: Listing): readonly string[] {
  const changes: string[] = [];
  for (const [path, facts] of after) {
    const was = before.get(path);
    if (was === undefined) changes.push(`+ ${path}`);
    else if (was !== facts) changes.push(`~ ${path} (${was}, now ${facts})`);
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push(`- ${path}`);
  return changes.sort();
}

/** Links that lead to nowhere, and files whose owner or group nobody is. */
export async function strays(root: Root): Promise<ReadonlySet<string>> {
  const skip = ['-path', '/proc', '-prune', '-o'];
  const broken = await root.run('find', '/', '-xdev', ...skip, '-xtype', 'l', '-print');
  const unowned = await root.run(
    ...['find', '/', '-xdev', ...skip],
    ...['(', '-nouser', '-o', '-nogroup', ')', '-print'],
  );
  return new Set([...broken.split('\n'), ...unowned.split('\n')].filter((path) => path !== ''));
}

/** `kind mode owner group` of one path, by name. */
export async function factsOf(root: Root, path: string): Promise<string> {
  return (await root.run('stat', '-c', '%F %a %U %G', path)).trim();
}

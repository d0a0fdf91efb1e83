/** Where a path lies: `/proc/mounts`. */

export interface Mount {
  /** `/dev/mmcblk0p2`, `tmpfs`, ... */
  readonly device: string;
  readonly point: string;
  readonly type: string;
  readonly readOnly: boolean;
  /** `rw`, `noatime`, `data=ordered`, ... */
  readonly options: readonly string[];
}

/** Lines that cannot be understood are left out. */
export function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [device, point, type, options] = line.split(' ');
    if (device === undefined || point === undefined) return [];
    if (type === undefined || options === undefined) return [];
    const list = options.split(',');
    const readOnly = list.includes('ro');
    return [{ device: unescaped(device), point: unescaped(point), type, readOnly, options: list }];
  });
}

/** The mount that holds `path` (absolute); of two at one place the later covers the earlier. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | null {
  let found: Mount | null = null;
  for (const mount of mounts) {
    const prefix = mount.point.endsWith('/') ? mount.point : `${mount.point}/`;
    if (!`${path}/`.startsWith(prefix)) continue;
    if (found === null || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

/** The kernel writes spaces, tabs and backslashes in names as three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

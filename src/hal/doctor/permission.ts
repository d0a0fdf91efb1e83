/** Who may use a device, and the command that mends it. */
import type { HalResult } from '../ports.ts';
import type { DoctorWorld } from './world.ts';
import { textIn } from './world.ts';

/** Null: the present user may read and write it. Else what mends it. */
export async function accessRemedy(
  world: DoctorWorld,
  path: string,
): Promise<HalResult<string | null>> {
  const access = await world.access(path);
  if (!access.ok) return access;
  const { readable, writable, groupId, groupMay } = access.value;
  if (readable && writable) return { ok: true, value: null };
  const { user } = world.self;
  const group = (await groups(world)).find(({ id }) => id === groupId);
  if (!groupMay || group === undefined || group.id === 0) {
    return { ok: true, value: udevRule(path) };
  }
  // The group file is right and this login is older than it.
  const again = 'log in again, or restart the service';
  if (group.members.includes(user)) return { ok: true, value: `${again}: the group is new` };
  return { ok: true, value: `sudo usermod -aG ${group.name} ${user}, then ${again}` };
}

interface Group {
  readonly name: string;
  readonly id: number;
  readonly members: readonly string[];
}

/** Of /etc/group; a file that cannot be read gives none. */
export async function groups(world: DoctorWorld): Promise<readonly Group[]> {
  const text = await textIn(world, '/etc/group');
  if (!text.ok) return [];
  return text.value.split('\n').flatMap((line) => {
    const [name, , id, members] = line.split(':');
    if (name === undefined || id === undefined || !/^\d{1,10}$/.test(id)) return [];
    return [{ name, id: Number(id), members: (members ?? '').split(',') }];
  });
}

const CLASSES = [
  { pattern: /^\/dev\/i2c-\d+$/, match: 'SUBSYSTEM=="i2c-dev"', group: 'i2c' },
  { pattern: /^\/dev\/spidev/, match: 'SUBSYSTEM=="spidev"', group: 'spi' },
  { pattern: /^\/dev\/gpiochip\d+$/, match: 'SUBSYSTEM=="gpio"', group: 'gpio' },
  { pattern: /^\/dev\/tty/, match: 'SUBSYSTEM=="tty", KERNEL=="tty[A-Z]*"', group: 'dialout' },
] as const;

/** For systems whose devices belong to root alone, as on a Jetson. */
function udevRule(path: string): string {
  const known = CLASSES.find(({ pattern }) => pattern.test(path));
  if (known === undefined) return 'only root may use it: run as root, or change its owner';
  const { match, group } = known;
  return (
    `only root may use it: sudo groupadd -f ${group}; put ${match}, GROUP="${group}", ` +
    `MODE="0660" into /etc/udev/rules.d/60-embereye.rules; sudo udevadm control --reload; ` +
    `sudo udevadm trigger`
  );
}

/** On what the state lies, and whether that keeps its promises when the power goes. */
import type { Mount } from '../box/mounts.ts';
import { mountOf, parseMounts } from '../box/mounts.ts';
import type { ProbeFinding } from '../probe.ts';
import type { DoctorWorld } from './world.ts';
import { finding, textIn, trouble } from './world.ts';

const VOLATILE = ['tmpfs', 'ramfs', 'devtmpfs'];
/** Foreign or remote: what is written last may be lost, or the file system with it. */
const UNSAFE = /^(vfat|msdos|exfat|ntfs3?|fuseblk|nfs4?|cifs|smb3|9p|virtiofs)$/;

interface Judgement {
  /** Of the mount, true where it is as bad as this says. */
  readonly applies: (mount: Mount) => boolean;
  readonly state: 'failed' | 'warning' | 'note';
  readonly found: string;
  readonly remedy: string;
}

const has =
  (...options: readonly string[]) =>
  (mount: Mount): boolean =>
    options.some((option) => mount.options.includes(option));

/** The first that applies is told. */
const JUDGEMENTS: readonly Judgement[] = [
  {
    applies: ({ type }) => VOLATILE.includes(type),
    state: 'failed',
    found: 'in memory: a power cut loses latched alarms and all events',
    remedy: 'set state.directory to a directory on a disk',
  },
  {
    applies: ({ type }) => type === 'overlay',
    state: 'warning',
    found: 'within the container: it is lost when the container is made anew',
    remedy: 'mount a volume at state.directory',
  },
  {
    applies: ({ type }) => UNSAFE.test(type),
    state: 'warning',
    found: 'this kind does not survive a power cut safely',
    remedy: 'set state.directory to a directory on ext4',
  },
  {
    applies: has('nobarrier', 'barrier=0'),
    state: 'failed',
    found: 'without barriers: what the disk said was written may be lost at a power cut',
    remedy: 'take nobarrier out of its line in /etc/fstab, and mount it anew',
  },
  {
    applies: has('data=writeback'),
    state: 'warning',
    found: 'data=writeback: files may hold old blocks after a power cut',
    remedy: 'take data=writeback out of its line in /etc/fstab, and start the machine anew',
  },
  {
    applies: has('sync', 'dirsync'),
    state: 'warning',
    found: 'every write goes to the card on its own, which wears it',
    remedy: 'take sync out of its line in /etc/fstab: the journal flushes what must be flushed',
  },
  {
    applies: (mount) => !has('noatime', 'relatime', 'ro')(mount),
    state: 'note',
    found: 'each read of a file writes its time',
    remedy: 'add noatime to its line in /etc/fstab',
  },
];

/** @param directory `state.directory` */
export async function diskFinding(world: DoctorWorld, directory: string): Promise<ProbeFinding> {
  const subject = 'kind of disk';
  const text = await textIn(world, '/proc/mounts');
  if (!text.ok) return trouble('state', subject, text.error);
  const mount = mountOf(parseMounts(text.value), directory);
  if (mount === null) return finding('state', subject, 'skipped', `${directory} has no mount`);
  const where = `${mount.type} (${mount.point})`;
  const judged = JUDGEMENTS.find(({ applies }) => applies(mount));
  if (judged === undefined) return finding('state', subject, 'ok', where);
  const { state, found, remedy } = judged;
  return finding('state', subject, state, `${where}: ${found}`, remedy);
}

/** A disk without a byte left, filled by somebody else during alarms, and freed again. */
import { missingFor } from '../cleanup.ts';
import type { Kind } from '../kind.ts';
import type { Round } from '../round.ts';
import { SmallDisk } from '../small-disk.ts';
import { killed } from './kill.ts';

const DISK_MEGABYTES = 48;
const KILLED = 0.3;
const ALARM_WITHIN_MS = 5;

export const full: Kind = {
  name: 'full',
  what: 'disk full to the last byte',
  missing: () => missingFor(['mkfs.ext4', 'mount', 'umount']),
  betweenShare: 0,
  mayDestroy: false,
  prepare(folders, cleanup) {
    const disk = new SmallDisk(folders.disk, DISK_MEGABYTES, cleanup);
    const manner = { stateFolder: disk.path };
    return { setting: { manner }, round: (round) => fullRound(round, disk) };
  },
};

async function fullRound(round: Round, disk: SmallDisk): Promise<void> {
  await round.quiet(1);
  disk.crowd();
  try {
    await round.crossBeside(() => disk.fill(), ALARM_WITHIN_MS);
    for (let left = round.random.uint32() % 3; left > 0; left -= 1) {
      // What the appliance itself gives back (a log that it cuts) is taken away again.
      disk.fill();
      await round.cross();
      round.note('alarms on the full disk');
    }
    if (round.chance(KILLED)) await killOnFull(round, disk);
    await round.rest(20, 300);
  } finally {
    disk.free();
  }
}

/** Killed while it is full; started while it is, or after it was freed. */
async function killOnFull(round: Round, disk: SmallDisk): Promise<void> {
  const latched = await killed(round, { from: 'rise', delayMs: round.between(0, 30) });
  round.note('killed on the full disk');
  if (round.chance(0.5)) disk.free();
  else round.note('started on the full disk');
  await round.restart(latched);
  await round.stage.boardsConnected();
  await round.cross();
}

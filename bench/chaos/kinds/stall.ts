/** A disk that stalls: whoever writes waits until it goes on (fsfreeze). */
import { pause } from '../../kill/children.ts';
import { missingFor } from '../cleanup.ts';
import type { Kind } from '../kind.ts';
import type { Round } from '../round.ts';
import { SmallDisk } from '../small-disk.ts';

const DISK_MEGABYTES = 128;
/** A commit that takes 2 s is a fault, and events are then delivered from memory. */
const LONG = 0.06;
const KILLED = 0.1;
/** To freeze takes some 40 ms (all that was written goes to the disk), to tell an alarm some 5. */
const ALARM_WITHIN_MS = 70;

export const stall: Kind = {
  name: 'stall',
  what: 'stalled disk (fsfreeze)',
  missing: () => missingFor(['mkfs.ext4', 'mount', 'umount', 'fsfreeze']),
  betweenShare: 0,
  mayDestroy: false,
  prepare(folders, cleanup) {
    const disk = new SmallDisk(folders.disk, DISK_MEGABYTES, cleanup);
    const manner = { stateFolder: disk.path };
    return { setting: { manner }, round: (round) => stallRound(round, disk) };
  },
};

async function stallRound(round: Round, disk: SmallDisk): Promise<void> {
  const { stage } = round;
  await round.quiet(1);
  try {
    await round.crossBeside(() => disk.freeze(), ALARM_WITHIN_MS);
    for (let left = round.random.uint32() % 3; left > 0; left -= 1) {
      await round.cross();
      round.note('alarms on the stalled disk');
    }
    const isLong = round.chance(LONG);
    if (isLong) round.note('stalled for over 2 s');
    await round.rest(isLong ? 2200 : 20, isLong ? 3500 : 500);
    if (round.chance(KILLED)) {
      // It cannot end before the disk lets go of it.
      process.kill(stage.unit.pid, 'SIGKILL');
      await pause(20);
      disk.thaw();
      await stage.unit.gone();
      round.note('killed on the stalled disk');
      round.collect();
      await round.restart(true);
    }
  } finally {
    disk.thaw();
  }
}

import { describe, expect, it } from 'vitest';
import type { Lane } from '../../src/domain/event.ts';
import { RingRelease } from '../../src/ring-release.ts';

function rig() {
  const released: Partial<Record<Lane, number>> = {};
  const release = new RingRelease(({ committed }) => Object.assign(released, committed));
  const commit = (committed: Partial<Record<Lane, number>>): void =>
    release.committed({ committed, events: 1, commitMs: 1 });
  return { released, release, commit };
}
const lanes = (alarm: number, fault = 0) => ({ alarm, fault, operator: 0, system: 0 });

describe('the alarm ring forgets', () => {
  it('what is both committed and in a snapshot on disk', () => {
    const { released, release, commit } = rig();
    commit({ alarm: 3 });
    expect(released.alarm).toBe(0);
    release.covered(lanes(2));
    expect(released.alarm).toBe(2);
    release.covered(lanes(9));
    expect(released.alarm).toBe(3);
  });

  it('nothing that is only in the snapshot', () => {
    const { released, release } = rig();
    release.covered(lanes(5));
    expect(released.alarm).toBeUndefined();
  });

  it('what is committed, while snapshots fail; and waits for them again once they work', () => {
    const { released, release, commit } = rig();
    release.snapshotFailed();
    commit({ alarm: 4, fault: 2 });
    expect(released).toEqual({ alarm: 4, fault: 2 });
    release.covered(lanes(4, 2));
    commit({ alarm: 6 });
    expect(released.alarm).toBe(4);
  });
});

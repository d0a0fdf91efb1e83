/** A Pi has no battery: at its first start it is some day before its own certificate. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { advanceClock, identityMadeAtMs } from '../../src/seed/clock.ts';
import { temporaryFolder } from '../store/support.ts';

const ENROLLED = Date.parse('2026-05-04T10:00:00.000Z');
const KEPT = 'var/lib/systemd/timesync/clock';

function unit(enrolledAt: string | null): string {
  const root = temporaryFolder();
  const identity = join(root, 'etc/embereye/identity');
  mkdirSync(identity, { recursive: true });
  if (enrolledAt !== null) {
    writeFileSync(join(identity, 'device.json'), JSON.stringify({ deviceId: 'a', enrolledAt }));
  }
  return root;
}

describe('the clock at a first start', () => {
  it('is moved up to the enrolment, and so is what the next start begins with', () => {
    const root = unit('2026-05-04T10:00:00.000Z');
    const set: number[] = [];
    const words = advanceClock(root, {
      wallMs: () => ENROLLED - 86_400_000,
      set: (toMs) => {
        set.push(toMs);
        return null;
      },
    });
    expect(set).toEqual([ENROLLED]);
    expect(words).toMatch(/set to 2026-05-04T10:00:00/);
    expect(statSync(join(root, KEPT)).mtimeMs).toBe(ENROLLED);
  });

  it('is left alone where it is later', () => {
    const root = unit('2026-05-04T10:00:00.000Z');
    const set = (): string => 'must not be called';
    expect(advanceClock(root, { wallMs: () => ENROLLED, set })).toBeNull();
  });

  it('is left alone without an identity, or with one that says nothing', () => {
    const set = (): string => 'must not be called';
    for (const enrolledAt of [null, 'yesterday']) {
      expect(advanceClock(unit(enrolledAt), { wallMs: () => 0, set })).toBeNull();
    }
    const root = unit(null);
    writeFileSync(join(root, 'etc/embereye/identity/device.crt'), 'not a certificate');
    expect(identityMadeAtMs(root)).toBeNull();
  });

  it('says so where it cannot be set', () => {
    const root = unit('2026-05-04T10:00:00.000Z');
    const words = advanceClock(root, { wallMs: () => 0, set: () => 'Operation not permitted' });
    expect(words).toMatch(/1970-01-01.*could not be set.*Operation not permitted/);
  });
});

/**
 * The clock of a unit without a battery, at its first start: it shows some day before the unit was
 * made, and every certificate is then "not yet valid". The identity says how late it is at least.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isoFromWallMs } from '../store/wall-time.ts';

/** The wall clock of the machine. */
export interface UnitClock {
  /** Milliseconds since 1970, right or not. */
  readonly wallMs: () => number;
  /** @returns null, or why it could not be set. */
  readonly set: (toMs: number) => string | null;
}

const IDENTITY = 'etc/embereye/identity';
/** Its time stamp is the least that systemd-timesyncd sets the clock to at the next start. */
const KEPT_TIME = 'var/lib/systemd/timesync/clock';

/**
 * The latest moment that the identity below `root` proves to be past: it was enrolled then, and its
 * certificates count from then on. Null where there is no identity, or nothing can be read of it.
 */
export function identityMadeAtMs(root: string): number | null {
  const read = (name: string): string | null => {
    const path = join(root, IDENTITY, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : null;
  };
  const [, enrolledAt = ''] = /"enrolledAt":\s*"([^"]*)"/.exec(read('device.json') ?? '') ?? [];
  const times = [
    Date.parse(enrolledAt),
    ...['device.crt', 'ca.crt'].flatMap((name) => validFrom(read(name) ?? '')),
  ].filter((time) => !Number.isNaN(time));
  return times.length === 0 ? null : Math.max(...times);
}

function validFrom(pem: string): readonly number[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => {
    try {
      return [Date.parse(new X509Certificate(block).validFrom)];
    } catch {
      return []; // the import has judged it; here it only says nothing about the time
    }
  });
}

/**
 * Moves a clock that is behind the identity below `root` up to it, also for the next start.
 * @returns words for people about what was done or could not be; null where it is late enough.
 */
export function advanceClock(root: string, clock: UnitClock): string | null {
  const leastMs = identityMadeAtMs(root);
  const nowMs = clock.wallMs();
  if (leastMs === null || nowMs >= leastMs) return null;
  const trouble = clock.set(leastMs);
  const to = isoFromWallMs(leastMs);
  if (trouble !== null) {
    return (
      `the clock shows ${isoFromWallMs(nowMs)}, before this unit was made; ` +
      `it could not be set to ${to}: ${trouble}`
    );
  }
  keepTime(join(root, KEPT_TIME), leastMs);
  return `the clock was behind: set to ${to}, when this unit was made; it needs a time service`;
}

/** A power cut within the first minute would else bring the old day back. */
function keepTime(path: string, timeMs: number): void {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) writeFileSync(path, '');
  utimesSync(path, timeMs / 1000, timeMs / 1000);
}

/**
 * Whether the wall clock may be trusted: the one source for the quality of stamps, the reading and
 * the fault. The kernel itself knows (adjtimex), whichever time service sets it; where it cannot be
 * asked, systemd-timesyncd's mark file tells.
 */
import type { ClockQuality } from '../../domain/event.ts';
import type { Clock } from '../../domain/ports.ts';
import type { BoxReader, Verdict } from './report.ts';
import { NOTHING, shown } from './report.ts';

/** `unknown`: nobody here can tell. Stamps then count as unsynchronised; it is no fault. */
export type ClockState = 'synchronised' | 'unsynchronised' | 'unknown';

export interface ClockSources {
  readonly clock: Clock;
  /**
   * `adjtimex(2)` without modes: what it returns, or null where it cannot be called. It needs no
   * privilege.
   * @param timex TIMEX_BYTES of zeroes, filled in place
   */
  readonly adjtimex: ((timex: Uint8Array) => number | null) | null;
  readonly exists: (path: string) => boolean;
}

/** `struct timex` on 64-bit Linux. */
export const TIMEX_BYTES = 208;
/** What adjtimex returns while the clock is not set by anybody (STA_UNSYNC and the like). */
const TIME_ERROR = 5;
const TIMESYNC = '/run/systemd/timesync';
const LOOK_EVERY_MS = 10_000;

/** Looks at most every ten seconds; cheap enough to be called for every stamp. */
export function clockStateOf(sources: ClockSources): () => ClockState {
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let state: ClockState = 'unknown';
  return () => {
    const nowMs = sources.clock.monotonicMs();
    if (nowMs - lookedAtMs >= LOOK_EVERY_MS) {
      lookedAtMs = nowMs;
      state = look(sources);
    }
    return state;
  };
}

/** For stamps: what is not known to be right counts as wrong. */
export function clockQualityOf(state: () => ClockState): () => ClockQuality {
  return () => (state() === 'synchronised' ? 'synchronised' : 'unsynchronised');
}

function look({ adjtimex, exists }: ClockSources): ClockState {
  const returned = adjtimex?.(new Uint8Array(TIMEX_BYTES)) ?? null;
  if (returned !== null && returned >= 0) {
    return returned === TIME_ERROR ? 'unsynchronised' : 'synchronised';
  }
  if (exists(`${TIMESYNC}/synchronized`)) return 'synchronised';
  return exists(TIMESYNC) ? 'unsynchronised' : 'unknown';
}

const REMEDY =
  'timedatectl tells the state: let the network reach a time server (UDP 123), or name one in ' +
  '/etc/systemd/timesyncd.conf; events keep their order, their wall time may be wrong';

/**
 * Readings `clockSynchronised` and `clockStepSeconds` (how far the wall clock was moved since the
 * last look), fault `clockUnsynchronised` after `limitMinutes` without synchronisation.
 */
export function clockReader(
  clock: Clock,
  state: () => ClockState,
  limitMinutes: number,
): BoxReader {
  let lastGoodMs = clock.monotonicMs();
  let offsetMs = clock.wallMs() - lastGoodMs;
  return {
    name: 'clock',
    read() {
      const nowMs = clock.monotonicMs();
      const stepSeconds = (clock.wallMs() - nowMs - offsetMs) / 1000;
      offsetMs = clock.wallMs() - nowMs;
      const now = state();
      if (now === 'unknown') return Promise.resolve(NOTHING);
      if (now === 'synchronised') lastGoodMs = nowMs;
      const minutes = (nowMs - lastGoodMs) / 60_000;
      const verdict: Verdict =
        now === 'synchronised' ? 'good' : minutes >= limitMinutes ? 'bad' : 'between';
      const since = `not synchronised for ${shown(minutes)} minutes`;
      const limit = `limit ${shown(limitMinutes)}`;
      return Promise.resolve({
        present: ['state of the clock'],
        readings: [
          { name: 'clockSynchronised', value: now === 'synchronised' ? 1 : 0, unit: 'state' },
          { name: 'clockStepSeconds', value: stepSeconds, unit: 'seconds' },
        ],
        conditions: [
          {
            fault: 'clockUnsynchronised',
            verdict,
            detail: verdict === 'good' ? 'synchronised' : `${since}, ${limit}: ${REMEDY}`,
          },
        ],
        unread: [],
      });
    },
  };
}

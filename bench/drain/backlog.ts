/** A journal that holds a long outage: old events of all lanes, in sizes as they really come. */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { type DomainEvent, type JournalEvent, LANES, type Lane } from '../../src/domain/event.ts';
import type { Explanation, Vote } from '../../src/domain/explanation.ts';
import { deviceId, sensorId, zoneId } from '../../src/domain/units.ts';
import { silentLog } from '../../src/log.ts';
import { type OpenStore, openStore } from '../../src/store/journal-client.ts';
import { EventStamper } from '../../src/store/stamp.ts';
import { threadWriter } from '../../src/store/writer-link.ts';

export const DEVICE = 'bench';
export const ROOT = `embereye/v1/${DEVICE}`;
/** How many of a hundred events are of each lane. */
const PERCENT: Readonly<Record<Lane, number>> = { alarm: 1, fault: 39, operator: 10, system: 50 };
const BATCH = 1000;
const AGE_MS = 6 * 3_600_000;

/** The store as the appliance opens it, with the writer thread of the bundle beside this one. */
export function openBenchStore(directory: string): Promise<OpenStore> {
  const worker = join(dirname(fileURLToPath(import.meta.url)), 'store-writer.js');
  return openStore({
    directory,
    startWriter: threadWriter(worker),
    clock: systemClock(),
    log: silentLog,
    onTrouble: () => undefined,
  });
}

/** Texts of one slice as they will be published, one a line. */
export function sliceFile(directory: string, slice: number): string {
  return join(directory, `slice-${slice}.ndjson`);
}

/** How many events of each lane a backlog of this size holds. */
export function laneCounts(events: number): Readonly<Record<Lane, number>> {
  const share = (lane: Lane): number => Math.floor((events * PERCENT[lane]) / 100);
  const counted = { alarm: share('alarm'), fault: share('fault'), operator: share('operator') };
  return { ...counted, system: events - counted.alarm - counted.fault - counted.operator };
}

/**
 * Fills a new journal, and beside it writes the very texts in the order in which they will be
 * drained (lane by lane), so that the bare client can send the same bytes.
 */
export async function fillBacklog(
  directory: string,
  events: number,
  slices: number,
): Promise<void> {
  const store = await openBenchStore(directory);
  const clock = systemClock();
  const stamper = new EventStamper({
    deviceId: deviceId(DEVICE),
    bootId: '00c0ffee00c0ffee',
    clock: { ...clock, wallMs: () => clock.wallMs() - AGE_MS },
    random: systemRandom(),
    clockQuality: () => 'synchronised',
    ...store.recovered,
  });
  let committed: () => void = () => undefined;
  store.journal.onCommit(() => committed());
  const counts = laneCounts(events);
  const slicesOut = new SliceWriter(directory, Math.ceil(events / slices), slices);
  for (const lane of LANES) {
    for (let made = 0; made < counts[lane]; made += BATCH) {
      const size = Math.min(BATCH, counts[lane] - made);
      const batch = stamper.stamp(Array.from({ length: size }, (_, at) => event(lane, made + at)));
      const durable = new Promise<void>((resolve) => (committed = resolve));
      store.journal.append(batch);
      await slicesOut.write(batch);
      await durable;
    }
  }
  await slicesOut.end();
  await store.journal.close();
}

class SliceWriter {
  readonly #files: readonly WriteStream[];
  readonly #size: number;
  #written = 0;

  constructor(directory: string, size: number, slices: number) {
    this.#size = size;
    this.#files = Array.from({ length: slices }, (_, slice) =>
      createWriteStream(sliceFile(directory, slice)),
    );
  }

  async write(events: readonly JournalEvent[]): Promise<void> {
    for (const one of events) {
      const file = this.#files[Math.floor(this.#written / this.#size)];
      this.#written += 1;
      const text = JSON.stringify({ ...one, historical: true });
      if (file?.write(`${text}\n`) === false) await once(file, 'drain');
    }
  }

  async end(): Promise<void> {
    for (const file of this.#files) {
      file.end();
      await once(file, 'close');
    }
  }
}

const ZONES = ['kitchen', 'hall', 'boiler-room', 'server-room', 'garage'] as const;

/** The n-th event of a lane. */
export function event(lane: Lane, n: number): DomainEvent {
  const name = ZONES[n % ZONES.length] ?? 'hall';
  const zone = { zone: zoneId(name), zoneName: `Building 2, ${name}` };
  switch (lane) {
    case 'alarm':
      return { lane, type: 'alarm', data: { ...zone, explanation: explanation(n, 3) } };
    case 'fault': {
      const detail = `no data from ${name}-thermal for ${15 + (n % 50)} s: check cable and power`;
      const data = { fault: 'sensorSilent', subject: `${name}-thermal`, zone: zone.zone, detail };
      return n % 2 === 0
        ? { lane, type: 'faultRaised', data }
        : { lane, type: 'faultRestored', data: { ...data, afterMs: 1000 + n } };
    }
    case 'operator': {
      const by = { origin: 'mqtt:control-room', requestId: `r-${n}` };
      return { lane, type: 'acknowledged', data: { ...by, zones: [zone.zone] } };
    }
    case 'system':
      return n % 2 === 0
        ? { lane, type: 'verifying', data: { ...zone, explanation: explanation(n, 1) } }
        : { lane, type: 'verifyingEnded', data: { ...zone, confirmed: n % 3 === 0 } };
  }
}

function explanation(n: number, votes: number): Explanation {
  return {
    summary: `${61 + (n % 40)}.4 C at row ${n % 24}, column ${n % 32}, rising 34 C/min`,
    votes: Array.from({ length: votes }, (_, at) => vote(n, at)),
    stale: [],
    faulty: [],
    disabled: [],
    uncalibrated: [],
    confidence: 0.75,
  };
}

function vote(n: number, at: number): Vote {
  return {
    sensor: sensorId(`${ZONES[n % ZONES.length] ?? 'hall'}-thermal`),
    channel: `region-${at}`,
    role: 'heat',
    rule: 'hotSpotRising',
    level: 'alarm',
    value: 61.4 + (n % 400) / 10,
    limit: 60,
    unit: 'celsius',
    ageMs: 12.5,
    note: `row ${n % 24}, column ${n % 32}, 6 pixels, rising 34 C/min`,
  };
}

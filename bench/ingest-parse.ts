/** How fast one session turns bytes into evidence, beside bare scanning of the same bytes. */
import { existsSync, readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '../src/clock.ts';
import { BoardRegistry } from '../src/domain/line-protocol/board-registry.ts';
import { CalibrationCache } from '../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../src/domain/line-protocol/line-counters.ts';
import { BoardSession } from '../src/domain/line-protocol/session.ts';
import { EvidenceBank } from '../src/domain/evidence-bank.ts';
import type { KeyedStore } from '../src/domain/ports.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const CHUNK_BYTES = 16_384;
const clock = systemClock();
const emptyStore: KeyedStore = {
  loadAll: () => Promise.resolve(new Map()),
  put: () => undefined,
  remove: () => undefined,
};

async function openSession() {
  const bank = new EvidenceBank();
  const counters = createLineCounters();
  const calibrations = await CalibrationCache.load(emptyStore);
  const onNotice = (): void => undefined;
  const registry = new BoardRegistry({
    profiles: [],
    bank,
    locationOfAddress: () => undefined,
    onNotice,
  });
  const frameSinkOf = () => ({ accept: (): void => undefined });
  const session = new BoardSession(
    {
      bank,
      counters,
      calibrations,
      registry,
      onNotice,
      frameSinkOf,
      random: systemRandom(),
      address: '127.0.0.1',
      send: () => true,
    },
    0,
  );
  return { session, bank, counters };
}

function sensorBytes(packets: number): Uint8Array {
  const lines: string[] = [];
  for (let at = 0; at < packets; at++) {
    const value = (base: number): number => base + ((at * 37) % 97);
    lines.push(`#Sensor1234:ADC1=${value(266)},ADC2=${value(1296)},ADC3:=${at % 17},DIO=0!\r\n`);
  }
  return new TextEncoder().encode(lines.join(''));
}

function countByIndexOf(buffer: Buffer): number {
  let count = 0;
  for (let at = buffer.indexOf(0x21); at >= 0; at = buffer.indexOf(0x21, at + 1)) count += 1;
  return count;
}

/** Best of several runs, each over all of `bytes`, in milliseconds. */
function bestMs(run: () => void): number {
  let best = Infinity;
  for (let at = 0; at < 9; at++) {
    const start = clock.monotonicMs();
    run();
    best = Math.min(best, clock.monotonicMs() - start);
  }
  return best;
}

function feed(session: BoardSession, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    session.receive(bytes.subarray(at, at + CHUNK_BYTES), 1);
  }
}

function report(name: string, count: number, parseMs: number, scanMs: number): Figure[] {
  return [
    figure(name, (count / parseMs) * 1000, '/s'),
    figure(`${name}: each`, (parseMs / count) * 1000, 'us'),
    figure(`${name}: against bare scanning for "!"`, parseMs / scanMs, 'times'),
  ];
}

async function benchSensors(): Promise<readonly Figure[]> {
  const packets = 200_000;
  const bytes = sensorBytes(packets);
  const { session, bank, counters } = await openSession();
  session.receive(new TextEncoder().encode('#serialno:bench!'), 0);
  const parseMs = bestMs(() => {
    feed(session, bytes);
    bank.drain();
  });
  const scanMs = bestMs(() => countByIndexOf(Buffer.from(bytes.buffer)));
  if (counters.readings % (packets * 4) !== 0) throw new Error('readings were lost');
  return report('sensor packets', packets, parseMs, scanMs);
}

async function benchFrames(path: string): Promise<readonly Figure[]> {
  const capture = readFileSync(path);
  const { session, counters } = await openSession();
  session.receive(new TextEncoder().encode('#serialno:bench!'), 0);
  const rounds = 10;
  const before = counters.framesDecoded;
  const parseMs = bestMs(() => {
    for (let round = 0; round < rounds; round++) feed(session, capture);
  });
  const scanMs = bestMs(() => {
    for (let round = 0; round < rounds; round++) countByIndexOf(capture);
  });
  const frames = (counters.framesDecoded - before) / 9;
  return report('real frames with radiometry (and a #Sensor each)', frames, parseMs, scanMs);
}

/** The bytes of a real board, kept beside the checkout. */
const CAPTURE = '../shared/data/device-capture/stream.bin';

export const ingestParseSection: Section = {
  name: 'ingest-parse',
  title: 'Line protocol in one process: bytes to evidence',
  async run(progress) {
    const sensors = await benchSensors();
    if (existsSync(CAPTURE)) return [...sensors, ...(await benchFrames(CAPTURE))];
    progress(`frames: skipped, ${CAPTURE} is absent`);
    return sensors;
  },
};

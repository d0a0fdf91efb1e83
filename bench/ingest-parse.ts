/**
 * How fast one session turns bytes into evidence, beside bare scanning of the same bytes.
 *
 *   npx esbuild bench/ingest-parse.ts --bundle --platform=node --format=esm --packages=external \
 *     --outfile=/tmp/ingest-parse.mjs && node /tmp/ingest-parse.mjs [path of
 *     device-capture/stream.bin]
 */
import { existsSync, readFileSync } from 'node:fs';
import { systemClock, systemRandom } from '../src/clock.ts';
import { BoardRegistry } from '../src/domain/line-protocol/board-registry.ts';
import { CalibrationCache } from '../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../src/domain/line-protocol/line-counters.ts';
import { BoardSession } from '../src/domain/line-protocol/session.ts';
import { EvidenceBank } from '../src/domain/evidence-bank.ts';
import type { KeyedStore } from '../src/domain/ports.ts';

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

function report(name: string, count: number, parseMs: number, scanMs: number): void {
  const perSecond = Math.round((count / parseMs) * 1000);
  const each = ((parseMs / count) * 1000).toFixed(3);
  const ratio = (parseMs / scanMs).toFixed(1);
  console.log(`${name}: ${perSecond} /s, ${each} us each, ${ratio} x bare scanning`);
}

async function benchSensors(): Promise<void> {
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
  report('sensor packets', packets, parseMs, scanMs);
}

async function benchFrames(path: string): Promise<void> {
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
  report('frames with radiometry (and a #Sensor each)', frames, parseMs, scanMs);
}

await benchSensors();
const capture = process.argv[2] ?? '../shared/data/device-capture/stream.bin';
if (existsSync(capture)) await benchFrames(capture);
else console.log(`frames: skipped, ${capture} is absent`);

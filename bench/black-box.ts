/**
 * What recording costs: the hot path of a frame, and what a day of one array takes on disk at
 * 4.09 s as the recorder of days writes it, of a simulated array and of the captured real one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { sensorId } from '../src/domain/units.ts';
import { SimulatedArray } from '../src/simulator/array.ts';
import { packBlock } from '../src/store/black-box/block.ts';
import { BoxMemory } from '../src/store/black-box/memory.ts';
import { RecordWriter } from '../src/store/black-box/record-writer.ts';
import { wordsOfHex } from '../src/store/black-box/redecode.ts';
import { Taps } from '../src/store/black-box/tap.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const CAPTURE = '../shared/data/device-capture/stream.bin';
const CADENCE_SECONDS = 4.09;
const FRAMES_A_DAY = 86_400 / CADENCE_SECONDS;
/** The recorder of days writes a block every 15 s, the black box each second. */
const DAY_BLOCK_FRAMES = 4;
const BOX_BLOCK_FRAMES = 1;
const ARRAYS = 100;
const HERTZ = 8;
const ROUNDS = 400_000;
const SENSOR = sensorId('a');

export const blackBoxSection: Section = {
  name: 'black-box',
  title: 'Recording: time per frame, bytes on disk',
  async run(progress) {
    progress('frames into memory');
    const simulated = simulatedFrames();
    const figures = [...hotPath(simulated)];
    progress('frames on disk');
    figures.push(...(await sizes('simulated array', simulated)));
    if (existsSync(CAPTURE)) figures.push(...(await sizes('captured board', capturedFrames())));
    return figures;
  },
};

function capturedFrames(): readonly Uint16Array[] {
  const text = readFileSync(CAPTURE, 'latin1');
  return [...text.matchAll(/#frame1234:([0-9A-F]+)!/g)].flatMap(([, hex = '']) => {
    const words = wordsOfHex(hex);
    return words === null ? [] : [words];
  });
}

function simulatedFrames(): readonly Uint16Array[] {
  const array = new SimulatedArray({ seed: 1 });
  const room = new Float32Array(768).fill(22);
  return Array.from({ length: 108 }, (_, i) =>
    array.dump(room, { ambientCelsius: 28 + i / 100, supplyVolts: 3.3 }),
  );
}

async function sizes(name: string, frames: readonly Uint16Array[]): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const block of [DAY_BLOCK_FRAMES, BOX_BLOCK_FRAMES]) {
    const bytes = await packedBytes(frames, block);
    const each = bytes / frames.length;
    const note = `of 1668, in blocks of ${block}`;
    figures.push(figure(`${name}: a frame on disk`, each, 'bytes', note));
    if (block !== DAY_BLOCK_FRAMES) continue;
    const perDay = (each * FRAMES_A_DAY) / 1e6;
    figures.push(figure(`${name}: a day at ${CADENCE_SECONDS} s`, perDay, 'MB', 'frames alone'));
  }
  return figures;
}

async function packedBytes(frames: readonly Uint16Array[], block: number): Promise<number> {
  const memory = new BoxMemory(16e6, 1e9);
  const tap = new Taps(memory.frames).open(SENSOR);
  tap.decoding({ kind: 'legacy', offsetCelsius: 0 }, null);
  const sent = memory.frames.of(SENSOR);
  const writer = new RecordWriter();
  let bytes = 0;
  for (const [i, words] of frames.entries()) {
    tap.words(words, null, i * 1000 * CADENCE_SECONDS, NaN);
    const slot = sent.at(sent.next - 1);
    if (slot !== null) writer.frame(slot);
    if ((i + 1) % block !== 0 && i + 1 < frames.length) continue;
    bytes += (await packBlock(writer.bytes)).length;
    writer.clear();
  }
  return bytes;
}

function hotPath(frames: readonly Uint16Array[]): readonly Figure[] {
  const memory = new BoxMemory(16e6, 60_000);
  const taps = new Taps(memory.frames);
  const arrays = Array.from({ length: ARRAYS }, (_, i) => {
    const tap = taps.open(sensorId(`a${i}`));
    tap.decoding({ kind: 'legacy', offsetCelsius: 0 }, null);
    return { tap, picture: new Float32Array(768).fill(21) };
  });
  let nowMs = 0;
  const turn = (count: number): number => {
    const startMs = performance.now();
    for (let i = 0; i < count; i++) {
      const array = arrays[i % ARRAYS];
      const words = frames[i % frames.length];
      if (array === undefined || words === undefined) continue;
      nowMs += 1000 / HERTZ / ARRAYS;
      array.tap.words(words, null, nowMs, NaN);
      array.tap.picture(array.picture, true);
    }
    return (1000 * (performance.now() - startMs)) / count;
  };
  turn(ROUNDS / 8);
  const before = process.memoryUsage().heapUsed;
  const cost = turn(ROUNDS);
  const heap = (process.memoryUsage().heapUsed - before) / ROUNDS;
  const note = `${ARRAYS} arrays at ${HERTZ} Hz, ${(memory.bytes / 1e6).toFixed(0)} MB held`;
  return [
    figure('a frame into memory', cost, 'us', note),
    figure('heap left behind by a frame', heap, 'bytes'),
    figure('a frame into a block', encoding(memory), 'us', 'while something is recorded'),
  ];
}

function encoding(memory: BoxMemory): number {
  const writer = new RecordWriter();
  const sent = memory.frames.of(sensorId('a0'));
  let written = 0;
  const startMs = performance.now();
  for (let round = 0; round < 200; round++) {
    for (let number = sent.first; number < sent.next; number++, written++) {
      const slot = sent.at(number);
      if (slot !== null) writer.frame(slot);
    }
    writer.clear();
  }
  return (1000 * (performance.now() - startMs)) / written;
}

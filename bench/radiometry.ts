/**
 * How long a full frame of the MLX90640 takes to decode, and what it allocates, beside the same
 * formulas written down straightforwardly.
 *
 * Frames come from a synthetic array, so that nothing beside the checkout is needed. Microseconds
 * are the best of several rounds (the machine's other work only ever adds); bytes are the growth of
 * the JavaScript heap over a round without a collection.
 */
import { performance } from 'node:perf_hooks';
import { parseCalibration } from '../src/domain/mlx90640/calibration.ts';
import { createFrameDecoder } from '../src/domain/mlx90640/frame-decoder.ts';
import { decodeHexWords } from '../src/domain/mlx90640/hex-words.ts';
import { ROOM, calibrationOf, hexOfWords, synthetic } from '../test/mlx90640/helpers.ts';
import { referenceFrame, referenceParameters } from '../test/mlx90640/reference.ts';
import { measure } from '../test/mlx90640/synthetic-scene.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const ROUNDS = 7;
const DUMPS = 100;

interface Result {
  readonly microseconds: number;
  readonly bytes: number;
}

/** Runs `work` over all dumps, `repeats` times a round. */
function time(repeats: number, work: (dump: number) => void): Result {
  let microseconds = Infinity;
  let bytes = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed;
    const start = performance.now();
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (let dump = 0; dump < DUMPS; dump++) work(dump);
    }
    const count = repeats * DUMPS;
    microseconds = Math.min(microseconds, ((performance.now() - start) * 1000) / count);
    bytes = Math.min(bytes, Math.max(0, process.memoryUsage().heapUsed - heap) / count);
  }
  return { microseconds, bytes };
}

/** Scenes with a texture that changes from dump to dump, `hot` of whose pixels burn. */
function dumpsOf(array: ReturnType<typeof synthetic>, hot: number): Uint16Array[] {
  const { fields, eeprom } = array;
  return Array.from({ length: DUMPS }, (_, dump) => {
    const scene = Array.from({ length: 768 }, (_ignored, pixel) =>
      pixel < hot ? 250 + ((pixel * 7 + dump) % 200) : 20 + ((pixel * 13 + dump * 5) % 97) / 8,
    );
    return measure(fields, eeprom, scene, ROOM);
  });
}

function figuresOf(name: string, { microseconds, bytes }: Result): readonly Figure[] {
  const time = figure(name, microseconds, 'us');
  // Without --expose-gc a collection may fall into the middle, and the growth says nothing.
  if (globalThis.gc === undefined) return [time];
  return [time, figure(`${name}, allocated`, bytes, 'bytes')];
}

function frames(): readonly Figure[] {
  const array = synthetic({ alphaScale: 8 });
  const decoder = createFrameDecoder(calibrationOf(array.eeprom));
  const parameters = referenceParameters(array.eeprom);
  const out = new Float32Array(768);
  const room = dumpsOf(array, 0);
  const plain = time(10, (dump) => {
    referenceFrame(parameters, room[dump]!, ROOM);
  });
  const fast = time(200, (dump) => {
    decoder.decode(room[dump]!, out);
  });
  const hot = [40, 384, 768].flatMap((count) => {
    const dumps = dumpsOf(array, count);
    const result = time(100, (dump) => {
      decoder.decode(dumps[dump]!, out);
    });
    return figuresOf(`frame, ${count} pixels of 250..450 C`, result);
  });
  return [
    ...figuresOf('frame (both subpages), room', fast),
    ...figuresOf('frame, formulas in the datasheet\u2019s order', plain),
    figure('decoder against datasheet order', plain.microseconds / fast.microseconds, 'times'),
    ...hot,
  ];
}

function wholePacket(): readonly Figure[] {
  const array = synthetic({ alphaScale: 8 });
  const decoder = createFrameDecoder(calibrationOf(array.eeprom));
  const out = new Float32Array(768);
  const hex = dumpsOf(array, 0).map((dump) => Buffer.from(hexOfWords(dump).toUpperCase()));
  const words = new Uint16Array(834);
  const text = time(200, (dump) => {
    decodeHexWords(hex[dump]!, 0, 3328, words);
  });
  const both = time(200, (dump) => {
    decodeHexWords(hex[dump]!, 0, 3328, words);
    decoder.decode(words, out);
  });
  const calibration = time(2, () => {
    parseCalibration(array.eeprom);
  });
  return [
    ...figuresOf('832 words of hex', text),
    ...figuresOf('hex and frame', both),
    ...figuresOf('calibration from an EEPROM', calibration),
  ];
}

export const radiometrySection: Section = {
  name: 'radiometry',
  title: 'Radiometry: EEPROM and RAM words to temperatures',
  run: async () => [...frames(), ...wholePacket()],
};

/**
 * How long a full frame of the MLX90640 takes to decode, and what it allocates, beside the same
 * formulas written down straightforwardly.
 *
 *   npx esbuild bench/radiometry.ts --bundle --platform=node --format=esm --packages=external \
 *     --outfile=var/bench-radiometry.mjs && node --expose-gc var/bench-radiometry.mjs
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

function report(name: string, { microseconds, bytes }: Result): void {
  const allocated = globalThis.gc === undefined ? 'run with --expose-gc' : `${bytes.toFixed(1)} B`;
  console.log(`${name.padEnd(44)} ${microseconds.toFixed(2).padStart(9)} us   ${allocated}`);
}

/** Scenes with a texture that changes from dump to dump, `hot` of whose pixels burn. */
function dumpsOf(hot: number): Uint16Array[] {
  const { fields, eeprom } = array;
  return Array.from({ length: DUMPS }, (_, dump) => {
    const scene = Array.from({ length: 768 }, (_ignored, pixel) =>
      pixel < hot ? 250 + ((pixel * 7 + dump) % 200) : 20 + ((pixel * 13 + dump * 5) % 97) / 8,
    );
    return measure(fields, eeprom, scene, ROOM);
  });
}

const array = synthetic({ alphaScale: 8 });
const decoder = createFrameDecoder(calibrationOf(array.eeprom));
const parameters = referenceParameters(array.eeprom);
const out = new Float32Array(768);
const room = dumpsOf(0);

const plain = time(10, (dump) => {
  referenceFrame(parameters, room[dump]!, ROOM);
});
const fast = time(200, (dump) => {
  decoder.decode(room[dump]!, out);
});
console.log(`node ${process.version}, ${process.arch}; allocation is per item\n`);
report('frame: formulas in the datasheet’s order', plain);
report('frame: decoder, room', fast);
for (const hot of [40, 384, 768]) {
  const dumps = dumpsOf(hot);
  report(
    `frame: decoder, ${hot} pixels of 250..450 C`,
    time(100, (dump) => {
      decoder.decode(dumps[dump]!, out);
    }),
  );
}

const hex = room.map((words) => Buffer.from(hexOfWords(words).toUpperCase()));
const words = new Uint16Array(834);
report(
  'hex: 832 words',
  time(200, (dump) => {
    decodeHexWords(hex[dump]!, 0, 3328, words);
  }),
);
report(
  'hex and frame',
  time(200, (dump) => {
    decodeHexWords(hex[dump]!, 0, 3328, words);
    decoder.decode(words, out);
  }),
);
report(
  'calibration: parse',
  time(2, () => {
    parseCalibration(array.eeprom);
  }),
);
const ratio = (plain.microseconds / fast.microseconds).toFixed(1);
console.log(`\ndecoder against datasheet order: ${ratio} times as fast`);

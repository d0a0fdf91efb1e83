/** Reads recordings that `generate.py` and `real.py` write; their docstrings give the format. */
import { FRAME_PIXELS } from '../src/domain/frame.ts';

const FRAME_BYTES = 8 + 4 + FRAME_PIXELS * 4 + FRAME_PIXELS;

/** What a recording says about itself. */
export interface RecordingHeader {
  readonly index: number;
  readonly scene: string;
  readonly kind: string;
  readonly cadence: number;
  readonly frames: number;
  /** Whether the detector gets a memory of the scene. */
  readonly learnt: boolean;
}

/** One picture with the truth about it. */
export interface RecordedFrame {
  readonly seconds: number;
  /** Hottest pixel without noise and damage; NaN where nobody knows. */
  readonly truthCelsius: number;
  readonly celsius: Float32Array;
  /** Kind of what heats each pixel most, an index into `SCENE_KINDS`; 255 nothing. */
  readonly owners: Uint8Array;
}

export interface Recording {
  readonly header: RecordingHeader;
  readonly frames: readonly RecordedFrame[];
}

/** @throws Error where the stream ends within a recording. */
export async function* recordingsIn(stream: AsyncIterable<Buffer>): AsyncGenerator<Recording> {
  let chunks: Buffer[] = [];
  let have = 0;
  const iterator = stream[Symbol.asyncIterator]();
  const take = async (bytes: number): Promise<Buffer | null> => {
    while (have < bytes) {
      const next = await iterator.next();
      if (next.done === true) {
        if (have === 0) return null;
        throw new Error(`the recordings end after ${have} of ${bytes} bytes: make them again`);
      }
      chunks.push(next.value);
      have += next.value.length;
    }
    const all = Buffer.concat(chunks);
    chunks = [all.subarray(bytes)];
    have = all.length - bytes;
    return all.subarray(0, bytes);
  };
  for (;;) {
    const length = await take(4);
    if (length === null) return;
    const text = await take(length.readUInt32LE(0));
    const header = JSON.parse(text?.toString('utf8') ?? '') as RecordingHeader;
    const body = header.frames === 0 ? Buffer.alloc(0) : await take(header.frames * FRAME_BYTES);
    if (body === null) throw new Error(`recording ${header.index} has no frames: make it again`);
    yield { header, frames: framesIn(body, header.frames) };
  }
}

function framesIn(body: Buffer, count: number): RecordedFrame[] {
  return Array.from({ length: count }, (_, i) => {
    const at = i * FRAME_BYTES;
    // A copy starts where a number may start; in the stream a frame starts anywhere.
    const from = body.byteOffset + at + 12;
    const celsius = new Float32Array(body.buffer.slice(from, from + 4 * FRAME_PIXELS));
    const ownersAt = at + 12 + 4 * FRAME_PIXELS;
    return {
      seconds: body.readDoubleLE(at),
      truthCelsius: body.readFloatLE(at + 8),
      celsius,
      owners: new Uint8Array(body.subarray(ownersAt, ownersAt + FRAME_PIXELS)),
    };
  });
}

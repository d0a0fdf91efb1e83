/** Recordings with damage put in, as lines for `evaluateRecording`. */
import type { RecordingLine } from '../../src/commands/evaluate-read.ts';
import { lengthOf, spoil } from '../vision/artefacts.ts';
import type { ArtefactKind } from '../vision/artefacts.ts';
import type { Chance } from '../vision/scenes.ts';

/** Damages about every tenth frame, in runs as long as the kind comes in. */
export function damaged(
  lines: readonly RecordingLine[],
  kind: ArtefactKind,
  random: Chance,
): readonly RecordingLine[] {
  let left = 0;
  return lines.map((line) => {
    if (line.kind !== 'celsius') return line;
    if (left === 0 && random.uniform() < 0.1) left = lengthOf(kind);
    if (left === 0) return line;
    left -= 1;
    return { ...line, celsius: spoil(line.celsius, kind, random) };
  });
}

/** Frames every `periodSeconds`, as lines of a recording. */
export function linesOf(
  pictures: readonly Float32Array[],
  periodSeconds: number,
): readonly RecordingLine[] {
  return pictures.map((celsius, i) => ({
    kind: 'celsius',
    line: i + 1,
    seconds: i * periodSeconds,
    celsius,
  }));
}

/** Feeds lines that are in memory to something that reads a file. */
export async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

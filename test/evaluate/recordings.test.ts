/** Real recordings, as they are and damaged. They lie outside the project and may be absent. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRecordings, parseLine, readRecording } from '../../src/commands/evaluate-read.ts';
import type { RecordingLine } from '../../src/commands/evaluate-read.ts';
import {
  DEFAULT_EVALUATE_OPTIONS,
  evaluateRecording,
} from '../../src/commands/evaluate-recording.ts';
import type { Evaluation } from '../../src/commands/evaluate-recording.ts';
import { ARTEFACT_KINDS } from '../vision/artefacts.ts';
import { seededRandom } from '../vision/scenes.ts';
import { damaged, streamOf } from './injected.ts';

const ROOT = resolve(import.meta.dirname, '../../../shared/data/thermal');
const OVERHEATING = 'rtubio__mlx90640-streamer';

async function recordings(overheating: boolean): Promise<readonly string[]> {
  return (await findRecordings(ROOT)).filter((file) => file.includes(OVERHEATING) === overheating);
}

const read = new Map<string, readonly RecordingLine[]>();

async function linesOf(file: string): Promise<readonly RecordingLine[]> {
  const known = read.get(file);
  if (known !== undefined) return known;
  const lines: RecordingLine[] = [];
  for await (const line of readRecording(file)) lines.push(line);
  read.set(file, lines);
  return lines;
}

function evaluate(lines: readonly RecordingLine[]): Promise<Evaluation> {
  return evaluateRecording(streamOf(lines), DEFAULT_EVALUATE_OPTIONS, () => {
    throw new Error('a recording holds a bad line');
  });
}

describe.skipIf(!existsSync(ROOT))('recordings of ../shared/data/thermal', () => {
  it('harmless ones neither alarm nor warn', async () => {
    const files = await recordings(false);
    expect(files.length).toBeGreaterThan(20);
    for (const file of files) {
      const { alarmSeconds, prealarmSeconds } = await evaluate(await linesOf(file));
      expect([basename(file), alarmSeconds, prealarmSeconds]).toEqual([basename(file), null, null]);
    }
  }, 60_000);

  it('overheating ones warn between 60 and 62 C and do not alarm', async () => {
    const files = await recordings(true);
    expect(files).toHaveLength(6);
    for (const file of files) {
      const { alarmSeconds, prealarmSeconds, reason } = await evaluate(await linesOf(file));
      expect(alarmSeconds).toBeNull();
      expect(prealarmSeconds).not.toBeNull();
      expect(reason).toMatch(/ 6[01]\.\d C \(limit 60/);
    }
  }, 60_000);

  it.each(ARTEFACT_KINDS)(
    'harmless ones with %s put in neither alarm nor warn',
    async (kind) => {
      for (const file of await recordings(false)) {
        const lines = await linesOf(file);
        for (const seed of [1, 2]) {
          const result = await evaluate(damaged(lines, kind, seededRandom(seed)));
          expect([basename(file), seed, result.alarmSeconds, result.prealarmSeconds]).toEqual([
            basename(file),
            seed,
            null,
            null,
          ]);
        }
      }
    },
    60_000,
  );
});

const CAPTURE = resolve(import.meta.dirname, '../../../shared/data/device-capture/stream.bin');

describe.skipIf(!existsSync(CAPTURE))('the capture of ../shared/data/device-capture', () => {
  it('as EEPROM and RAM words: a room and a person, nothing happens', async () => {
    const packets = readFileSync(CAPTURE, 'latin1').split(/[\r\n]+/);
    const hexOf = (start: string): string[] =>
      packets
        .filter((packet) => packet.startsWith(start))
        .map((packet) => /:([0-9A-F]*)/.exec(packet)![1]!);
    const [eeprom] = hexOf('#EEPROM');
    const lines = hexOf('#frame').map((ram, i) =>
      parseLine(JSON.stringify({ eeprom, ram }), i + 1),
    );
    const result = await evaluate(lines);
    expect(result).toMatchObject({ frames: 108, alarmSeconds: null, prealarmSeconds: null });
    expect(result).toMatchObject({ faultSeconds: null, reason: null, badLines: 0 });
    expect(result.maxCelsius).toBeGreaterThan(28);
    expect(result.maxCelsius).toBeLessThan(40);
  });
});

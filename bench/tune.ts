/**
 * How fast `embereye tune` replays recorded days: ten boards with smoke channels, in rooms where
 * nothing happens, under two configurations that see the arrays alike, and otherwise. No model.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../src/config.ts';
import type { Config } from '../src/config-schema.ts';
import { sensorId } from '../src/domain/units.ts';
import { SimulatedArray } from '../src/simulator/array.ts';
import { packBlock } from '../src/store/black-box/block.ts';
import { BoxMemory } from '../src/store/black-box/memory.ts';
import { RecordWriter } from '../src/store/black-box/record-writer.ts';
import { Taps } from '../src/store/black-box/tap.ts';
import { isoFromWallMs } from '../src/store/wall-time.ts';
import { Replay } from '../src/tuning/replay.ts';
import { findStretches } from '../src/tuning/stretches.ts';
import type { Figure, Section } from './section.ts';
import { figure } from './section.ts';

const BOARDS = 10;
const CADENCE_MS = 4090;
const HOUR_MS = 3_600_000;
const TURN_MS = 15_000;
const START_WALL_MS = Date.UTC(2026, 4, 4);
const DISTINCT_FRAMES = 64;

export const tuneSection: Section = {
  name: 'tune',
  title: `Shadow tuning: ${BOARDS} boards at ${CADENCE_MS / 1000} s with smoke at 1 s`,
  async run(progress) {
    const folder = mkdtempSync(join(tmpdir(), 'embereye-tune-'));
    try {
      progress('an hour is written');
      writeFileSync(join(folder, '000001-hour-all-20260504T000000Z.ebx'), await hour());
      progress('it is replayed');
      return [
        ...(await speed(folder, 'arrays seen alike', configOf(0))),
        ...(await speed(folder, 'arrays mounted otherwise', configOf(180))),
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function speed(folder: string, name: string, proposed: Config): Promise<readonly Figure[]> {
  const period = { fromMs: -Infinity, toMs: Infinity };
  const options = { path: folder, period, sensor: null, onlyArray: null, periodSeconds: 1 };
  const replay = new Replay({
    ...{ present: configOf(0), proposed, classifier: null, withOpinions: true, labels: [] },
    ...{ period, tell: () => undefined, shareEyes: true },
  });
  const startMs = performance.now();
  for (const stretch of await findStretches(options, () => undefined)) await replay.run(stretch);
  const minutes = (performance.now() - startMs) / 60_000;
  const note = `${replay.frames} frames`;
  const days = 1 / 24 / minutes;
  return [
    figure(`${name}: days of ${BOARDS} boards a minute`, days, 'days', note),
    figure(`${name}: days of one board a minute`, days * BOARDS, 'days'),
    figure(`${name}: resident`, process.memoryUsage.rss() / 1e6, 'MB'),
  ];
}

function configOf(rotate: number): Config {
  const ids = Array.from({ length: BOARDS }, (_, i) => `board-${i}`);
  const text = JSON.stringify({
    boards: ids.map((id) => ({ id, mount: { rotate } })),
    zones: ids.map((id) => ({
      id,
      sensors: [
        { sensor: id, channel: 'thermal', role: 'thermal' },
        { sensor: id, channel: 'ADC1', role: 'smoke' },
      ],
    })),
  });
  const result = parseConfig(text, {}, []);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

/** As the recorder of days writes it: each turn first the readings, then the frames. */
async function hour(): Promise<Buffer> {
  const memory = new BoxMemory(64e6, 60_000);
  const taps = new Taps(memory.frames);
  const room = new Float32Array(768).fill(22);
  const boards = Array.from({ length: BOARDS }, (_, i) => {
    const sensor = sensorId(`board-${i}`);
    const array = new SimulatedArray({ seed: i + 1 });
    const frames = Array.from({ length: DISTINCT_FRAMES }, () =>
      array.dump(room, { ambientCelsius: 28, supplyVolts: 3.3 }).slice(),
    );
    const tap = taps.open(sensor);
    const decoding = { kind: 'pictures', controlRegister: 'eeprom' } as const;
    tap.decoding({ ...decoding, emissivity: 0.95, reflectedCelsius: null }, array.eeprom);
    return { sensor, tap, frames, sent: memory.frames.of(sensor), count: 0 };
  });
  const writer = new RecordWriter();
  writer.text({
    ...{ kind: 'header', format: 1, version: 'bench', device: 'unit', bootId: 'boot' },
    ...{ configHash: '', atMs: 0, wall: isoFromWallMs(START_WALL_MS), cause: 'hour', zone: null },
    config: {},
  });
  const blocks: Buffer[] = [];
  for (let turnMs = 0; turnMs < HOUR_MS; turnMs += TURN_MS) {
    const seconds = Array.from({ length: TURN_MS / 1000 }, (_, i) => turnMs + 1000 * i);
    const rows = seconds.map((atMs) => [atMs, atMs, 5, 5, 5, 5, 1]);
    for (const { sensor } of boards) writer.text({ kind: 'level', sensor, channel: 'ADC1', rows });
    for (const board of boards) {
      for (; board.count * CADENCE_MS < turnMs + TURN_MS; board.count++) {
        const words = board.frames[board.count % DISTINCT_FRAMES];
        if (words === undefined) continue;
        board.tap.words(words, null, board.count * CADENCE_MS, NaN);
        board.tap.picture(room, true);
        const slot = board.sent.at(board.sent.next - 1);
        if (slot !== null) writer.frame(slot);
      }
    }
    const clock = { kind: 'clock', atMs: turnMs, steppedByMs: 0 } as const;
    writer.text({ ...clock, wall: isoFromWallMs(START_WALL_MS + turnMs) });
    blocks.push(await packBlock(writer.bytes));
    writer.clear();
  }
  return Buffer.concat(blocks);
}

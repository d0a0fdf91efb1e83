import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateLines } from '../../src/commands/blackbox-lines.ts';
import { LineDecoder } from '../../src/commands/evaluate-frames.ts';
import { parseLine } from '../../src/commands/evaluate-read.ts';
import type { FrameSink } from '../../src/domain/line-protocol/thermal-intake.ts';
import { parseCalibration } from '../../src/domain/mlx90640/calibration.ts';
import { createFrameDecoder } from '../../src/domain/mlx90640/frame-decoder.ts';
import { packBlock } from '../../src/store/black-box/block.ts';
import type { BoxMemory } from '../../src/store/black-box/memory.ts';
import { RecordWriter } from '../../src/store/black-box/record-writer.ts';
import { isSamePicture, Redecoder } from '../../src/store/black-box/redecode.ts';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { hasShared, readCapture } from '../mlx90640/helpers.ts';
import { roomWith, Site, SiteBoard } from './site.ts';
import { framesOf, HALL_ARRAY, HEADER, recordsOf, temporaryFolder } from './support.ts';

const WIRED = { blackBox: { beforeSeconds: 600 } };
const CONTROL = 0x1981;

/** Everything that a sensor's memory holds, as a file. */
async function fileOf(site: Site): Promise<string> {
  const writer = new RecordWriter();
  writer.text(HEADER);
  const { frames } = memoryOf(site);
  for (const sensor of frames.sensors) {
    for (let number = sensor.first; number < sensor.next; number++) {
      const slot = sensor.at(number);
      if (slot !== null) writer.frame(slot);
    }
  }
  const file = join(temporaryFolder(), '000001-alarm-hall-20260131T120000Z.ebx');
  writeFileSync(file, await packBlock(writer.bytes));
  return file;
}
const memoryOf = (site: Site): BoxMemory => site.recorder.memory;

/** As `evaluate` reads the lines of an export. */
async function evaluated(file: string, settings = {}): Promise<(Float32Array | string)[]> {
  const decoder = new LineDecoder();
  const pictures: (Float32Array | string)[] = [];
  for await (const text of evaluateLines(file, HALL_ARRAY, settings)) {
    const line = parseLine(text, 1);
    if (line.kind === 'bad' || line.kind === 'other') throw new Error(text);
    const frame = decoder.decode(line);
    if (frame.kind === 'bad') throw new Error(frame.problem);
    pictures.push(frame.kind === 'celsius' ? frame.celsius.slice() : frame.reason);
  }
  return pictures;
}

describe('a board’s frames', () => {
  it('decode again to the bit, here and by evaluate', async () => {
    const site = await Site.start(temporaryFolder(), {});
    const board = new SiteBoard(site, HALL_ARRAY, 3);
    board.sendEeprom();
    for (let i = 0; i < 20; i++) {
      site.clock.advance(1000);
      board.sendFrame(roomWith(22 + 5 * i));
    }
    const file = await fileOf(site);
    expect(await evaluated(file)).toEqual(board.pictures.map(({ celsius }) => celsius));
    expect(board.pictures).toHaveLength(20);
  });

  it('decode under another emissivity as the array would have been decoded with it', async () => {
    const site = await Site.start(temporaryFolder(), {});
    const board = new SiteBoard(site, HALL_ARRAY, 3);
    board.sendEeprom();
    const words = [40, 90, 140].map((celsius) => {
      site.clock.advance(1000);
      return board.sendFrame(roomWith(celsius)).slice();
    });
    const parsed = parseCalibration(board.array.eeprom);
    if (!parsed.ok) throw new Error(parsed.detail);
    const decoder = createFrameDecoder(parsed.calibration, {
      emissivity: 0.5,
      reflectedCelsius: 5,
    });
    const wanted = words.map((dump) => {
      const celsius = new Float32Array(768);
      decoder.decode(dump, celsius);
      return celsius;
    });
    const file = await fileOf(site);
    expect(await evaluated(file, { emissivity: 0.5, reflectedCelsius: 5 })).toEqual(wanted);
    expect(wanted[2]).not.toEqual(board.pictures[2]?.celsius);
  });

  it('without a calibration are kept, and are no data', async () => {
    const site = await Site.start(temporaryFolder(), {});
    const board = new SiteBoard(site, HALL_ARRAY, 3);
    const sent = board.sendFrame(roomWith(22)).slice();
    const file = await fileOf(site);
    const [frame] = framesOf(await recordsOf(file));
    expect(frame).toMatchObject({ outcome: 'noCalibration', words: sent });
    const [picture] = await evaluated(file);
    expect(picture).toEqual(new Float32Array(768).fill(NaN));
  });

  it('whose control register is not the EEPROM’s are exported as temperatures', async () => {
    const site = await Site.start(temporaryFolder(), {});
    const board = new SiteBoard(site, HALL_ARRAY, 3, { driverTail: true });
    board.sendEeprom();
    const interleaved = (board.array.eeprom[12] ?? 0) ^ 0x1000;
    board.sendFrame(roomWith(22), interleaved);
    board.sendFrame(roomWith(22), interleaved ^ 0x1000);
    expect(board.pictures).toHaveLength(2);
    const file = await fileOf(site);
    const lines: string[] = [];
    for await (const line of evaluateLines(file, HALL_ARRAY, {})) lines.push(line);
    expect(lines[0]).toContain('"celsius":[');
    expect(lines[1]).toContain('"ram":"');
    expect(await evaluated(file)).toEqual(board.pictures.map(({ celsius }) => celsius));
  });

  it('of a legacy board come back as what they meant', async () => {
    const site = await Site.start(temporaryFolder(), {});
    const decoding = { kind: 'legacy', offsetCelsius: 1.5 } as const;
    const board = new SiteBoard(site, HALL_ARRAY, 3, { decoding });
    board.sendFrame(roomWith(22));
    expect(await evaluated(await fileOf(site))).toEqual([board.pictures[0]?.celsius]);
  });
});

describe('an array on a bus', () => {
  const wired = async () => {
    const site = await Site.start(temporaryFolder(), WIRED);
    const pictures: Float32Array[] = [];
    const sink: FrameSink = { accept: (celsius) => void pictures.push(celsius.slice()) };
    return { site, pictures, intake: site.wired(HALL_ARRAY, sink) };
  };

  it('has its pictures again to the bit, of two dumps each', async () => {
    const { site, pictures, intake } = await wired();
    const array = new SimulatedArray({ seed: 5 });
    intake.eeprom(array.eeprom, 0);
    for (let i = 0; i < 12; i++) {
      site.clock.advance(500);
      const words = array.dump(roomWith(30 + i), { ambientCelsius: 20 + i / 10, supplyVolts: 3.3 });
      words[832] = CONTROL;
      words[833] = i % 2;
      intake.subpage(words, i % 2 === 0 ? 0 : 1, site.clock.monotonicMs());
    }
    expect(pictures).toHaveLength(6);
    const file = await fileOf(site);
    expect(await evaluated(file)).toEqual(pictures);
    const frames = framesOf(await recordsOf(file));
    expect(frames.map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? 'half' : 'picture')),
    );
    const redecoder = new Redecoder();
    const again = frames.map((frame) => ({ frame, celsius: redecoder.decode(frame)?.slice() }));
    for (const { frame, celsius } of again) {
      if (celsius !== undefined) expect(isSamePicture(frame, celsius)).toBe(true);
    }
    // From the middle of a picture on: what cannot be proved is not claimed.
    const late = new Redecoder();
    expect(frames.slice(1).map((frame) => late.decode(frame) !== null)).toEqual(
      frames.slice(1).map(({ outcome }, i) => i > 0 && outcome === 'picture'),
    );
  });

  it('that sends temperatures itself has them again, with its ambient', async () => {
    const { site, pictures, intake } = await wired();
    const hundredths = new Uint16Array(768).fill(2150);
    hundredths[5] = 0x8000;
    intake.computed(hundredths, 24.5, 1000);
    const file = await fileOf(site);
    expect(await evaluated(file)).toEqual(pictures);
    expect(pictures).toHaveLength(1);
    expect(framesOf(await recordsOf(file))[0]).toMatchObject({
      ambientCelsius: 24.5,
      outcome: 'picture',
      words: hundredths,
    });
  });
});

describe.skipIf(!hasShared('device-capture'))('the captured board (needs ../shared/data)', () => {
  it('comes back from a file with the temperatures that the intake computes', async () => {
    const capture = readCapture();
    const site = await Site.start(temporaryFolder(), WIRED);
    const tap = site.recorder.openRawTap(HALL_ARRAY);
    tap?.decoding(
      { kind: 'pictures', controlRegister: 'eeprom', emissivity: 0.95, reflectedCelsius: null },
      capture.eeprom,
    );
    const parsed = parseCalibration(capture.eeprom);
    if (!parsed.ok) throw new Error(parsed.detail);
    const decoder = createFrameDecoder(parsed.calibration);
    const pictures = capture.frames.map((words, i) => {
      const celsius = new Float32Array(768);
      tap?.words(words, null, 4090 * i, NaN);
      decoder.decode(words, celsius);
      tap?.picture(celsius, true);
      return celsius;
    });
    expect(await evaluated(await fileOf(site))).toEqual(pictures);
    expect(pictures).toHaveLength(108);
  });
});

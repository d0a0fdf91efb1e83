/** The commands on recordings that are not as they should be: a proof must be able to fail. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runBoxExport, runBoxList, runBoxVerify } from '../../src/commands/blackbox.ts';
import { packBlock } from '../../src/store/black-box/block.ts';
import type { FrameSlot } from '../../src/store/black-box/frame-memory.ts';
import { RecordWriter } from '../../src/store/black-box/record-writer.ts';
import type { TextRecord } from '../../src/store/black-box/record.ts';
import { roomWith, Site, SiteBoard } from './site.ts';
import { HALL_ARRAY, HEADER, temporaryFolder, until } from './support.ts';

// The detector remembers a minute: a recording that begins later cannot prove times.
const RECORDING = { blackBox: { beforeSeconds: 60, afterSeconds: 10 } };
const NAME = '000001-alarm-hall-20260131T120000Z.ebx';

let said: { out: string[]; err: string[] };
const io = {
  out: (line: string) => void said.out.push(line),
  err: (line: string) => void said.err.push(line),
};
beforeEach(() => {
  said = { out: [], err: [] };
});

/** A fire in the hall, recorded; the folder of the recording. */
async function recordedFire(): Promise<{ readonly folder: string; readonly site: Site }> {
  const state = temporaryFolder();
  const site = await Site.start(state, RECORDING);
  const board = new SiteBoard(site, HALL_ARRAY, 4);
  board.sendEeprom();
  const cycle = (): void => {
    board.sendFrame(roomWith(Math.max(22, site.clock.monotonicMs() / 200 - 100)));
    site.runtime.step();
    site.clock.after(1000, cycle);
  };
  cycle();
  const folder = join(state, 'black-box');
  await until({ clock: site.clock, isBusy: site.isBusy }, 'recorded', () => {
    if (!site.has('alarm', 'hall')) return false;
    return readdirSync(folder).some((name) => name.endsWith('.ebx'));
  });
  return { folder, site };
}

/** One recording with these records, and what memory holds of the hall's array. */
async function madeOf(
  site: Site,
  records: readonly TextRecord[],
  change: (slot: FrameSlot) => void = () => undefined,
): Promise<string> {
  const folder = temporaryFolder();
  const writer = new RecordWriter();
  for (const record of records) writer.text(record);
  const frames = site.recorder.memory.frames.of(HALL_ARRAY);
  for (let number = frames.first; number < frames.next; number++) {
    const slot = frames.at(number);
    if (slot === null) continue;
    change(slot);
    writer.frame(slot);
  }
  writer.text({ kind: 'end', atMs: 0, wall: '', reason: 'over', frames: writer.frames });
  writeFileSync(join(folder, NAME), await packBlock(writer.bytes));
  return folder;
}

describe('verify', () => {
  it('says that a recorded fire is as it was', async () => {
    const { folder } = await recordedFire();
    expect(await runBoxVerify(folder, null, { json: false }, io)).toBe(0);
    expect(said.out).toEqual([expect.stringMatching(/^hall-array: .*as it was$/)]);
  });

  it('finds a picture that was not made of these words', async () => {
    const { site } = await recordedFire();
    const folder = await madeOf(site, [HEADER], (slot) => {
      slot.words[300] = (slot.words[300] ?? 0) ^ 0x10;
    });
    expect(await runBoxVerify(folder, '1', { json: false }, io)).toBe(1);
    expect(said.out.join()).toMatch(/DIFFERS: \d+ of \d+ pictures decode to other bits/);
  });

  it('finds another highest temperature, and an alarm that would not be raised', async () => {
    const { site } = await recordedFire();
    const { config } = site;
    const alarm = site.events.find(({ type }) => type === 'alarm');
    const frames = site.recorder.memory.frames.of(HALL_ARRAY);
    const atMs = (frames.at(frames.first)?.atMs ?? 0) + 500;
    if (alarm === undefined) throw new Error('no alarm');
    const records: TextRecord[] = [
      { ...HEADER, config },
      { kind: 'event', atMs, event: alarm },
      { kind: 'evidence', sensor: HALL_ARRAY, channel: 'thermal', rows: [[atMs, 777]] },
    ];
    const folder = await madeOf(site, records);
    expect(await runBoxVerify(folder, '1', { json: false }, io)).toBe(1);
    expect(said.out.join('\n')).toMatch(/DIFFERS: highest temperature 777.000 C was seen, now/);
    expect(said.out.join('\n')).toMatch(/DIFFERS: alarm at 0.50 s was raised, now it would be/);
  });

  it('says which settings it lacks instead of comparing without them', async () => {
    const { site } = await recordedFire();
    const folder = await madeOf(site, [{ ...HEADER, config: { nonsense: true } }]);
    expect(await runBoxVerify(folder, '1', { json: true }, io)).toBe(0);
    expect(said.out.join()).toContain('no settings of this release are recorded');
  });

  it('proves what is left of a torn recording, and says where it ends', async () => {
    const { folder } = await recordedFire();
    const file = join(folder, readdirSync(folder)[0] ?? '');
    truncateSync(file, Math.floor(readFileSync(file).length * 0.8));
    expect(await runBoxVerify(folder, '1', { json: true }, io)).toBe(3);
    const proof = JSON.parse(said.out[0] ?? '') as {
      problems: string[];
      sensors: { pictures: number; same: number }[];
    };
    expect(proof.problems).toHaveLength(1);
    expect(proof.sensors[0]?.same).toBe(proof.sensors[0]?.pictures);
    expect(proof.sensors[0]?.same).toBeGreaterThan(3);
  });
});

describe('list and export', () => {
  it('tell a torn recording from one that is being written, and read both', async () => {
    const { folder } = await recordedFire();
    const name = readdirSync(folder)[0] ?? '';
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes.subarray(0, bytes.length - 50));
    const next = name.replace('000001', '000002');
    writeFileSync(join(folder, `${next}.part`), bytes.subarray(0, bytes.length - 50));
    writeFileSync(join(folder, 'notes.txt'), 'not ours');
    expect(await runBoxList(folder, { json: true }, io)).toBe(0);
    const states = said.out.map((line) => (JSON.parse(line) as { state: string }).state);
    expect(states).toEqual(['torn', 'writing']);
    const to = join(temporaryFolder(), 'out.ndjson');
    expect(await runBoxExport(folder, '1', { sensor: null, to }, io)).toBe(0);
    expect(readFileSync(to, 'utf8')).toContain('"kind":"damage"');
  });

  it('say that nothing is recorded', async () => {
    const folder = temporaryFolder();
    expect(await runBoxList(folder, { json: false }, io)).toBe(0);
    expect(said.out[0]).toContain('nothing is recorded');
    expect(await runBoxExport(folder, '1', { sensor: null, to: 'x' }, io)).toBe(3);
    expect(said.err[0]).toContain('no recording "1"');
  });
});

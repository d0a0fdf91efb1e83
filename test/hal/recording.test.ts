import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRecording, RecordedBoard } from '../../src/hal/recording.ts';
import { ManualClock } from './manual-clock.ts';

const CAPTURE = resolve(import.meta.dirname, '../../../shared/data/device-capture/stream.bin');

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const text = (part: Uint8Array | null): string | null =>
  part === null ? null : Buffer.from(part).toString('latin1');

function cyclesOf(stream: string): { first: string | null; sensor: string | null }[] {
  const { cycles } = parseRecording(bytes(stream));
  return cycles.map(({ first, sensor }) => ({ first: text(first), sensor: text(sensor) }));
}

describe('a recording cut into cycles', () => {
  it('ends a cycle with its sensor packet and sets the calibration aside', () => {
    const stream = '#EEPROM:AB!\r\n#frame:1!\r\n#Sensor:A=1!\r\n#frame:2!\r\n#Sensor:A=2!\r\n';
    expect(cyclesOf(stream)).toEqual([
      { first: '\r\n#frame:1!', sensor: '\r\n#Sensor:A=1!' },
      { first: '\r\n#frame:2!', sensor: '\r\n#Sensor:A=2!' },
    ]);
    expect(text(parseRecording(bytes(stream)).eeprom)).toBe('#EEPROM:AB!');
  });

  it('starts a cycle at each frame where there are no sensor packets', () => {
    expect(cyclesOf('#frame:1!#frame:2!#frame:3')).toEqual([
      { first: '#frame:1!', sensor: null },
      { first: '#frame:2!', sensor: null },
    ]);
  });

  it('plays damaged packets where they stood', () => {
    expect(cyclesOf('#frame:1\x00!#fra#frame:2!#Sensor:A=1!')).toEqual([
      { first: '#frame:1\x00!#fra#frame:2!', sensor: '#Sensor:A=1!' },
    ]);
  });

  it.each(['', 'nothing', '#', '\x00\xff!!'])('finds none in %j', (stream) => {
    expect(cyclesOf(stream)).toEqual([]);
  });

  it('keeps every byte up to the last packet, in order, but the calibration', () => {
    const piece = fc.constantFrom('#frame:1!', '#Sensor:A=1!', '#locid:x!', '\r\n', 'junk', '#bad');
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const stream = `${pieces.join('')}#Sensor:end!`;
        const { cycles } = parseRecording(bytes(stream));
        const played = cycles.map(
          ({ first, sensor }) => (text(first) ?? '') + (text(sensor) ?? ''),
        );
        expect(played.join('')).toBe(stream);
      }),
    );
  });

  describe.skipIf(!existsSync(CAPTURE))('the capture of a real board (shared/data)', () => {
    it('has 108 cycles and a calibration', () => {
      const recording = parseRecording(readFileSync(CAPTURE));
      expect(recording.cycles).toHaveLength(108);
      expect(recording.cycles.every(({ sensor }) => sensor !== null)).toBe(true);
      expect(text(recording.eeprom)).toMatch(/^#EEPROM1234:[0-9A-F]{3328}!$/);
    });
  });
});

describe('a board made of a recording', () => {
  const recording = parseRecording(bytes('#EEPROM:E!#frame:1!#Sensor:A=1!#frame:2!#Sensor:A=2!'));

  function board(loop: boolean) {
    const clock = new ManualClock();
    const startMs = clock.monotonicMs();
    const sent: [number, string | null][] = [];
    let ended = 0;
    const played = new RecordedBoard({
      recording,
      clock,
      cadenceMs: 4090,
      loop,
      send: (part) => sent.push([Math.round(clock.monotonicMs() - startMs), text(part)]),
      ended: () => {
        ended += 1;
      },
    });
    return { clock, played, sent, ended: () => ended };
  }

  it('waits for its start command and keeps the pace of the real board', () => {
    const { clock, played, sent, ended } = board(false);
    clock.advance(10_000);
    played.command('NONSENSE');
    expect(sent).toEqual([]);
    played.command('PERIOD_ON');
    played.command('PERIOD_ON');
    clock.advance(60_000);
    expect(sent).toEqual([
      [10_000, '#frame:1!'],
      [10_490, '#Sensor:A=1!'],
      [14_090, '#frame:2!'],
      [14_580, '#Sensor:A=2!'],
    ]);
    expect(ended()).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('starts again at the end when told to', () => {
    const { clock, played, sent, ended } = board(true);
    played.command('PERIODIC_ON\r\n');
    clock.advance(4 * 4090 - 1);
    expect(sent.map(([, part]) => part)).toEqual([
      ...['#frame:1!', '#Sensor:A=1!', '#frame:2!', '#Sensor:A=2!'],
      ...['#frame:1!', '#Sensor:A=1!', '#frame:2!', '#Sensor:A=2!'],
    ]);
    expect(ended()).toBe(0);
    played.close();
    expect(clock.pending).toBe(0);
  });

  it('answers a request with one cycle', () => {
    const { clock, played, sent } = board(false);
    played.command('REQUEST1');
    clock.advance(4000);
    expect(sent.map(([, part]) => part)).toEqual(['#frame:1!', '#Sensor:A=1!']);
  });

  it('answers with its calibration, and lets the next cycle wait for it', () => {
    const { clock, played, sent } = board(false);
    played.command('PERIOD_ON');
    clock.advance(4000);
    played.command('EEPROM1');
    played.command('EEPROM1');
    clock.advance(2000);
    expect(sent.slice(2)).toEqual([
      [4900, '#EEPROM:E!'],
      [4900, '#frame:2!'],
      [5390, '#Sensor:A=2!'],
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Board, type BoardOptions } from '../../src/simulator/board.ts';
import { type BoardSource, SyntheticSource } from '../../src/simulator/board-source.ts';
import { REAL_BOARD_TIMING } from '../../src/simulator/board-timing.ts';
import { REAL_BOARD_STYLE } from '../../src/simulator/packets.ts';
import { seededRandom } from '../../src/simulator/random.ts';
import { packetsOf, type Timed, Tape } from './tape.ts';

/** Small recognisable packets instead of pictures: the machine does not look into them. */
function numbered(): BoardSource {
  let frames = 0;
  return {
    announcements: () => [Buffer.from('#serialno:S1!'), Buffer.from('#locid:lab!')],
    frame: () => Buffer.from(`#frame:${String(++frames).padStart(4, '0')}${'A'.repeat(300)}!`),
    readings: () => Buffer.from(`#Sensor:ADC1=${frames}!`),
    eeprom: () => Buffer.from(`#EEPROM:${'E'.repeat(300)}!`),
  };
}

function boot(options: BoardOptions = {}, source = numbered()): Tape {
  const tape = new Tape(new Board(source, options, seededRandom(1)));
  tape.board.linkUp(0);
  return tape;
}

const kinds = (timed: readonly Timed[]): readonly string[] =>
  packetsOf(timed).map(({ text }) => /^#[A-Za-z]+/.exec(text)?.[0] ?? text);
const CYCLE = REAL_BOARD_TIMING.cycleMs;

describe('board', () => {
  it('announces itself and is then quiet until it is told to stream', () => {
    const tape = boot();
    tape.until(60_000);
    expect(kinds(tape.sent)).toEqual(['#serialno', '#locid']);
    tape.hear('PERIOD_ON');
    tape.until(61_000);
    expect(kinds(tape.sent)).toEqual(['#serialno', '#locid', '#frame', '#Sensor']);
  });

  it('keeps the real cadence: a frame each 4.09 s, its readings 0.49 s after it', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(60_000);
    const packets = packetsOf(tape.sent);
    const frames = packets.filter(({ text }) => text.startsWith('#frame'));
    expect(frames).toHaveLength(15);
    for (const [i, { startMs }] of frames.slice(1).entries()) {
      expect(startMs - (frames[i]?.startMs ?? 0)).toBeCloseTo(CYCLE, 3);
    }
    for (const frame of frames.slice(0, -1)) {
      const next = packets[packets.indexOf(frame) + 1];
      expect(next?.text).toMatch(/^#Sensor/);
      expect((next?.endMs ?? 0) - frame.endMs).toBeCloseTo(490, 3);
    }
  });

  it('answers EEPROM1 in a quiet gap and makes that cycle 4.89 s long', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(1_000);
    tape.hear('EEPROM1');
    tape.until(12_000);
    const packets = packetsOf(tape.sent);
    const at = packets.findIndex(({ text }) => text.startsWith('#EEPROM'));
    expect(packets[at - 1]?.text).toMatch(/^#Sensor/);
    expect(packets[at + 1]?.text).toMatch(/^#frame/);
    const starts = packets.filter(({ text }) => text.startsWith('#frame')).map((p) => p.startMs);
    const gaps = starts.slice(1).map((ms, i) => Math.round(ms - (starts[i] ?? 0)));
    expect(gaps).toEqual([CYCLE + 800, CYCLE]);
  });

  it('answers REQUEST1 with one frame and its readings, and PERIOD_ON not at all, on demand', () => {
    const tape = boot({ mode: 'onDemand' });
    tape.hear('PERIOD_ON');
    tape.until(10_000);
    expect(kinds(tape.sent)).toEqual(['#serialno', '#locid']);
    tape.hear('REQUEST1');
    tape.until(30_000);
    expect(kinds(tape.sent).slice(2)).toEqual(['#frame', '#Sensor']);
  });

  it('loses a command that comes while a frame is on the wire, and damages that frame', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(120);
    tape.hear('EEPROM1');
    tape.until(30_000);
    expect(tape.board.counts).toMatchObject({ lostCommands: 1, damagedPackets: 1, eeproms: 0 });
    const frames = packetsOf(tape.sent).filter(({ text }) => text.startsWith('#frame'));
    const [damaged, ...whole] = frames.map(({ text }) => text.length);
    expect(new Set(whole).size).toBe(1);
    const missing = (whole[0] ?? 0) - (damaged ?? 0);
    expect(missing).toBeGreaterThanOrEqual(12);
    expect(missing).toBeLessThanOrEqual(16);
    expect(frames[0]?.text.slice(7, -1)).toMatch(/[^0-9A-F]/);
  });

  it('hears a command at any time where the line is not half-duplex', () => {
    const tape = boot({ halfDuplex: false });
    tape.hear('PERIOD_ON');
    tape.until(120);
    tape.hear('EEPROM1');
    tape.until(30_000);
    expect(tape.board.counts).toMatchObject({ lostCommands: 0, damagedPackets: 0, eeproms: 1 });
  });

  it('forgets everything in a boot and waits to be told again', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(10_000);
    const before = tape.sent.length;
    tape.board.reboot(tape.nowMs);
    tape.until(30_000);
    expect(kinds(tape.sent.slice(before))).toEqual(['#serialno', '#locid']);
    tape.hear('PERIOD_ON');
    tape.until(31_000);
    expect(kinds(tape.sent).at(-1)).toBe('#Sensor');
  });

  it('goes on after a lost connection without being told, with a fresh announcement', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(10_000);
    tape.board.linkDown();
    tape.until(20_000);
    const before = tape.sent.length;
    tape.board.linkUp(tape.nowMs);
    tape.until(21_000);
    expect(kinds(tape.sent.slice(before))).toEqual(['#serialno', '#locid', '#frame', '#Sensor']);
  });

  it.each([
    ['none', 'PERIOD_ON', true],
    ['none', 'PERIOD_ON\r\n', false],
    ['none', 'PERIOD_ONREQUEST1', false],
    ['lf', 'PERIOD_ON', false],
    ['lf', 'PERIOD_ON\n', true],
    ['crlf', 'PERIOD_ON\n', false],
    ['crlf', 'PERIOD_ON\r\n', true],
    ['any', 'PERIOD_ON', true],
    ['any', 'PERIOD_ON\r\n', true],
    ['any', 'PERIODIC_ON', false],
  ] as const)('with terminator %s hears %j: %s', (commandTerminator, text, heard) => {
    const tape = boot({ commandTerminator });
    tape.hear(text);
    tape.until(1_000);
    expect(tape.board.streaming).toBe(heard);
  });

  it('can want another word for the periodic command', () => {
    const tape = boot({ periodicOn: 'PERIODIC_ON' });
    tape.hear('PERIOD_ON');
    tape.until(1_000);
    expect(tape.board.streaming).toBe(false);
    expect(tape.board.counts.unknownCommands).toBe(1);
    tape.hear('PERIODIC_ON');
    tape.until(2_000);
    expect(tape.board.streaming).toBe(true);
  });

  it('sends one cycle and no burst to a caller that comes back after an hour', () => {
    const tape = boot();
    tape.hear('PERIOD_ON');
    tape.until(10_000);
    const { bytes } = tape.board.step(3_600_000);
    expect(bytes.length).toBeLessThanOrEqual(2);
  });
});

describe('board, whatever happens to it', () => {
  const happening = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 6_000 }) }),
    fc.record({
      kind: fc.constant('hear' as const),
      text: fc.constantFrom('PERIOD_ON', 'EEPROM1', 'REQUEST1', '\r\n', 'noise', 'EEP', 'ROM1'),
    }),
    fc.record({ kind: fc.constantFrom('reboot' as const, 'relink' as const) }),
  );

  it('frames and readings alternate, packets stay whole unless somebody talked into one', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), fc.integer(), (happenings, seed) => {
        const board = new Board(numbered(), {}, seededRandom(seed));
        const tape = new Tape(board);
        board.linkUp(0);
        for (const one of happenings) {
          if (one.kind === 'wait') tape.until(tape.nowMs + one.ms);
          else if (one.kind === 'hear') tape.hear(one.text);
          else if (one.kind === 'reboot') tape.reboot();
          else tape.relink();
        }
        tape.until(tape.nowMs + 10_000);
        expect(board.counts.readings).toBeLessThanOrEqual(board.counts.frames);
        expect(board.counts.damagedPackets).toBeLessThanOrEqual(board.counts.lostCommands);
        const lengths = packetsOf(tape.sent)
          .filter(({ text }) => text.startsWith('#frame'))
          .map(({ text }) => text.length);
        const short = lengths.filter((length) => length !== 312);
        expect(short.length).toBeLessThanOrEqual(board.counts.damagedPackets);
        for (const length of short) expect(312 - length).toBeLessThanOrEqual(16);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for any timing of the calls between two happenings', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 80 }), (steps) => {
        const often = boot();
        const seldom = boot();
        for (const tape of [often, seldom]) tape.hear('PERIOD_ON');
        for (const ms of steps) often.pollAt(often.nowMs + ms);
        const end = Math.max(often.nowMs, 20_000);
        often.until(end);
        seldom.until(end);
        const texts = (tape: Tape): string =>
          packetsOf(tape.sent)
            .map((p) => p.text)
            .join('');
        expect(texts(often)).toBe(texts(seldom));
      }),
      { numRuns: 50 },
    );
  });
});

describe('synthetic board', () => {
  it.each([
    ['glued', '#frame1234:', '#Sensor1234:'],
    ['separate', '#frame:1234:', '#Sensor:1234:'],
    ['absent', '#frame:', '#Sensor:'],
  ] as const)('writes its location %s', (locationForm, frame, readings) => {
    const style = { ...REAL_BOARD_STYLE, locationForm };
    const array = { seed: 1 };
    const source = new SyntheticSource({ serial: 'S', array, scene: { seed: 1 }, style });
    const [first, second] = [source.frame(0), source.readings(490)].map(String);
    expect(first).toMatch(new RegExp(`^${frame}[0-9A-F]{3336}!\\r\\n$`));
    expect(second).toMatch(
      new RegExp(`^${readings}ADC1=\\d+,ADC2=\\d+,ADC3:=\\d+,DIO=[01]!\\r\\n$`),
    );
    expect(String(source.eeprom())).toMatch(/^#EEPROM:?(1234:)?[0-9A-F]{3328}!\r\n$/);
  });

  it('spells keys and line ends as told', () => {
    const style = {
      ...REAL_BOARD_STYLE,
      digitalKey: 'MPY30',
      thirdAnalogKey: 'ADC3',
      terminator: '',
    } as const;
    const options = { serial: null, array: { seed: 1 }, scene: { seed: 1 }, style };
    const source = new SyntheticSource(options);
    expect(String(source.readings(0))).toMatch(/,ADC3=\d+,MPY30=0!$/);
    expect(source.announcements().map(String)).toEqual(['#locid:1234!']);
  });
});

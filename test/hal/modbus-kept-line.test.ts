/** Turns, silence, repetition and reopening, with time and a wire of the test's own. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ModbusAddress, ModbusRead } from '../../src/hal/bus-ports.ts';
import { frameGapMs, requestProblem } from '../../src/hal/modbus/address.ts';
import { KeptLine, QUEUE_LIMIT } from '../../src/hal/modbus/kept-line.ts';
import type { ModbusWire } from '../../src/hal/modbus/wire.ts';
import type { HalError, HalErrorKind, HalResult } from '../../src/hal/ports.ts';
import { done, failed } from '../../src/hal/ports.ts';
import { ManualClock, seededRandom, settle } from './manual-clock.ts';

const RTU: ModbusAddress = {
  kind: 'rtu',
  path: '/dev/ttyUSB0',
  baudRate: 9600,
  parity: 'even',
  stopBits: 1,
};
const TCP: ModbusAddress = { kind: 'tcp', host: '10.0.0.7', port: 502 };
const TIMEOUT_MS = 200;
const THINKS_MS = 10;

const asked = (unit: number, address = 0): ModbusRead => ({
  unit,
  table: 'holding',
  address,
  count: 1,
  timeoutMs: TIMEOUT_MS,
});

/** Answers as it is told: a kind of trouble, or the unit's number. */
class TestWire implements ModbusWire {
  stale = false;
  closed = false;
  lose: (error: HalError) => void = () => undefined;
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async exchange(request: ModbusRead): Promise<HalResult<Uint16Array>> {
    const { clock, log } = this.#bench;
    const trouble = this.#bench.troubles.shift() ?? this.#bench.trouble(request);
    log.push({ unit: request.unit, fromMs: clock.monotonicMs() });
    await new Promise<void>((resolve) => {
      clock.after(trouble === 'timeout' ? request.timeoutMs : THINKS_MS, resolve);
    });
    if (this.closed) return failed('other', 'closed');
    if (trouble === null) return done(Uint16Array.of(request.unit));
    return failed(trouble, `unit ${request.unit}: ${trouble}`);
  }

  async discard(): Promise<void> {
    this.#bench.discards += 1;
  }

  onLost(listener: (error: HalError) => void): void {
    this.lose = listener;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

class Bench {
  readonly clock = new ManualClock();
  readonly log: { unit: number; fromMs: number }[] = [];
  readonly wires: TestWire[] = [];
  /** For the next exchanges, then `trouble`. */
  readonly troubles: (HalErrorKind | null)[] = [];
  trouble: (request: ModbusRead) => HalErrorKind | null = () => null;
  discards = 0;
  openFault: HalErrorKind | null = null;
  openings = 0;

  line(address: ModbusAddress): KeptLine {
    return new KeptLine({
      address,
      clock: this.clock,
      random: seededRandom(5),
      openWire: async () => {
        this.openings += 1;
        if (this.openFault !== null) return failed(this.openFault, `no line (${this.openFault})`);
        const wire = new TestWire(this);
        this.wires.push(wire);
        return done(wire);
      },
    });
  }

  /** The result of a read, and how long it took. */
  async read(line: KeptLine, request: ModbusRead) {
    const fromMs = this.clock.monotonicMs();
    const result = line
      .read(request, () => true)
      .then((value) => ({
        got: value.ok ? value.value[0] : value.error.kind,
        said: value.ok ? '' : value.error.message,
        tookMs: this.clock.monotonicMs() - fromMs,
      }));
    await this.clock.run(10_000);
    return result;
  }
}

describe('a kept Modbus line', () => {
  let bench: Bench;
  let line: KeptLine;
  beforeEach(async () => {
    bench = new Bench();
    line = bench.line(RTU);
    expect((await line.open()).ok).toBe(true);
  });

  it('asks one after another, with 3.5 characters of silence between', async () => {
    const gapMs = (3.5 * 1000 * 11) / 9600;
    expect(frameGapMs(RTU)).toBeCloseTo(gapMs, 9);
    const reads = [3, 1, 2].map((unit) => line.read(asked(unit), () => true));
    await bench.clock.run(1000);
    const values = (await Promise.all(reads)).map((one) => (one.ok ? one.value[0] : 'failed'));
    expect(values).toEqual([3, 1, 2]);
    const [first, second, third] = bench.log.map(({ fromMs }) => fromMs);
    expect((second ?? 0) - (first ?? 0)).toBeCloseTo(THINKS_MS + gapMs, 6);
    expect((third ?? 0) - (second ?? 0)).toBeCloseTo(THINKS_MS + gapMs, 6);
  });

  it.each<HalErrorKind>(['timeout', 'corrupt'])('asks once more after %s', async (kind) => {
    bench.troubles.push(kind);
    expect((await bench.read(line, asked(4))).got).toBe(4);
    expect(bench.log).toHaveLength(2);
  });

  it.each<HalErrorKind>(['other', 'absent'])('does not repeat after %s', async (kind) => {
    bench.troubles.push(kind);
    expect((await bench.read(line, asked(4))).got).toBe(kind);
    expect(bench.log).toHaveLength(1);
  });

  it('listens as long again after silence, and once more after the repetition', async () => {
    bench.troubles.push('timeout');
    await bench.read(line, asked(4));
    await bench.read(line, asked(5));
    const [first, again] = bench.log.map(({ fromMs }) => fromMs);
    expect((again ?? 0) - (first ?? 0)).toBe(2 * TIMEOUT_MS);
    bench.log.length = 0;
    bench.troubles.push('timeout');
    const both = [line.read(asked(6), () => true), line.read(asked(7), () => true)];
    await bench.clock.run(10_000);
    await Promise.all(both);
    const [, repeated, next] = bench.log.map(({ fromMs }) => fromMs);
    expect((next ?? 0) - (repeated ?? 0)).toBe(THINKS_MS + TIMEOUT_MS);
    expect(bench.discards).toBe(bench.log.length + 3);
  });

  it('asks a silent unit only once, until it answers again', async () => {
    bench.trouble = ({ unit }) => (unit === 9 ? 'timeout' : null);
    expect((await bench.read(line, asked(9))).got).toBe('timeout');
    expect(bench.log).toHaveLength(2);
    await bench.read(line, asked(9));
    expect(bench.log).toHaveLength(3);
    bench.trouble = () => null;
    await bench.read(line, asked(9));
    bench.troubles.push('timeout');
    expect((await bench.read(line, asked(9))).got).toBe(9);
    expect(bench.log).toHaveLength(6);
  });

  it('fails at once while it is down, and comes back by itself', async () => {
    bench.openFault = 'absent';
    bench.wires[0]?.lose(failed('absent', 'unplugged').error);
    const down = await line.read(asked(1), () => true);
    expect(down).toMatchObject({ ok: false, error: { kind: 'absent' } });
    expect(down.ok ? '' : down.error.message).toContain('unplugged');
    await bench.clock.run(60_000);
    expect((await bench.read(line, asked(1))).said).toContain('no line');
    expect(bench.openings).toBeGreaterThan(4);
    bench.openFault = null;
    await bench.clock.run(30_000);
    expect((await bench.read(line, asked(1))).got).toBe(1);
    const { openings } = bench;
    await bench.clock.run(600_000);
    expect(bench.openings).toBe(openings);
  });

  it('lets the wire of before say what it likes', async () => {
    const first = bench.wires[0];
    first?.lose(failed('absent', 'unplugged').error);
    await bench.clock.run(1000);
    first?.lose(failed('absent', 'unplugged').error);
    expect((await bench.read(line, asked(1))).got).toBe(1);
    expect(bench.wires).toHaveLength(2);
  });

  it('has as many waiting as it may, and no more', async () => {
    const reads = Array.from({ length: QUEUE_LIMIT + 1 }, () => line.read(asked(1), () => true));
    const last = await reads.at(-1);
    expect(last).toMatchObject({ ok: false, error: { kind: 'busy' } });
    await bench.clock.run(10_000);
    for (const read of reads.slice(0, -1)) expect((await read).ok).toBe(true);
  });

  it('leaves out what nobody waits for any more', async () => {
    let wanted = true;
    const first = line.read(asked(1), () => true);
    const second = line.read(asked(2), () => wanted);
    await settle();
    wanted = false;
    await bench.clock.run(1000);
    expect((await first).ok).toBe(true);
    expect((await second).ok).toBe(false);
    expect(bench.log.map(({ unit }) => unit)).toEqual([1]);
  });

  it('leaves nothing behind when closed, at whatever moment', async () => {
    for (let atMs = 0; atMs < 700; atMs += 25) {
      bench = new Bench();
      line = bench.line(RTU);
      await line.open();
      bench.trouble = () => 'timeout';
      const reads = [1, 2].map((unit) => line.read(asked(unit), () => true));
      await bench.clock.run(atMs);
      const closing = line.close();
      await bench.clock.run(TIMEOUT_MS);
      await closing;
      await Promise.all(reads);
      expect(await line.read(asked(1), () => true)).toMatchObject({ ok: false });
      expect(bench.clock.pending).toBe(0);
      expect(bench.wires.every((wire) => wire.closed)).toBe(true);
    }
  });

  it.each([
    [RTU, asked(0), /unit 0/],
    [RTU, asked(248), /unit 248/],
    [TCP, asked(256), /unit 256/],
    [RTU, { ...asked(1), count: 126 }, /126 registers/],
    [RTU, { ...asked(1), table: 'coil' as const, count: 2001 }, /2001 bits/],
    [RTU, asked(1, 65_536), /beyond/],
    [RTU, { ...asked(1), timeoutMs: 0 }, /timeout/],
  ])('does not ask on %o for %o', async (address, request, words) => {
    expect(requestProblem(address, request)).toMatch(words);
    const read = bench.line(address).read(request, () => true);
    expect(await read).toMatchObject({ ok: false, error: { kind: 'other' } });
  });
});

describe('a kept Modbus line over TCP', () => {
  it('does not wait between requests, nor after silence', async () => {
    const bench = new Bench();
    const line = bench.line(TCP);
    await line.open();
    bench.troubles.push('timeout');
    expect(await bench.read(line, asked(1))).toMatchObject({ tookMs: TIMEOUT_MS + THINKS_MS });
  });

  it('is opened anew after three requests without answer, without a blink', async () => {
    const bench = new Bench();
    const line = bench.line(TCP);
    await line.open();
    bench.trouble = () => 'timeout';
    await bench.read(line, asked(1));
    await bench.read(line, asked(1));
    expect(bench.wires).toHaveLength(1);
    bench.trouble = () => null;
    expect((await bench.read(line, asked(1))).got).toBe(1);
    expect(bench.wires.map(({ closed }) => closed)).toEqual([true, false]);
  });

  it('is opened ever less often where each connection is ended at once', async () => {
    const bench = new Bench();
    const line = bench.line(TCP);
    await line.open();
    bench.trouble = () => {
      bench.wires.at(-1)?.lose(failed('absent', 'ended').error);
      return 'absent';
    };
    for (let second = 0; second < 60; second++) await bench.read(line, asked(1));
    expect(bench.openings).toBeLessThan(50);
    bench.trouble = () => null;
    await bench.clock.run(31_000);
    expect(await bench.read(line, asked(7))).toMatchObject({ got: 7 });
  });

  it('is opened anew where bytes are out of step', async () => {
    const bench = new Bench();
    const line = bench.line(TCP);
    await line.open();
    const [first] = bench.wires;
    if (first !== undefined) first.stale = true;
    expect((await bench.read(line, asked(2))).got).toBe(2);
    expect(first?.closed).toBe(true);
    bench.openFault = 'absent';
    const [, second] = bench.wires;
    if (second !== undefined) second.stale = true;
    expect((await bench.read(line, asked(2))).got).toBe('absent');
    bench.openFault = null;
    await bench.clock.run(30_000);
    expect((await bench.read(line, asked(2))).got).toBe(2);
  });
});

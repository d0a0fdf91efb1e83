import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type LoadOptions, runLoad } from '../../src/commands/load.ts';
import { growth, parseMetrics, quantile, total } from '../../src/commands/load-metrics.ts';
import type { LoadReport } from '../../src/commands/load-report.ts';
import { buildTraffic } from '../../src/commands/load-traffic.ts';
import { commandIo, openPage, openPort, type TestPort } from './sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'load-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Counts what arrived like an appliance would, `missing` sensor packets short. */
function page(port: TestPort, missing = 0): string {
  const all = port.sockets.map((_, i) => port.received(i)).join('');
  const count = (packet: RegExp): number => (all.match(packet) ?? []).length;
  const sensors = Math.max(0, count(/#Sensor[^!]*!/g) - missing);
  const frames = count(/#frame[^!]*!/g);
  return [
    '# TYPE embereye_ingest_packets_total counter',
    `embereye_ingest_packets_total{kind="sensor"} ${sensors}`,
    `embereye_ingest_packets_total{kind="frame"} ${frames}`,
    `embereye_ingest_packets_total{kind="eeprom"} ${count(/#EEPROM[^!]*!/g)}`,
    `embereye_decided_packets_total ${sensors}`,
    `embereye_frames_decided_total ${frames}`,
    `embereye_ingest_errors_total{reason="cut"} ${missing}`,
    `embereye_decision_seconds_bucket{le="0.001"} ${sensors}`,
    `embereye_decision_seconds_bucket{le="+Inf"} ${sensors}`,
    '',
  ].join('\n');
}

async function load(
  options: Partial<LoadOptions>,
  missing = 0,
): Promise<{ code: number; report: LoadReport; received: readonly string[] }> {
  const port = await openPort((socket, all) => {
    if (all === '') socket.write('EEPROM1');
  });
  let reads = 0;
  // The first reading is the one before the load: nothing can be missing yet.
  const metrics = await openPage(() => page(port, reads++ === 0 ? 0 : missing));
  const io = commandIo();
  const code = await runLoad(
    {
      host: '127.0.0.1',
      port: port.port,
      clients: 3,
      metricsUrl: metrics.url,
      seed: 's',
      json: true,
      ...options,
    },
    io,
  );
  const received = port.sockets.map((_, i) => port.received(i));
  await port.close();
  metrics.close();
  return { code, report: JSON.parse(io.lines[0] ?? 'null') as LoadReport, received };
}

describe('load', () => {
  it('offers exactly what was asked for and finds all of it processed', async () => {
    const { code, report, received } = await load({ packets: 5000 });
    expect(code).toBe(0);
    expect(report.offered).toMatchObject({ clients: 3, packets: 15_000, frames: 0 });
    expect(report.server).toMatchObject({ packets: 15_000, lost: 0, decidedPackets: 15_000 });
    expect(report.server?.latencyMs.p50).toBeCloseTo(0.5, 6);
    const sensors = received.map((text) => (text.match(/#Sensor[^!]*!/g) ?? []).length);
    expect(sensors).toEqual([5000, 5000, 5000]);
  });

  it('counts what the appliance does not have as lost, and says so with the exit code', async () => {
    const { code, report } = await load({ packets: 100, stillSeconds: 0.3 }, 7);
    expect(code).toBe(1);
    expect(report.server).toMatchObject({ lost: 7, errors: { cut: 7 } });
  });

  it('sends frames and readings in turn, each client with its own calibration first', async () => {
    const { report, received } = await load({ packets: 101, includeFrames: true });
    expect(report.server).toMatchObject({ frames: 3 * 51, sensorPackets: 3 * 50, lost: 0 });
    const eeproms = received.map((text) => /#EEPROM[^:]*:([^!]*)!/.exec(text)?.[1]);
    expect(new Set(eeproms).size).toBe(3);
    for (const text of received) {
      expect(text.indexOf('#EEPROM')).toBeLessThan(text.indexOf('#frame'));
      expect(text.match(/#EEPROM/g)).toHaveLength(2);
      const frames = [...text.matchAll(/#frame[^:]*:([^!]*)!/g)].map(([, words]) => words);
      expect(new Set(frames.slice(0, 32)).size).toBe(32);
    }
  });

  it('sends frames alone, at a rate, for a time, and writes its figures to a file', async () => {
    const statsFile = join(folder, 'stats.json');
    const options = { durationSeconds: 0.5, rate: 100, framesOnly: true, statsFile };
    const { code, report } = await load(options);
    expect(code).toBe(0);
    expect(report.offered.frames).toBe(report.offered.packets);
    expect(report.offered.packets).toBeGreaterThan(0);
    expect(report.offered.packets).toBeLessThanOrEqual(3 * 60);
    expect(JSON.parse(readFileSync(statsFile, 'utf8'))).toEqual(report);
  });

  it('prints offered and processed side by side for people', async () => {
    const port = await openPort();
    const metrics = await openPage(() => page(port));
    const io = commandIo();
    const options = { host: '127.0.0.1', port: port.port, clients: 1, packets: 10 };
    await runLoad({ ...options, metricsUrl: metrics.url }, io);
    expect(io.lines[1]).toMatch(/^packets +10 +10$/);
    expect(io.lines).toContain('lost: 0');
    await port.close();
    metrics.close();
  });

  it('says which address cannot be reached', async () => {
    const port = await openPort();
    await port.close();
    const io = commandIo();
    const options = { host: '127.0.0.1', port: port.port, clients: 2, packets: 1 };
    expect(await runLoad(options, io)).toBe(4);
    expect(io.errors.join()).toContain(`127.0.0.1:${port.port}: `);
  });

  it('says which metrics page cannot be read', async () => {
    const port = await openPort();
    const io = commandIo();
    const metricsUrl = `http://127.0.0.1:${port.port + 1}/metrics`;
    const options = { host: '127.0.0.1', port: port.port, clients: 1, packets: 1, metricsUrl };
    expect(await runLoad(options, io)).toBe(4);
    expect(io.errors.join()).toContain(`metrics at ${metricsUrl}: `);
    await port.close();
  });

  it.each([
    [{ clients: 0, packets: 1 }, /--clients: 0/],
    [{ clients: 1 }, /--packets or --duration/],
    [{ clients: 1, packets: 1.5 }, /--packets: 1.5/],
    [{ clients: 1, durationSeconds: 0 }, /--duration: 0/],
    [{ clients: 1, packets: 1, rate: -1 }, /--rate: -1/],
    [{ clients: 1, packets: 1, framesOnly: true, includeFrames: true }, /exclude each other/],
  ])('refuses %j', async (options, message) => {
    const io = commandIo();
    expect(await runLoad({ host: '127.0.0.1', port: 1, ...options }, io)).toBe(2);
    expect(io.errors.join()).toMatch(message);
  });
});

describe('traffic', () => {
  it('knows where its packets end and how many of them are frames', () => {
    const { block, ends, framesBefore } = buildTraffic('mixed', 'seed', 4);
    expect(ends.length).toBe(64);
    let start = 0;
    for (const [i, end] of ends.entries()) {
      const packet = block.subarray(start, end).toString('latin1');
      const frames = (framesBefore[i + 1] ?? 0) - (framesBefore[i] ?? 0);
      expect(packet).toMatch(
        frames === 1 ? /^#frameload 5:[0-9A-F]{3336}!\r\n$/ : /^#Sensorload 5:/,
      );
      start = end;
    }
    expect(start).toBe(block.length);
  });
});

describe('metrics page', () => {
  const before = parseMetrics('a_total{k="x"} 1\nh_bucket{le="1"} 0\nh_bucket{le="2"} 0\n');
  const after = parseMetrics(
    [
      '# HELP a_total things',
      'a_total{k="x",l="q\\"}"} 5',
      'a_total{k="y"} 3 1700000000000',
      'h_bucket{le="1"} 50',
      'h_bucket{le="2"} 90',
      'h_bucket{le="+Inf"} 100',
      'bare 1e3',
      'not a sample',
    ].join('\n'),
  );

  it('sums by labels', () => {
    expect(total(after, 'a_total')).toBe(8);
    expect(total(after, 'a_total', { k: 'y' })).toBe(3);
    expect(total(after, 'bare')).toBe(1000);
    expect(total(after, 'absent')).toBe(0);
  });

  it('tells what has grown, most first', () => {
    expect(Object.entries(growth(before, after, 'a_total'))).toEqual([
      ['x q\\"}', 5],
      ['y', 3],
    ]);
  });

  it.each([
    [0.25, 0.5],
    [0.5, 1],
    [0.7, 1.5],
    [0.9, 2],
    [0.99, 2],
  ])('finds the quantile %s of a histogram', (share, value) =>
    expect(quantile(before, after, 'h', share)).toBeCloseTo(value, 9),
  );

  it('finds none in a histogram that took in nothing', () =>
    expect(quantile(after, after, 'h', 0.5)).toBeNull());
});

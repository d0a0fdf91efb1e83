import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../src/metrics.ts';
import { Child, embereye, eventually, Scratch, SHARED_DATA } from './processes.ts';
import { Unit } from './unit.ts';

const COMMANDS = [
  'ack',
  'approve-background',
  'blackbox',
  'check-config',
  'command',
  'config',
  'coverage',
  'decode',
  'demo',
  'disable',
  'doctor',
  'enable',
  'evaluate',
  'firewall',
  'healthcheck',
  'identity',
  'journal',
  'load',
  'maintenance',
  'model',
  'prove',
  'replay',
  'reset',
  'run',
  'seed',
  'silence',
  'simulate-board',
  'sound',
  'status',
  'test',
  'tune',
  'update',
  'watch',
];

interface Decoded {
  readonly ta: number;
  readonly vdd: number;
  readonly celsius: readonly number[] | null;
  readonly status: string;
}

const decoded = (text: string): Decoded[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Decoded);

/** Records what a simulated board sends once it is told to stream and to calibrate. */
async function recordBoard(frames: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let asked = false;
  const server = createServer((socket: Socket) => {
    socket.write('PERIOD_ON');
    socket.on('data', (part) => {
      parts.push(part);
      // Only in the quiet gap after the readings does the board hear a command.
      if (asked || !/#Sensor[^!]*!\s*$/.test(part.toString('latin1'))) return;
      asked = true;
      socket.write('EEPROM1');
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const args = ['--to', `127.0.0.1:${port}`, '--cadence', '0.2', '--seed', '5'];
  const board = Child.embereye(['simulate-board', ...args]);
  const whole = () => Buffer.concat(parts).toString('latin1');
  await eventually('the board calibrated and sent frames', () => {
    const [, after] = whole().split('#EEPROM');
    return after !== undefined && after.split('#frame').length > frames + 1;
  });
  expect((await board.end('SIGINT')).code).toBe(0);
  server.close();
  // From the calibration on, cut at the last whole packet: as a recording should be.
  const text = whole();
  return Buffer.from(text.slice(text.indexOf('#EEPROM'), text.lastIndexOf('!') + 1), 'latin1');
}

describe('the command line', () => {
  const scratch = new Scratch();
  const file = (name: string) => join(scratch.disk, name);
  let recording: Buffer;

  beforeAll(async () => {
    recording = await recordBoard(4);
    writeFileSync(file('stream.bin'), recording);
  }, 60_000);
  afterAll(() => scratch.remove());

  it('every command has help, and the list of commands is whole', async () => {
    const all = await embereye(['--help']);
    expect(all.code).toBe(0);
    const listed = [...all.out.matchAll(/^ {2}([a-z-]+) .*\S/gm)].map((match) => match[1]);
    expect(listed.filter((name) => name !== 'help').sort()).toEqual([...COMMANDS].sort());
    for (const command of COMMANDS) {
      const { code, out } = await embereye([command, '--help']);
      expect(code, command).toBe(0);
      expect(out).toContain(`Usage: embereye ${command}`);
    }
  });

  it('a wrong command line ends with exit code 2 and says why', async () => {
    for (const args of [
      ['explode'],
      ['decode'],
      ['demo', '--seconds', 'x'],
      ['run', '--nothing'],
    ]) {
      const { code, err, out } = await embereye(args);
      expect(code, args.join(' ')).toBe(2);
      expect(err).toContain('error:');
      expect(out).toBe('');
    }
    expect((await embereye(['decode', file('absent')])).code).toBe(4);
  });

  it('decode: the same temperatures from lines, from their gzip and from the stream', async () => {
    const stream = await embereye(['decode', '--stream', file('stream.bin')]);
    expect(stream.code).toBe(0);
    const frames = decoded(stream.out);
    expect(frames.length).toBeGreaterThanOrEqual(4);
    const [, eeprom] = /#EEPROM[^:]*:([^!]*)!/.exec(recording.toString('latin1')) ?? [];
    const rams = [...recording.toString('latin1').matchAll(/#frame[^:]*:([^!]*)!/g)];
    const lines = rams.map(([, ram]) => JSON.stringify({ eeprom, ram }));
    writeFileSync(file('lines.ndjson'), `${lines.join('\n')}\n`);
    writeFileSync(file('lines.ndjson.gz'), gzipSync(`${lines.join('\n')}\n`));
    for (const name of ['lines.ndjson', 'lines.ndjson.gz']) {
      const { code, out } = await embereye(['decode', '--json', file(name)]);
      expect(code).toBe(0);
      expect(decoded(out)).toEqual(frames);
    }
    for (const { ta, vdd, celsius, status } of frames) {
      expect(status).toBe('ok');
      expect(celsius).toHaveLength(768);
      expect(ta).toBeGreaterThan(10);
      expect(vdd).toBeGreaterThan(3);
      // A quiet room: nothing burns, nothing freezes.
      for (const value of celsius ?? []) expect(Math.abs(value - 25)).toBeLessThan(25);
    }
  });

  it('decode: a line that cannot be used gets a line with its reason', async () => {
    writeFileSync(file('bad.ndjson'), 'no json\n{"eeprom":"00","ram":"00"}\n');
    const { code, out } = await embereye(['decode', '--json', file('bad.ndjson')]);
    expect(code).toBe(0);
    const lines = decoded(out);
    expect(lines).toHaveLength(2);
    for (const { celsius, status } of lines) {
      expect(celsius).toBeNull();
      expect(status).not.toBe('ok');
    }
  });

  it('metrics: the page and the table name the same', async () => {
    const unit = await Unit.start();
    try {
      const text = (await unit.page('/metrics'))?.text ?? '';
      const typed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [
        name,
        type,
      ]);
      const table = Object.entries(METRICS).map(([name, { type }]) => [name, type]);
      expect(typed.sort()).toEqual(table.sort());
    } finally {
      await unit.remove();
    }
  });

  it('replay plays a recording into a running appliance', async () => {
    const unit = await Unit.start();
    try {
      const to = ['--to', `127.0.0.1:${unit.boardPort}`];
      const args = ['replay', file('stream.bin'), ...to, '--speed', '20', '--json'];
      const { code, out } = await embereye(args);
      expect(code).toBe(0);
      const { frames } = JSON.parse(out) as { frames: number };
      expect(frames).toBeGreaterThanOrEqual(4);
      const got = 'embereye_ingest_packets_total{kind="frame"}';
      await eventually(
        'all frames arrived',
        async () => (await unit.metrics()).get(got) === frames,
      );
    } finally {
      await unit.remove();
    }
    expect((await embereye(['replay', file('absent'), '--to', '127.0.0.1:1'])).code).toBe(3);
  });

  it('demo: ends by itself with the alarm delivered, in plain text', async () => {
    const { code, out, err } = await embereye(['demo', '--seconds', '30']);
    expect(code, out + err).toBe(0);
    expect(out).not.toContain('\u001b[');
    expect(out).toContain('alarm');
  }, 60_000);

  const capture = join(SHARED_DATA, 'device-capture');
  describe.skipIf(!existsSync(capture))('the recording of a real board', () => {
    it('decode --stream agrees with the vendor within 0.01 C', async () => {
      const { code, out } = await embereye(['decode', '--stream', join(capture, 'stream.bin')]);
      expect(code).toBe(0);
      const frames = decoded(out);
      const expected = decoded(
        gunzipSync(readFileSync(join(capture, 'expected.ndjson.gz'))).toString(),
      );
      expect(frames).toHaveLength(expected.length);
      let worst = 0;
      for (const [i, { celsius }] of expected.entries()) {
        for (const [pixel, value] of (celsius ?? []).entries()) {
          const ours = frames[i]?.celsius?.[pixel] ?? Number.NaN;
          const error = Math.abs(ours - value);
          // Not a number is the worst error of all.
          worst = error <= worst ? worst : error;
        }
      }
      expect(worst).toBeLessThan(0.01);
    });
  });
});

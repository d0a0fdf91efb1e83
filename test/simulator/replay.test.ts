import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { runReplay } from '../../src/commands/replay.ts';
import { SyntheticSource } from '../../src/simulator/board-source.ts';
import { RecordedSource } from '../../src/simulator/recording.ts';
import { commandIo, openPort } from './sink.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

function recording(frames: number): Buffer {
  const source = new SyntheticSource({ serial: null, array: { seed: 1 }, scene: { seed: 1 } });
  const cycles = Array.from({ length: frames }, (_, i) =>
    Buffer.concat([source.frame(i * 4090), source.readings(i * 4090 + 490)]),
  );
  return Buffer.concat([source.eeprom(), ...cycles]);
}

function file(name: string, content: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('replay', () => {
  it.each([
    ['raw', (stream: Buffer) => stream],
    ['gzip', (stream: Buffer) => gzipSync(stream)],
  ])('sends nothing before PERIOD_ON, then every byte of a %s recording', async (name, pack) => {
    const stream = recording(20);
    const port = await openPort();
    const io = commandIo();
    const options = { to: `127.0.0.1:${port.port}`, speed: 'max' } as const;
    const done = runReplay(file(name, pack(stream)), options, io);
    await port.when(() => port.sockets.length === 1);
    port.sockets[0]?.write('REQUEST');
    await sleep(systemClock(), 150);
    expect(port.received(0)).toBe('');
    port.sockets[0]?.write('PERIOD_ON');
    expect(await done).toBe(0);
    expect(port.received(0)).toBe(stream.toString('latin1'));
    expect(io.lines).toEqual(['sent 20 frames and 20 readings']);
    await port.close();
  });

  it('answers EEPROM1 from the recording and REQUEST1 with the next frame', async () => {
    const stream = recording(2);
    const port = await openPort();
    const io = commandIo();
    const path = file('asked', stream);
    const done = runReplay(path, { to: `:${port.port}`, speed: 'max' }, io);
    await port.when(() => port.sockets.length === 1);
    port.sockets[0]?.write('EEPROM1\r\n');
    await port.when(() => port.received(0).endsWith('!\r\n'));
    expect(port.received(0)).toMatch(/^#EEPROM1234:[0-9A-F]{3328}!\r\n$/);
    port.sockets[0]?.write('REQUEST1');
    await port.when(() => port.received(0).includes('#Sensor'));
    expect(port.received(0).match(/#frame/g)).toHaveLength(1);
    io.stop();
    expect(await done).toBe(0);
    await port.close();
  });

  it('dials again after a lost connection and goes on where it was', async () => {
    const port = await openPort((socket, all, index) => {
      if (all === '' && index === 0) socket.write('PERIOD_ON');
      if (index === 0 && all.includes('#Sensor')) socket.destroy();
    });
    const io = commandIo();
    const path = file('lost', recording(6));
    const done = runReplay(path, { to: `127.0.0.1:${port.port}`, speed: 200 }, io);
    expect(await done).toBe(0);
    expect(port.sockets.length).toBeGreaterThan(1);
    expect(io.errors.join()).toMatch(/dialling again/);
    await port.close();
  });

  it.each([
    ['a file without packets', 'empty', { to: ':1' }, 3, /not the recording of a board/],
    ['a file that is not there', null, { to: ':1' }, 3, /ENOENT/],
    ['a wrong address', 'empty', { to: 'nowhere' }, 2, /HOST:PORT/],
    ['a wrong speed', 'empty', { to: ':1', speed: -1 }, 2, /--speed -1/],
  ])('refuses %s', async (_, name, options, code, message) => {
    const path = name === null ? join(folder, 'absent') : file(name, Buffer.from('hello'));
    const io = commandIo();
    expect(await runReplay(path, options, io)).toBe(code);
    expect(io.errors.join()).toMatch(message);
  });
});

describe('recording', () => {
  it('plays every byte once and in order, whatever stands between the packets', () => {
    const piece = fc.constantFrom(
      '#frame:AB!',
      '#Sensor:A=1!\r\n',
      '#EEPROM:00!',
      '#x',
      'zz!',
      '#',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = `#frame:01!${pieces.join('')}`;
        const source = new RecordedSource(Buffer.from(text));
        let played = '';
        for (let frame = source.frame(); frame !== null; frame = source.frame()) {
          played += Buffer.from(frame).toString();
          played += Buffer.from(source.readings() ?? []).toString();
        }
        expect(played).toBe(text);
      }),
    );
  });

  it('begins again when it is looped', () => {
    const source = new RecordedSource(Buffer.from('#frame:1!#Sensor:A=1!'), { loop: true });
    const frames = [1, 2, 3].map(() => {
      const frame = String(source.frame());
      source.readings();
      return frame;
    });
    expect(frames).toEqual(['#frame:1!', '#frame:1!', '#frame:1!']);
  });

  it('without frames has one reading a cycle', () => {
    const source = new RecordedSource(Buffer.from('#Sensor:A=1!#Sensor:A=2!'));
    expect([source.frame(), source.readings(), source.frame(), source.frame()].map(String)).toEqual(
      ['#Sensor:A=1!', 'null', '#Sensor:A=2!', 'null'],
    );
  });
});

const capture = resolve(import.meta.dirname, '../../../shared/data/device-capture/stream.bin');

describe.skipIf(!existsSync(capture))('recording of a real board (device-capture)', () => {
  it('is played whole, its EEPROM packet on request', () => {
    const stream = readFileSync(capture);
    const source = new RecordedSource(stream);
    const { frames, readings, eeproms } = source.contents;
    expect([frames, readings, eeproms]).toEqual([108, 108, 1]);
    const played: Uint8Array[] = [];
    for (let frame = source.frame(); frame !== null; frame = source.frame()) {
      played.push(frame, source.readings() ?? Buffer.alloc(0));
    }
    expect(Buffer.concat(played).equals(stream)).toBe(true);
    expect(String(source.eeprom())).toMatch(/^#EEPROM1234:[0-9A-F]{3328}!/);
  });
});

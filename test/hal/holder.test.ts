import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../e2e/processes.ts';
import type { Runtime } from './holder-rig.ts';
import { HolderRig, runtimeProgram } from './holder-rig.ts';

const OK = { ok: true };
const SIREN = 'cdev:pl061:3';

let program: string;
const rigs: HolderRig[] = [];
const started = async (...args: readonly string[]): Promise<HolderRig> => {
  const rig = await HolderRig.start(...args);
  rigs.push(rig);
  return rig;
};

beforeAll(async () => {
  program = await runtimeProgram();
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.remove();
});

/** Siren and fault relay as files, both active. */
async function withFiles(rig: HolderRig): Promise<Runtime> {
  const runtime = rig.runtime(program);
  const siren = rig.file('siren', '1\n');
  const relay = rig.file('relay', '1\n');
  const files = [
    { key: 'siren', path: siren, write: null },
    { key: 'relay', path: relay, write: '0\n' },
  ];
  for (const file of files) expect(await runtime.say({ do: 'keepFile', ...file })).toEqual(OK);
  return runtime;
}

const dropped = (rig: HolderRig) =>
  eventually(
    () => `the fault relay drops: ${rig.holder.err}`,
    () => rig.read('relay') === '0\n',
  );

describe('the loss of a runtime', () => {
  it('kill -9: the fault relay drops at once, the siren stays', async () => {
    const rig = await started();
    const runtime = await withFiles(rig);
    expect(rig.read('relay')).toBe('1\n');
    await runtime.kill();
    await dropped(rig);
    expect(rig.read('siren')).toBe('1\n');
    await rig.says('"runtime gone"');
  });

  it('a runtime that hangs: the relay drops; one that beats again is taken as it is', async () => {
    const rig = await started('--hang-seconds', '0.3');
    const runtime = await withFiles(rig);
    runtime.freeze();
    await dropped(rig);
    expect(rig.read('siren')).toBe('1\n');
    runtime.thaw();
    expect(await runtime.say({ do: 'beat' })).toEqual(OK);
    await rig.says('"runtime beats again"');
    // Its own refresh raises the relay, and its next silence drops it again.
    rig.file('relay', '1\n');
    await runtime.say({ do: 'beat' });
    await dropped(rig);
  });

  it('what cannot be written is tried again', async () => {
    const rig = await started();
    const runtime = await withFiles(rig);
    rmSync(`${rig.folder}/relay`);
    await runtime.kill();
    await rig.says('"line not set on loss"');
    rig.file('relay', '1\n');
    await dropped(rig);
  });
});

describe('descriptors that are kept', () => {
  it('come back to the next runtime as the same open file', async () => {
    const rig = await started();
    const path = rig.file('line', '');
    const first = rig.runtime(program);
    expect(await first.say({ do: 'keep', key: SIREN, path })).toEqual(OK);
    // The offset belongs to the open file: it moves on only if the descriptor is the same one.
    for (const text of ['one,', 'two,', 'three,']) {
      const runtime = text === 'one,' ? first : rig.runtime(program);
      const taken = await runtime.say({ do: 'take', key: SIREN, write: text });
      expect(taken).toEqual({ ok: true, inode: rig.inode('line') });
      await runtime.kill();
    }
    expect(rig.read('line')).toBe('one,two,three,');
  });

  it('are not there for a key that nobody kept', async () => {
    const rig = await started();
    const runtime = await withFiles(rig);
    const none = { ok: true, inode: null };
    expect(await runtime.say({ do: 'take', key: SIREN, write: '' })).toEqual(none);
    expect(await runtime.say({ do: 'take', key: 'siren', write: '' })).toEqual(none);
  });

  it('of lines that are no longer configured are released once the others are open', async () => {
    const rig = await started();
    const path = rig.file('line', '');
    const first = rig.runtime(program);
    for (const key of ['old', SIREN]) await first.say({ do: 'keep', key, path });
    await first.kill();
    const second = rig.runtime(program);
    expect(await second.say({ do: 'take', key: SIREN, write: '' })).toMatchObject(OK);
    expect(await second.say({ do: 'settled' })).toEqual(OK);
    await rig.says('"keys":"old"');
    const gone = { ok: true, inode: null };
    expect(await second.say({ do: 'take', key: 'old', write: '' })).toEqual(gone);
    expect(await second.say({ do: 'take', key: SIREN, write: '' })).toMatchObject({
      inode: rig.inode('line'),
    });
  });

  it('do not add up over 100 restarts', async () => {
    const rig = await started();
    const path = rig.file('line', '');
    const restart = async (key: string): Promise<void> => {
      const runtime = rig.runtime(program);
      expect(await runtime.say({ do: 'take', key, write: '' })).toMatchObject(OK);
      expect(await runtime.say({ do: 'keep', key, path })).toEqual(OK);
      await runtime.kill();
    };
    await restart(SIREN);
    const before = await countWhileConnected(rig);
    for (let round = 0; round < 100; round++) await restart(SIREN);
    expect(await countWhileConnected(rig)).toBe(before);
  }, 240_000);
});

/** Descriptors of a holder that has one runtime, and has noticed the end of the one before. */
async function countWhileConnected(rig: HolderRig): Promise<number> {
  const probe = rig.runtime(program);
  await eventually('a connection is taken', async () => (await probe.say({ do: 'beat' })).ok);
  const count = rig.descriptors();
  await probe.kill();
  return count;
}

describe('who may have the lines', () => {
  it('one runtime at a time: a second one is refused while the first lives', async () => {
    const rig = await started();
    const first = await withFiles(rig);
    const second = rig.runtime(program);
    const refused = await second.say({ do: 'beat' });
    expect(refused.error).toContain('another runtime is connected to the GPIO holder: process');
    expect(await first.say({ do: 'beat' })).toEqual(OK);
    expect(rig.read('relay')).toBe('1\n');
    await first.kill();
    await eventually('the second is taken', async () => (await second.say({ do: 'beat' })).ok);
  });

  it.skipIf(process.getuid?.() !== 0)('another user is refused (needs root to try)', async () => {
    const rig = await started();
    chmodSync(rig.folder, 0o755);
    const answerTo = (uid: number, says = '') =>
      new Promise<string>((resolve, reject) => {
        const script = `
          const socket = require('node:net').connect(${JSON.stringify(rig.path)}, () => {
            if (${says !== ''}) socket.write(${JSON.stringify(says)});
          });
          socket.on('data', (text) => { console.log(String(text)); process.exit(); });
          socket.on('error', (error) => { console.log(error.code); process.exit(); });`;
        const child = spawn(process.execPath, ['-e', script], { uid, gid: uid, cwd: '/' });
        let text = '';
        child.stdout.on('data', (part: Buffer) => (text += part.toString()));
        child.once('close', () => resolve(text));
        child.once('error', reject);
      });
    expect(await answerTo(65_534)).toBe('EACCES\n');
    // Even where the file lets everybody in.
    chmodSync(rig.path, 0o666);
    expect(await answerTo(65_534)).toContain('user 65534 may not use the GPIO holder of user 0');
    expect(await answerTo(0, '{"op":"hello","version":1}\n')).toContain('"ok":true');
  });

  it('somebody who connects and says nothing does not keep a runtime out', async () => {
    const rig = await started();
    const mute = connect(rig.path);
    await once(mute, 'connect');
    expect(await rig.runtime(program).say({ do: 'beat' })).toEqual(OK);
    mute.destroy();
  });
});

describe('the socket of the holder', () => {
  it('is its owner’s alone', async () => {
    const rig = await started();
    expect(statSync(rig.path).mode & 0o777).toBe(0o600);
  });

  it('a second holder on it ends with a word, and the first goes on', async () => {
    const rig = await started();
    const runtime = await withFiles(rig);
    const second = rig.launch();
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.err).toContain('another GPIO holder listens there');
    expect(await runtime.say({ do: 'beat' })).toEqual(OK);
  });

  it('of a dead holder is replaced', async () => {
    const rig = await started();
    await rig.holder.end('SIGKILL');
    await rig.startHolder();
    expect(rig.holder.running).toBe(true);
    expect(await rig.runtime(program).say({ do: 'beat' })).toEqual(OK);
  });

  it('is one holder’s, however many start at once', async () => {
    const rig = await started();
    await rig.holder.end('SIGKILL');
    const holders = Array.from({ length: 6 }, () => rig.launch());
    await eventually('all but one end', () => holders.filter((h) => h.running).length === 1);
    const codes = await Promise.all(holders.filter((h) => !h.running).map((h) => h.ended));
    expect(codes.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1]);
    expect(await rig.runtime(program).say({ do: 'beat' })).toEqual(OK);
    for (const holder of holders) await holder.end('SIGKILL');
  });

  it('that is deleted is made again, so that the next runtime finds its lines', async () => {
    const rig = await started();
    const path = rig.file('line', '');
    const first = rig.runtime(program);
    await first.say({ do: 'keep', key: SIREN, path });
    rmSync(rig.path);
    await rig.says('"socket was gone: made again"');
    await first.kill();
    const taken = await rig.runtime(program).say({ do: 'take', key: SIREN, write: '' });
    expect(taken).toEqual({ ok: true, inode: rig.inode('line') });
  });

  it('cannot be made where something else is, or under a long name: exit code 4', async () => {
    const rig = new HolderRig();
    rigs.push(rig);
    writeFileSync(rig.path, 'notes');
    const inTheWay = rig.launch();
    expect((await inTheWay.ended).code).toBe(4);
    expect(inTheWay.err).toContain('is no socket: remove it');
    const long = rig.launch('--socket', `/tmp/${'x'.repeat(90)}`);
    expect((await long.ended).code).toBe(4);
    expect(long.err).toContain('at most 88 bytes (it has 95)');
  });
});

describe('the end of the holder', () => {
  it('SIGTERM: exit code 0, socket gone; SIGHUP: it stays', async () => {
    const rig = await started();
    process.kill(rig.pid, 'SIGHUP');
    const runtime = await withFiles(rig);
    expect(await rig.holder.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect((await runtime.say({ do: 'beat' })).error).toContain('lost: it has ended');
    expect(() => rig.inode('holder.sock')).toThrow('ENOENT');
  });

  it('a runtime of another version, after an update: exit code 0, and room for the next', async () => {
    const rig = await started();
    const path = rig.file('line', '');
    const first = rig.runtime(program);
    expect(await first.say({ do: 'keep', key: SIREN, path })).toEqual(OK);
    await first.kill();
    const newer = connect(rig.path);
    newer.write('{"op":"hello","version":2}\n');
    const [said] = (await once(newer, 'data')) as [Buffer];
    expect(said.toString()).toContain('it has released its lines and ends');
    expect(await rig.holder.ended).toEqual({ code: 0, signal: null });
    newer.destroy();
    await rig.startHolder();
    const taken = await rig.runtime(program).say({ do: 'take', key: SIREN, write: '' });
    expect(taken).toEqual({ ok: true, inode: null });
  });

  it('a wrong command line: exit code 2', async () => {
    const rig = new HolderRig();
    rigs.push(rig);
    for (const wrong of [['--hang-seconds', '0'], ['--hang-seconds', 'x'], ['--what']]) {
      const holder = rig.launch(...wrong);
      expect((await holder.ended).code).toBe(2);
      expect(holder.err).toContain('usage: node gpio-holder.js');
    }
  });
});

/**
 * Runs under arm64 Node, or under a release's own: loads one native part and does something real with
 * it. Prints what it saw; exit code 1 with the reason when that is not what it should be.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { openOnoffBackend } from '../../src/hal/gpio-onoff.ts';
import { createLinuxI2c } from '../../src/hal/i2c-linux.ts';
import { loadLibc } from '../../src/hal/native/libc.ts';
import { loadWatchReadable } from '../../src/hal/native/readable.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import { openDatabase } from '../../src/store/database.ts';
import { SCENE_KINDS } from '../../src/domain/opinion.ts';
import { FEATURE_NAMES, FEATURE_SCHEMA } from '../../src/vision/features.ts';
import { differenceTo, troubleInRows } from '../../src/vision/model-belief.ts';
import { openModel } from '../../src/vision/model-open.ts';
import { probeRow, refusalText } from '../../src/vision/model-protocol.ts';
import { openOnnxSession } from '../../src/vision/onnx-session.ts';
import { expectedConv, expectedProduct, numbers, PLANES, SIDE, tinyModel } from './tiny-model.ts';

/** Of asm-generic/ioctls.h: how many bytes wait to be read. */
const FIONREAD = 0x541b;
const PATIENCE_MS = 20_000;
const SYNCHRONOUS_FULL = 2;

const value = <T>(result: HalResult<T>): T => {
  if (!result.ok) throw result.error;
  return result.value;
};

function within<T>(what: string, start: (resolve: (found: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`did not happen: ${what}`)), PATIENCE_MS);
    start((found) => {
      clearTimeout(timer);
      resolve(found);
    });
  });
}

async function inFolder(run: (folder: string) => Promise<string> | string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-arm64-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sqlite = (): Promise<string> =>
  inFolder((folder) => {
    const text = 'Küche ü€🔥';
    const first = openDatabase(folder);
    assert.equal(first.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(first.pragma('synchronous', { simple: true }), SYNCHRONOUS_FULL);
    first.exec('CREATE TABLE probe (n INTEGER, x REAL, t TEXT)');
    const insert = first.prepare('INSERT INTO probe VALUES (?, ?, ?)');
    first.transaction(() => {
      for (let n = 0; n < 1000; n += 1) insert.run(n, n / 3, text);
    })();
    first.close();
    const again = openDatabase(folder);
    const row = again.prepare('SELECT count(*) AS n, sum(x) AS x, max(t) AS t FROM probe').get();
    const { n, x, t } = row as { n: number; x: number; t: string };
    assert.deepEqual({ n, t }, { n: 1000, t: text });
    assert.ok(Math.abs(x - 166_500) < 1e-6, `the sum is ${x}`);
    assert.equal(again.pragma('synchronous', { simple: true }), SYNCHRONOUS_FULL);
    const version = again.prepare('SELECT sqlite_version() AS v').get() as { v: string };
    again.close();
    return `SQLite ${version.v}: WAL, synchronous FULL, 1000 rows`;
  });

/** System calls with their errors, a descriptor passed over a unix socket, and epoll hearing it. */
const libcAndEpoll = (): Promise<string> =>
  inFolder(async (folder) => {
    const libc = value(await loadLibc());
    const watchReadable = value(await loadWatchReadable());
    const bad = libc.ioctl(0x7fff, FIONREAD, Buffer.alloc(4));
    assert.deepEqual(bad, { ok: false, code: 'EBADF' });
    const must = (result: { readonly ok: boolean; readonly value?: number }): number => {
      assert.ok(result.ok && result.value !== undefined, JSON.stringify(result));
      return result.value;
    };
    const path = join(folder, 'socket');
    const server = must(libc.unixSocket(true));
    must(libc.bind(server, path));
    must(libc.listen(server, 1));
    const client = must(libc.unixSocket(false));
    must(libc.connect(client, path));
    const accepted = must(libc.accept(server));
    const heard = within<true>('epoll hears a byte', (resolve) => {
      const watch = value(
        watchReadable(
          accepted,
          () => {
            watch.close();
            resolve(true);
          },
          (error) => {
            throw error;
          },
        ),
      );
    });
    must(libc.send(client, Buffer.from('abc'), server));
    await heard;
    const waiting = Buffer.alloc(4);
    must(libc.ioctl(accepted, FIONREAD, waiting));
    assert.equal(waiting.readInt32LE(0), 3);
    const bytes = Buffer.alloc(8);
    const received = libc.receive(accepted, bytes);
    assert.ok(received.ok && received.bytes === 3 && received.descriptor !== null);
    assert.equal(bytes.toString('latin1', 0, 3), 'abc');
    const peer = libc.peer(accepted);
    assert.ok(peer.ok && peer.pid === process.pid);
    return 'ioctl with errno, FIONREAD 3, a descriptor passed, epoll heard it';
  });

async function serial(path = ''): Promise<string> {
  const ports = createSerialPorts({ clock: systemClock() });
  const missing = await ports.open({ path: '/dev/serial/by-id/none', baudRate: 115_200 });
  assert.ok(!missing.ok && missing.error.kind === 'absent', JSON.stringify(missing));
  const line = value(await ports.open({ path, baudRate: 115_200 }));
  const sent = '#serialno?';
  const echoed = await within<string>('the pty echoes', (resolve) => {
    let text = '';
    line.onData((bytes) => {
      text += Buffer.from(bytes).toString('latin1');
      if (text.length >= sent.length) resolve(text);
    });
    line.write(Buffer.from(sent));
  });
  assert.equal(echoed, sent);
  await line.close();
  return 'a pty opened at 115200 baud and echoed; a missing port is named';
}

/** koffi on a thread of ours: ioctl with errno on what is no bus, and on what is not there. */
async function busThread(threadPath = ''): Promise<string> {
  const backend = createLinuxI2c({ threadPath, clock: systemClock() });
  const noBus = await backend.open('/dev/null');
  assert.ok(!noBus.ok);
  // ENOTTY from the kernel; the emulator does not know the call and says so itself.
  assert.match(noBus.error.message, /^\/dev\/null is not an I2C bus|^\/dev\/null .*\(ENOSYS\)/);
  const missing = await backend.open('/dev/i2c-99');
  assert.ok(!missing.ok && missing.error.kind === 'absent', JSON.stringify(missing));
  return `ioctl with errno on the thread: ${noBus.error.message}; a missing bus is named`;
}

async function onoff(): Promise<string> {
  const backend = value(await openOnoffBackend({ clock: systemClock() }));
  const at = { chip: 'no-such-chip', line: 17, activeLow: false };
  const opened = backend.openOutput('siren', at, false);
  assert.ok(!opened.ok);
  return `loads; without a chip: ${opened.error.kind}`;
}

async function onnx(): Promise<string> {
  const { default: ort } = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(tinyModel(), { intraOpNumThreads: 2 });
  const x = numbers(PLANES * SIDE * SIDE, 1);
  const results = await session.run({ x: new ort.Tensor('float32', x, [1, PLANES, SIDE, SIDE]) });
  const worst = Math.max(
    difference(results['conv']?.data, expectedConv(x)),
    difference(results['product']?.data, expectedProduct(x)),
  );
  assert.ok(worst < 1e-4, `off by ${worst}`);
  return `convolution and matrix product, off by at most ${worst.toExponential(1)}`;
}

/** The product's own way to load a model and to ask it, without the process around it. */
async function model(file = ''): Promise<string> {
  const wanted = {
    ...{ file, sha256: null, threads: 1 },
    ...{ schema: FEATURE_SCHEMA, width: FEATURE_NAMES.length },
  };
  const opened = await openModel(wanted, openOnnxSession);
  if (!opened.ok) throw new Error(refusalText(opened.refusal));
  const belief = await opened.judge(probeRow(wanted.width), 1);
  const trouble = troubleInRows(belief, 1);
  assert.equal(trouble, null);
  assert.ok(differenceTo(opened.facts.probe, belief, 0) < 1e-6);
  const shares = SCENE_KINDS.map((kind, i) => `${kind} ${(belief[i] ?? Number.NaN).toFixed(2)}`);
  return `${opened.facts.bytes} bytes, to the trial question: ${shares.join(', ')}`;
}

function difference(found: unknown, expected: Float32Array): number {
  assert.ok(found instanceof Float32Array && found.length === expected.length);
  return found.reduce((worst, one, i) => Math.max(worst, Math.abs(one - expected[i]!)), 0);
}

async function everyPackage(packageFile = ''): Promise<string> {
  const { dependencies } = JSON.parse(readFileSync(packageFile, 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const names = Object.keys(dependencies);
  for (const name of names) await import(name);
  return `${names.length} packages`;
}

const CHECKS: Readonly<Record<string, (argument?: string) => Promise<string> | string>> = {
  'better-sqlite3': sqlite,
  'koffi and epoll': libcAndEpoll,
  'bus-thread': busThread,
  serialport: serial,
  onoff,
  'onnxruntime-node': onnx,
  'region model': model,
  'every package': everyPackage,
};

const [name = '', argument = '', arch = 'arm64'] = process.argv.slice(2);
const check = CHECKS[name];
if (check === undefined) throw new Error(`no check "${name}"`);
assert.equal(process.arch, arch);
console.log(await check(argument));
// Threads of a model's session would otherwise keep the process for a while.
process.exit(0);

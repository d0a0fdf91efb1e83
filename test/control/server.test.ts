/** The control sockets, with real sockets in a folder of their own. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { askAppliance, askSocket } from '../../src/control/client.ts';
import { IDLE_MS } from '../../src/control/connection.ts';
import { MAX_CLIENTS, startControl } from '../../src/control/server.ts';
import type { ControlParts, RefusedAttempt } from '../../src/control/server.ts';
import { parseAccounts, peerNames } from '../../src/control-access.ts';
import { createPanel, stepPanel, viewOf } from '../../src/alarm/panel.ts';
import type { Panel } from '../../src/alarm/panel.ts';
import type { CommandRequest } from '../../src/domain/command.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { silentLog } from '../../src/log.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { onePlan } from '../alarm/make.ts';

const clock = systemClock();
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'ee-ctl-'));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return join(made, 'control');
}

/** Sockets in front of a real panel that is stepped by each request. */
async function unit(more: Partial<ControlParts> = {}) {
  const directory = more.directory ?? folder();
  const requests: CommandRequest[] = [];
  const refused: RefusedAttempt[] = [];
  let panel: Panel = createPanel(onePlan(), 0);
  const server = await startControl({
    ...{ clock, log: silentLog, directory, pid: process.pid, runId: 'run' },
    groups: { viewer: null, operator: null, installer: null },
    userOf: () => 'anna',
    configure: null,
    state: () => viewOf(panel, 0),
    submit: (request) => {
      requests.push(request);
      const result = stepPanel(panel, { ...NO_INPUTS, commands: [request] }, 0);
      panel = result.panel;
      const [outcome] = result.outcomes;
      return outcome === undefined ? Promise.reject(new Error('none')) : Promise.resolve(outcome);
    },
    onRefused: (attempt) => void refused.push(attempt),
    ...more,
  });
  cleanups.push(() => server.close());
  const ask = (level: string, request: object) =>
    askSocket(join(directory, `${level}.sock`), { version: 1, ...request }, clock);
  return { directory, requests, refused, server, ask };
}

/** A client that sees every line. */
async function client(path: string) {
  const socket: Socket = connect(path);
  const lines: string[] = [];
  let held = '';
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const listeners: (() => void)[] = [];
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    held += chunk.toString();
    for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
      lines.push(held.slice(0, end));
      held = held.slice(end + 1);
    }
    for (const listener of listeners) listener();
  });
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (lines.length >= count) resolve();
      };
      listeners.push(look);
      look();
    });
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('close', () => resolve());
  });
  cleanups.push(() => void socket.destroy());
  return { socket, lines, closed, until };
}

describe('control sockets', () => {
  it('one for each level, for owner and group alone, in a folder that all may enter', async () => {
    const { directory, server } = await unit();
    expect(server.troubles.size).toBe(0);
    expect(readdirSync(directory).sort()).toEqual([
      'installer.sock',
      'operator.sock',
      'viewer.sock',
    ]);
    for (const name of readdirSync(directory)) {
      const found = lstatSync(join(directory, name));
      expect(found.isSocket()).toBe(true);
      expect(found.mode & 0o777, name).toBe(0o660);
    }
    expect(lstatSync(directory).mode & 0o005).toBe(0o005);
    await server.close();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('the level of the socket is the level of who comes in by it', async () => {
    const { ask, requests } = await unit();
    const asked = await ask('viewer', { name: 'silence', requestId: 'v' });
    expect(asked).toMatchObject({
      kind: 'answered',
      answer: { ok: false, error: 'notPermitted', level: 'viewer', requestId: 'v' },
    });
    const operator = await ask('operator', { name: 'silence', requestId: 'o' });
    expect(operator).toMatchObject({ answer: { ok: true, level: 'operator' } });
    const maintained = await ask('installer', { name: 'maintenance', forSeconds: 60 });
    expect(maintained).toMatchObject({ answer: { ok: true } });
    expect(requests.map(({ level, origin }) => [level, origin])).toEqual([
      ['viewer', 'cli:anna'],
      ['operator', 'cli:anna'],
      ['installer', 'cli:anna'],
    ]);
  });

  it('the state comes to all of them', async () => {
    const { ask } = await unit();
    for (const level of ['viewer', 'operator', 'installer']) {
      const asked = await ask(level, { name: 'status' });
      expect(asked).toMatchObject({ answer: { ok: true, state: { condition: 'normal' } } });
    }
  });

  it('the kernel tells who asks; a name that is only claimed is marked', async () => {
    const { username, uid } = userInfo();
    const known = await unit({ userOf: await peerNames(new Map([[username, uid]])) });
    await known.ask('operator', { name: 'silence', user: 'somebody-else' });
    expect(known.requests[0]!.origin).toBe(`cli:${username}`);
    const strange = await unit({ userOf: await peerNames(new Map()) });
    await strange.ask('operator', { name: 'silence' });
    expect(strange.requests[0]!.origin).toBe(`cli:uid-${uid}`);
    const blind = await unit({ userOf: () => null });
    await blind.ask('operator', { name: 'silence', user: 'bo' });
    await blind.ask('operator', { name: 'silence' });
    expect(blind.requests.map(({ origin }) => origin)).toEqual([
      'cli:bo(claimed)',
      'cli:unnamed(claimed)',
    ]);
  });

  it('what cannot be understood is answered, and told for the journal', async () => {
    const { ask, refused, requests } = await unit();
    const asked = await ask('operator', { name: 'reboot', requestId: 'x' });
    expect(asked).toMatchObject({ answer: { ok: false, error: 'unknownCommand' } });
    expect(refused).toMatchObject([{ origin: 'cli:anna', requestId: 'x', command: 'reboot' }]);
    expect(requests).toEqual([]);
  });

  it('a panel that does not answer, or fails, is told as overloaded', async () => {
    const manual = new ManualClock();
    let submitted: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      submitted = resolve;
    });
    const submit = () => {
      submitted();
      return new Promise<never>(() => undefined);
    };
    const stuck = await unit({ clock: manual, submit });
    const late = stuck.ask('operator', { name: 'silence' });
    await asked;
    manual.advance(5_000);
    expect(await late).toMatchObject({ answer: { ok: false, error: 'overloaded' } });
    const broken = await unit({ submit: () => Promise.reject(new Error('out of order')) });
    const answer = await broken.ask('operator', { name: 'silence' });
    expect(answer).toMatchObject({ answer: { error: 'overloaded' } });
  });
});

describe('many and unruly clients', () => {
  it('requests of one client are answered one after another, in their order', async () => {
    const { directory } = await unit();
    const one = await client(join(directory, 'operator.sock'));
    const request = (id: number) =>
      JSON.stringify({ version: 1, name: 'silence', requestId: `r${id}` });
    const ids = Array.from({ length: 50 }, (_, i) => i);
    one.socket.end(`${ids.map(request).join('\n')}\n`);
    await one.closed;
    const answered = one.lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId);
    expect(answered).toEqual(ids.map((id) => `r${id}`));
  });

  it('each has its answer, and one more than there is room for is closed', async () => {
    const { directory, ask } = await unit();
    const path = join(directory, 'viewer.sock');
    const all = [];
    for (let i = 0; i < MAX_CLIENTS; i += 1) all.push(await client(path));
    for (const { socket } of all) socket.write('{"version":1,"name":"silence"}\n');
    await Promise.all(all.map(({ until }) => until(1)));
    const more = await ask('viewer', { name: 'silence' });
    expect(more.kind).toBe('busy');
    expect((await ask('operator', { name: 'silence' })).kind).toBe('answered');
    all[0]!.socket.destroy();
    await all[0]!.closed;
    for (let tries = 0; tries < 50; tries += 1) {
      if ((await ask('viewer', { name: 'silence' })).kind === 'answered') return;
    }
    throw new Error('the place of a client that went away was not given to the next');
  });

  it('a line without end is refused and its client closed', async () => {
    const { directory, refused } = await unit();
    const rude = await client(join(directory, 'viewer.sock'));
    rude.socket.write(Buffer.alloc(10_000, 'x'));
    await rude.closed;
    expect(JSON.parse(rude.lines[0]!)).toMatchObject({ ok: false, error: 'badArgument' });
    expect(refused).toHaveLength(1);
  });

  it('bytes of any kind do no harm', async () => {
    const { directory, ask } = await unit();
    const rude = await client(join(directory, 'viewer.sock'));
    rude.socket.write(Buffer.from([0xff, 0xfe, 0x0a, 0x00, 0x0a, 0x7b, 0x0a]));
    await rude.until(3);
    rude.socket.destroy();
    expect((await ask('viewer', { name: 'status' })).kind).toBe('answered');
  });

  it('who says nothing is closed in the end', async () => {
    const manual = new ManualClock();
    const { directory } = await unit({ clock: manual });
    const idle = await client(join(directory, 'viewer.sock'));
    for (let i = 0; i < 1_000 && manual.pending === 0; i += 1) {
      await new Promise<void>((resolve) => clock.soon(resolve));
    }
    manual.advance(IDLE_MS);
    await idle.closed;
    expect(idle.lines).toEqual([]);
  });

  it('whole states are rationed', async () => {
    const { directory } = await unit({ clock: new ManualClock() });
    const eager = await client(join(directory, 'viewer.sock'));
    eager.socket.end('{"version":1,"name":"status"}\n'.repeat(12));
    await eager.closed;
    const answers = eager.lines.map((line) => (JSON.parse(line) as { ok: boolean }).ok);
    expect(answers.filter(Boolean)).toHaveLength(10);
    expect(answers).toHaveLength(12);
  });
});

describe('the files of the sockets', () => {
  it('one left by a dead process is replaced', async () => {
    const directory = folder();
    mkdirSync(directory);
    // A process that is killed leaves its socket's file behind.
    const leave = `require('node:net').createServer().listen(process.argv[1], () =>
      process.kill(process.pid, 'SIGKILL'))`;
    const path = join(directory, 'viewer.sock');
    expect(() => execFileSync(process.execPath, ['-e', leave, path])).toThrow();
    expect(existsSync(path)).toBe(true);
    const { server, ask } = await unit({ directory });
    expect(server.troubles.size).toBe(0);
    expect((await ask('viewer', { name: 'status' })).kind).toBe('answered');
  });

  it('one of a living appliance is left alone', async () => {
    const { directory, ask } = await unit();
    const second = await unit({ directory });
    expect([...second.server.troubles.keys()]).toEqual(['viewer', 'operator', 'installer']);
    expect(second.server.troubles.get('viewer')).toContain('another appliance listens');
    await second.server.close();
    expect((await ask('viewer', { name: 'status' })).kind).toBe('answered');
  });

  it('something else in its place is not touched, and the others work', async () => {
    const directory = folder();
    mkdirSync(directory);
    writeFileSync(join(directory, 'viewer.sock'), 'precious');
    const { server, ask } = await unit({ directory });
    expect([...server.troubles]).toEqual([
      ['viewer', expect.stringContaining('no socket: remove it')],
    ]);
    expect((await ask('operator', { name: 'status' })).kind).toBe('answered');
    await server.close();
    expect(lstatSync(join(directory, 'viewer.sock')).isFile()).toBe(true);
  });

  it('a file where its folder should be is named, and ends nothing', async () => {
    const directory = folder();
    writeFileSync(directory, 'in the way');
    const { server } = await unit({ directory });
    expect([...server.troubles.keys()]).toEqual(['viewer', 'operator', 'installer']);
    expect(server.troubles.get('viewer')).toContain('no socket can be made');
  });

  it('a path that the kernel does not take is named', async () => {
    const directory = join(folder(), 'x'.repeat(100));
    const { server } = await unit({ directory });
    expect(server.troubles.get('operator')).toContain('at most 107 bytes');
  });

  it('closing does not take away the socket of a successor', async () => {
    const { directory, server } = await unit();
    const path = join(directory, 'viewer.sock');
    rmSync(path);
    const successor = createServer();
    await new Promise<void>((resolve) => successor.listen(path, () => resolve()));
    cleanups.push(() => void successor.close());
    await server.close();
    expect(existsSync(path)).toBe(true);
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(isRoot)(
    'a folder that cannot be written is named (needs a user but root)',
    async () => {
      const directory = folder();
      mkdirSync(directory);
      chmodSync(directory, 0o500);
      cleanups.push(() => chmodSync(directory, 0o700));
      const { server } = await unit({ directory });
      expect(server.troubles.size).toBe(3);
    },
  );

  it.skipIf(!isRoot)('a group gets its socket (needs root)', async () => {
    const { directory } = await unit({ groups: { viewer: 4, operator: 5, installer: null } });
    const gid = (name: string) => lstatSync(join(directory, `${name}.sock`)).gid;
    expect([gid('viewer'), gid('operator')]).toEqual([4, 5]);
  });
});

describe('asking an appliance', () => {
  it('takes the lowest socket that is enough', async () => {
    const { directory } = await unit();
    const request = { version: 1, name: 'silence' };
    const asked = await askAppliance(directory, 'operator', request, clock);
    expect(asked).toMatchObject({ kind: 'answered', answer: { level: 'operator' } });
  });

  it('takes a higher one where that is the one there is', async () => {
    const { directory } = await unit();
    rmSync(join(directory, 'viewer.sock'));
    rmSync(join(directory, 'operator.sock'));
    const asked = await askAppliance(directory, 'viewer', { version: 1, name: 'status' }, clock);
    expect(asked).toMatchObject({ kind: 'answered', answer: { level: 'installer' } });
  });

  it('takes a lower one last, so that the attempt is journalled', async () => {
    const { directory, requests } = await unit();
    rmSync(join(directory, 'installer.sock'));
    const request = { version: 1, name: 'maintenance', forSeconds: 60 };
    const asked = await askAppliance(directory, 'installer', request, clock);
    expect(asked).toMatchObject({ kind: 'answered', answer: { error: 'notPermitted' } });
    expect(requests[0]!.level).toBe('operator');
  });

  it('takes a higher one where the lowest is full, and does not fall to a lower one', async () => {
    const { directory, requests } = await unit();
    const fill = (level: string) =>
      Promise.all(
        Array.from({ length: MAX_CLIENTS }, () => client(join(directory, `${level}.sock`))),
      );
    await fill('operator');
    const request = { version: 1, name: 'silence' };
    const asked = await askAppliance(directory, 'operator', request, clock);
    expect(asked).toMatchObject({ kind: 'answered', answer: { ok: true, level: 'installer' } });
    await fill('installer');
    expect(await askAppliance(directory, 'operator', request, clock)).toEqual({ kind: 'busy' });
    expect(requests.map(({ level }) => level)).toEqual(['installer']);
  });

  it('a path that no socket can have is not taken for an appliance that does not run', async () => {
    const directory = join(folder(), 'x'.repeat(100));
    const asked = await askAppliance(directory, 'viewer', { version: 1, name: 'status' }, clock);
    expect(asked).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('so long a path') as string,
    });
  });

  it('finds nobody where nobody is', async () => {
    const asked = await askAppliance(folder(), 'viewer', { version: 1, name: 'status' }, clock);
    expect(asked).toEqual({ kind: 'absent' });
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['another version', '{"version":9,"ok":true,"detail":"","level":"viewer"}\n'],
    ['an end in its middle', '{"version":1,'],
  ])('an answer with %s is told as such', async (_, text) => {
    const directory = folder();
    mkdirSync(directory);
    const odd = createServer((socket) => socket.end(text));
    const path = join(directory, 'viewer.sock');
    await new Promise<void>((resolve) => odd.listen(path, () => resolve()));
    cleanups.push(() => void odd.close());
    expect((await askSocket(path, {}, clock)).kind).toBe('failed');
  });
});

describe('the list of users', () => {
  it('is read as far as it can be', () => {
    const text =
      'root:x:0:0:root:/root:/bin/sh\n\nbad\nanna:x:1000:1000::/home/anna:/bin/sh\n:x:1:\n';
    expect([...parseAccounts(text)]).toEqual([
      ['root', 0],
      ['anna', 1000],
    ]);
  });
});

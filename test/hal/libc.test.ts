/** System calls that only another program can put to the test. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Libc } from '../../src/hal/native/libc.ts';
import { loadLibc } from '../../src/hal/native/libc.ts';

const PYTHON = '/usr/bin/python3';
const MESSAGES = 20;
/** Sends messages that each bring two descriptors, where one is agreed. */
const SENDER = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
for _ in range(${MESSAGES}):
    socket.send_fds(s, [b"x"], [0, 1])
    s.recv(1)
`;

describe.skipIf(!existsSync(PYTHON))(
  'a descriptor that comes with a message (needs python3)',
  () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'libc-'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    const value = (result: ReturnType<Libc['unixSocket']>): number => {
      if (!result.ok) throw new Error(result.code);
      return result.value;
    };

    it('is taken alone: what is sent beyond it does not stay open', async () => {
      const loaded = await loadLibc();
      if (!loaded.ok) throw loaded.error;
      const libc = loaded.value;
      const path = join(folder, 'socket');
      const listener = value(libc.unixSocket(false));
      value(libc.bind(listener, path));
      value(libc.listen(listener, 1));
      const sender = spawn(PYTHON, ['-c', SENDER, path], { stdio: 'ignore' });
      const ended = new Promise((resolve) => sender.on('close', resolve));
      const peer = value(libc.accept(listener));
      const before = descriptors();
      const bytes = Buffer.alloc(8);
      for (let taken = 0; taken < MESSAGES;) {
        const received = libc.receive(peer, bytes);
        if (!received.ok) {
          expect(received.code).toBe('EAGAIN');
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        expect(received).toMatchObject({ bytes: 1, descriptor: expect.any(Number) as number });
        if (received.descriptor !== null) closeSync(received.descriptor);
        value(libc.send(peer, bytes.subarray(0, 1), null));
        taken += 1;
      }
      expect(descriptors()).toBe(before);
      await ended;
      closeSync(peer);
      closeSync(listener);
    });
  },
);

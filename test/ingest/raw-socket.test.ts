import { once } from 'node:events';
import { Socket, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readInto } from '../../src/ingest/raw-socket.ts';

describe('reading into a shared buffer', () => {
  it('reads all bytes in order, at most a buffer at a time, pausing where it is told to', async () => {
    const buffer = new Uint8Array(1000);
    const sent = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
    const got: Buffer[] = [];
    const server = createServer({ pauseOnConnect: true }, (accepted) => {
      const socket = readInto(accepted, {
        buffer,
        onBytes: (bytes) => {
          got.push(Buffer.from(bytes));
          queueMicrotask(() => socket.resume());
          return false;
        },
      });
      socket.on('close', () => server.close());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    connect({ host: '127.0.0.1', port }).end(sent);
    await once(server, 'close');
    expect(Math.max(...got.map((bytes) => bytes.length))).toBe(1000);
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  it('uses the accepted socket where it cannot find its handle', () => {
    const withoutHandle = new Socket();
    const got: string[] = [];
    const buffer = new Uint8Array(4);
    const onBytes = (bytes: Uint8Array): boolean => {
      got.push(Buffer.from(bytes).toString());
      return bytes.length < 4;
    };
    expect(readInto(withoutHandle, { buffer, onBytes })).toBe(withoutHandle);
    withoutHandle.emit('data', Buffer.from('abc'));
    expect(withoutHandle.isPaused()).toBe(false);
    withoutHandle.emit('data', Buffer.from('abcde'));
    expect(withoutHandle.isPaused()).toBe(true);
    expect(got).toEqual(['abc', 'abcde']);
    withoutHandle.destroy();
  });
});

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { fetchFile, fetchText, releaseUrl, signatureUrl } from '../../src/update/download.ts';
import { Refused } from '../../src/update/refused.ts';

const real = systemClock();
/** Pauses between tries pass at once; the watch over a stalled connection is as it is. */
const clock: Clock = { ...real, after: (ms, then) => real.after(ms >= 60_000 ? ms : 1, then) };
const body = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let answer: Answer;
let asked: { readonly range: string | undefined; readonly url: string | undefined }[];
let folder: string;
let said: string[];
const url = (path = '/release.tar.gz'): URL =>
  new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
const target = (): string => join(folder, 'release.tar.gz');
const get = () => fetchFile(url(), target(), { clock, say: (line) => void said.push(line) });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-download-'));
  said = [];
  asked = [];
  server = createServer((request, response) => {
    asked.push({ range: request.headers.range, url: request.url });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** Serves ranges of one file, and breaks off after so many bytes. */
function serving(breakAfter: number, tag = '"one"', content = body): Answer {
  return (request, response) => {
    const [, start = '0'] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const isSame = request.headers['if-range'] === tag;
    const from = isSame ? Number(start) : 0;
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(from > 0 ? 206 : 200, {
      etag: tag,
      'content-length': content.length - from,
      ...(from > 0 ? { 'content-range': range } : {}),
    });
    const part = content.subarray(from, from + breakAfter);
    response.write(part, () => {
      if (from + part.length < content.length) response.destroy();
      else response.end();
    });
  };
}

describe('a download', () => {
  it('comes as it is', async () => {
    answer = serving(body.length);
    await get();
    expect(readFileSync(target()).equals(body)).toBe(true);
  });

  it('goes on where it broke off, also in another run', async () => {
    answer = serving(90_000);
    await get();
    expect(readFileSync(target()).equals(body)).toBe(true);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.slice(1).every(({ range }) => range !== undefined)).toBe(true);
    expect(said.some((line) => line.startsWith('going on after'))).toBe(true);
  });

  it('begins anew where the file at the server is another one by now', async () => {
    let turn = 0;
    const other = Buffer.from(body).reverse();
    answer = (request, response) => {
      turn += 1;
      const is = turn === 1 ? serving(90_000) : serving(other.length, '"two"', other);
      is(request, response);
    };
    await get();
    expect(readFileSync(target()).equals(other)).toBe(true);
  });

  it('what a stranger left in its place is not gone on with', async () => {
    writeFileSync(`${target()}.part`, 'something else');
    answer = serving(body.length);
    await get();
    expect(readFileSync(target()).equals(body)).toBe(true);
  });

  it('tries again after an answer that may pass, and no more after one that does not', async () => {
    let turn = 0;
    answer = (request, response) => {
      turn += 1;
      if (turn < 3) response.writeHead(503).end();
      else serving(body.length)(request, response);
    };
    await get();
    expect(turn).toBe(3);
    answer = (_, response) => response.writeHead(404).end();
    asked = [];
    await expect(get()).rejects.toThrow(/answered 404: see whether it is there/);
    expect(asked).toHaveLength(1);
  });

  it('gives up with the reason and what to do', async () => {
    answer = (_, response) => response.writeHead(500).end();
    await expect(get()).rejects.toThrow(/answered 500; see whether this machine reaches/);
    expect(asked).toHaveLength(6);
  });

  it('follows to another place, but not around for ever', async () => {
    answer = (request, response) => {
      if (request.url === '/moved') serving(body.length)(request, response);
      else response.writeHead(302, { location: '/moved' }).end();
    };
    await get();
    expect(asked.map((one) => one.url)).toEqual(['/release.tar.gz', '/moved']);
    answer = (_, response) => response.writeHead(302, { location: '/again' }).end();
    await expect(get()).rejects.toThrow('from place to place');
    answer = (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    await expect(get()).rejects.toThrow(Refused);
  });

  it('a signature is small', async () => {
    answer = (_, response) => response.end('four lines');
    expect(await fetchText(url(), { clock, say: () => undefined })).toBe('four lines');
    answer = (_, response) => response.end('x'.repeat(5000));
    await expect(fetchText(url(), { clock, say: () => undefined })).rejects.toThrow('too long');
  });
});

describe('addresses', () => {
  it('of the web, without secrets in them', () => {
    expect(signatureUrl(releaseUrl('https://x.example/r.tar.gz?key=1')).href).toBe(
      'https://x.example/r.tar.gz.minisig?key=1',
    );
    for (const text of ['file:///etc/shadow', 'x', 'https://user:pw@x.example/r', '']) {
      expect(() => releaseUrl(text), text).toThrow(Refused);
    }
  });
});

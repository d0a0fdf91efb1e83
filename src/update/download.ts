/** Fetches a release over HTTP: goes on where it broke off, within bounds of size and time. */
import { createWriteStream, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sleep } from '../clock.ts';
import type { Clock } from '../domain/ports.ts';
import { writeDurably } from './durable.ts';
import { Refused, wordsOf } from './refused.ts';

/** More than any release. */
export const MAX_RELEASE_BYTES = 1024 * 1024 * 1024;
export const MAX_SIGNATURE_BYTES = 4096;
const STALL_MS = 60_000;
const MOST_TRIES = 6;
const FIRST_PAUSE_MS = 2000;
const MOST_REDIRECTS = 5;

export interface DownloadParts {
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/** @throws Refused where the text is no URL that a release may come from. */
export function releaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || text.length > 1024) {
    throw new Refused(`"${text.slice(0, 100)}" is no URL: write http:// or https:// and a path`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new Refused('the URL holds a user or password, which others would read: leave it out');
  }
  return url;
}

/** The signature beside a tarball. */
export function signatureUrl(url: URL): URL {
  const beside = new URL(url);
  beside.pathname += '.minisig';
  return beside;
}

/** A small file, whole. @throws Refused */
export async function fetchText(url: URL, parts: DownloadParts): Promise<string> {
  return tried(url, parts, async () => {
    const held: Buffer[] = [];
    let bytes = 0;
    await withResponse(url, {}, parts.clock, async ({ status, body }) => {
      if (status !== 200) throw answered(url, status);
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > MAX_SIGNATURE_BYTES) throw new Refused(`${url.href} is no signature: too long`);
        held.push(chunk);
      }
    });
    return Buffer.concat(held).toString('utf8');
  });
}

/**
 * Into `target`, over `target.part`: what an earlier try has left there is gone on with where the
 * server says that it is of the same file. @throws Refused
 */
export async function fetchFile(url: URL, target: string, parts: DownloadParts): Promise<void> {
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  await tried(url, parts, () => fetchPart(url, `${target}.part`, parts));
  renameSync(`${target}.part`, target);
}

async function fetchPart(url: URL, part: string, { clock, say }: DownloadParts): Promise<void> {
  const tag = tagOf(part, url);
  const have = tag === null ? 0 : sizeOf(part);
  const headers: Record<string, string> =
    tag === null || have === 0 ? {} : { range: `bytes=${have}-`, 'if-range': tag };
  await withResponse(url, headers, clock, async ({ status, header, body }) => {
    // All of it is there already.
    if (status === 416 && header('content-range') === `bytes */${have}`) return;
    if (status !== 200 && status !== 206) throw answered(url, status);
    const from = status === 206 ? have : 0;
    if (status === 206 && header('content-range')?.startsWith(`bytes ${have}-`) !== true) {
      rmSync(part, { force: true });
      throw new Error('the server sent another part than was asked for');
    }
    const etag = header('etag');
    const strong = etag !== null && !etag.startsWith('W/') ? etag : null;
    writeDurably(`${part}.tag`, JSON.stringify({ url: url.href, tag: strong }), 0o600);
    if (from > 0) say(`going on after ${from} bytes`);
    const bounded = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      let bytes = from;
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > MAX_RELEASE_BYTES) throw new Refused(`${url.href} is too long for a release`);
        yield chunk;
      }
    };
    const flags = from > 0 ? 'a' : 'w';
    await pipeline(body, bounded, createWriteStream(part, { flags, mode: 0o600 }));
    const total = Number(header('content-length') ?? Number.NaN);
    if (Number.isFinite(total) && sizeOf(part) < from + total) throw new Error('it broke off');
  });
}

/** What says that the file at the server is still the one that the part is of; null: nothing. */
function tagOf(part: string, url: URL): string | null {
  try {
    const raw: unknown = JSON.parse(readFileSync(`${part}.tag`, 'utf8'));
    const { url: of, tag } = raw as { readonly url?: unknown; readonly tag?: unknown };
    return of === url.href && typeof tag === 'string' ? tag : null;
  } catch {
    // Nothing is there, or nothing that helps: it is fetched from its start.
    return null;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Again after a pause where a network may have failed; a refusal is final. */
async function tried<T>(
  url: URL,
  { clock, say }: DownloadParts,
  work: () => Promise<T>,
): Promise<T> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refused) throw error;
      const why = causeOf(error);
      if (tries === MOST_TRIES) {
        const advice = 'see whether this machine reaches the server, then try again';
        throw new Refused(`${url.href} cannot be fetched: ${why}; ${advice}`);
      }
      say(`${url.href}: ${why}; again in ${pauseMs / 1000} s`);
      await sleep(clock, pauseMs);
      pauseMs *= 2;
    }
  }
}

function causeOf(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  return cause === undefined ? wordsOf(error) : wordsOf(cause);
}

/** Some answers may be others a minute later. */
function answered(url: URL, status: number): Error {
  const what = `the server answered ${status}`;
  const isPassing = status >= 500 || status === 408 || status === 429;
  return isPassing ? new Error(what) : new Refused(`${url.href}: ${what}: see whether it is there`);
}

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly body: AsyncIterable<Buffer>;
}

async function withResponse(
  first: URL,
  headers: Record<string, string>,
  clock: Clock,
  use: (answer: Answer) => Promise<void>,
): Promise<void> {
  const stopper = new AbortController();
  const stall = (): void => stopper.abort(new Error(`nothing came for ${STALL_MS / 1000} s`));
  let cancel = clock.after(STALL_MS, stall);
  const alive = (): void => {
    cancel();
    cancel = clock.after(STALL_MS, stall);
  };
  try {
    const response = await followed(first, headers, stopper.signal);
    const body = async function* (): AsyncGenerator<Buffer> {
      for await (const chunk of response.body ?? []) {
        alive();
        yield Buffer.from(chunk);
      }
    };
    const header = (name: string): string | null => response.headers.get(name);
    await use({ status: response.status, header, body: body() });
  } finally {
    cancel();
    stopper.abort();
  }
}

async function followed(
  first: URL,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let url = first;
  for (let turns = 0; turns <= MOST_REDIRECTS; turns += 1) {
    const asked = { ...headers, 'accept-encoding': 'identity' };
    const response = await fetch(url, { headers: asked, signal, redirect: 'manual' });
    const next = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || next === null) return response;
    await response.body?.cancel();
    const target = releaseUrl(new URL(next, url).href);
    if (url.protocol === 'https:' && target.protocol === 'http:') {
      throw new Refused(`${url.href} leads to ${target.href}, which is open to others: name https`);
    }
    url = target;
  }
  throw new Refused(`${first.href} leads from place to place: name the last one`);
}

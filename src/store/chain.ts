/**
 * The hash chain of a lane: each event's hash covers its own text and the hash before it, so that
 * a head which somebody else has kept proves every event up to it. Pure.
 */
import { createHash } from 'node:crypto';
import type { Lane } from '../domain/event.ts';

/** What stands before the first event of a lane. */
export function genesisHash(lane: Lane): string {
  return sha256(`embereye journal ${lane}`);
}

/**
 * Hash of an event.
 * @param previous hash of the event before it in its lane, in lower-case hex.
 * @param json the event exactly as it is stored.
 */
export function linkHash(previous: string, json: string): string {
  return sha256(`${previous}\n${json}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

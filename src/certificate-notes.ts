/** Certificates named in a configuration that end soon, for whoever checks it. */
import { readFileSync } from 'node:fs';
import type { Config } from './config-schema.ts';
import { addressesOf } from './links.ts';
import { daysLeft, termOf } from './uplink/certificates.ts';
import { CERTIFICATE_WARNING_DAYS, certificateWords } from './uplink/standing.ts';

/**
 * A line for each file whose certificate ends within 30 days. A file that is not on this machine is
 * passed over: a configuration may be checked elsewhere, and `embereye doctor` names the missing.
 */
export function certificateNotes(config: Config, nowMs: number): readonly string[] {
  const notes = config.uplink.brokers.flatMap((broker) =>
    addressesOf(config, broker).flatMap(({ tls }) =>
      (['client', 'authority'] as const).flatMap((kind) => {
        const file = (kind === 'client' ? tls?.certFile : tls?.caFile) ?? null;
        const term = file === null ? null : termOf(kind, file, textOf(file));
        if (term === null || daysLeft(term, nowMs) >= CERTIFICATE_WARNING_DAYS) return [];
        return [`broker ${broker.id}: ${certificateWords(term, nowMs)}`];
      }),
    ),
  );
  return [...new Set(notes)];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not on this machine, or not ours to read: nothing can be said of it here.
    return '';
  }
}

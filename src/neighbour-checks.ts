/** Checks of what is configured about neighbours. */
import type { Finding } from './config-problems.ts';
import type { Config } from './config-schema.ts';

/** Contradictions in what is configured about neighbours. */
export function neighbourFindings({ neighbours, device }: Config): readonly Finding[] {
  const { enabled, keyFile, peers, helloSeconds, silentSeconds } = neighbours;
  if (!enabled) return [];
  const findings: Finding[] = [];
  const find = (path: readonly (string | number)[], problem: string, remedy: string) =>
    findings.push({ path: ['neighbours', ...path], problem, remedy });
  if (keyFile === null) {
    find(['keyFile'], 'no key', 'make one with: openssl rand -out FILE 32, and copy it to all');
  }
  if (peers.length === 0) find(['peers'], 'nobody to watch', 'name the other appliances');
  if (silentSeconds < 3 * helloSeconds) {
    find(['silentSeconds'], 'a lost word or two make silence', 'at least three times helloSeconds');
  }
  for (const [i, { id }] of peers.entries()) {
    if (id === device.id) find(['peers', i, 'id'], 'it is this appliance', 'name the others only');
    if (peers.findIndex((peer) => peer.id === id) < i) {
      find(['peers', i, 'id'], `"${id}" is named twice`, 'name each one once');
    }
  }
  return findings;
}

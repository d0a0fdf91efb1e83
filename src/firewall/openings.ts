/** What the machine of an appliance must let in: from its configurations, and nothing else. */
import { isIP, isIPv4 } from 'node:net';
import type { Config } from '../config-schema.ts';

export interface Opening {
  readonly protocol: 'tcp' | 'udp';
  /** 1..65535 */
  readonly port: number;
  /** Addresses and networks that may; empty: all. */
  readonly from: readonly string[];
  /** The address that is listened at; null: every one. */
  readonly at: string | null;
  /** For people, letters only. */
  readonly what: string;
}

/** Ports that a machine needs which has no valid configuration yet: an installer must get in. */
export const BARE_OPENINGS: readonly Opening[] = [
  { protocol: 'tcp', port: 22, from: [], at: null, what: 'ssh' },
];

/**
 * Of all configurations that may run before the rules are made again: the file, the one that runs
 * instead of it, one on probation. None at all: `BARE_OPENINGS`.
 */
export function openingsOf(configs: readonly Config[]): readonly Opening[] {
  if (configs.length === 0) return BARE_OPENINGS;
  const seen = new Map<string, Opening>();
  for (const opening of configs.flatMap(ofConfig)) seen.set(JSON.stringify(opening), opening);
  return [...seen.values()];
}

function ofConfig({ ingest, http, uplink, neighbours, firewall }: Config): readonly Opening[] {
  const inside = uplink.embeddedBroker;
  const peers = neighbours.peers.map(({ host }) => host);
  return [
    ...(firewall.ssh ? [{ ...tcp(null, firewall.sshPort, firewall.sshFrom), what: 'ssh' }] : []),
    ...(ingest.enabled ? at(ingest.host, ingest.port, ingest.allow, 'boards') : []),
    ...at(http.host, http.port, firewall.httpFrom, 'health and metrics'),
    ...(inside.enabled ? at(inside.host, inside.port, firewall.brokerFrom, 'embedded broker') : []),
    ...(neighbours.enabled
      ? at(neighbours.host, neighbours.port, knownOnly(peers), 'neighbours').map((opening) => ({
          ...opening,
          protocol: 'udp' as const,
        }))
      : []),
  ];
}

/** Nothing for the loopback, which is open anyway, nor for a port that is not known before. */
function at(host: string, port: number, from: readonly string[], what: string): Opening[] {
  if (port === 0 || isLoopback(host)) return [];
  return [{ ...tcp(isIP(host) === 0 || isAny(host) ? null : host, port, from), what }];
}

function tcp(address: string | null, port: number, from: readonly string[]) {
  return { protocol: 'tcp' as const, port, from, at: address };
}

/** Peers that are known by name may have any address: then all may speak, and the key decides. */
function knownOnly(hosts: readonly string[]): readonly string[] {
  return hosts.every((host) => isIP(host) !== 0) ? hosts : [];
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

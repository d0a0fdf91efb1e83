/**
 * The ruleset as text for `nft -f`: one table of its own, made anew in one transaction, so that a
 * text with a mistake changes nothing. What is not named here is dropped on its way in; what goes
 * out, and its answers, passes. Other tables of the machine are left alone.
 */
import { isIP } from 'node:net';
import type { Opening } from './openings.ts';

export const TABLE = 'inet embereye';

/** Told by other machines about a packet of ours; without them paths with a small MTU are dead. */
const ERRORS_V4 = 'destination-unreachable, time-exceeded, parameter-problem';
const ERRORS_V6 = 'destination-unreachable, packet-too-big, time-exceeded, parameter-problem';
/** Without these there is no IPv6 at all: neighbours, routers, multicast membership. */
const NEIGHBOURS_V6 = 'nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, nd-redirect';
const LISTENERS_V6 = 'mld-listener-query, mld-listener-report, mld-listener-done, 143';
const PINGS = 'limit rate 10/second burst 20 packets accept';

/** @param from who made it: a comment in the first line. */
export function rulesetOf(openings: readonly Opening[], from: string): string {
  const rules = openings.flatMap(rulesFor);
  return [
    `# ${from.replace(/\s+/g, ' ')}`,
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    ...BASE_RULES.map((rule) => `    ${rule}`),
    ...rules.map((rule) => `    ${rule}`),
    '  }',
    '}',
    '',
  ].join('\n');
}

const BASE_RULES = [
  'iif "lo" accept',
  'ct state established,related accept',
  'ct state invalid drop',
  `icmp type { ${ERRORS_V4} } accept`,
  `icmp type echo-request ${PINGS}`,
  `icmpv6 type { ${ERRORS_V6} } accept`,
  `icmpv6 type { ${NEIGHBOURS_V6} } ip6 hoplimit 255 accept`,
  `icmpv6 type { ${LISTENERS_V6} } ip6 saddr fe80::/10 accept`,
  `icmpv6 type echo-request ${PINGS}`,
  'udp sport 67 udp dport 68 accept comment "DHCP"',
  'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCP"',
];

/** One rule for each family that is meant; IPv4 and IPv6 alike where nobody is named. */
function rulesFor({ protocol, port, from, at, what }: Opening): readonly string[] {
  const rule = (...parts: readonly string[]): string =>
    [
      ...parts,
      `${protocol} dport ${port} accept comment "${what.replace(/[^a-zA-Z ]/g, '')}"`,
    ].join(' ');
  const families = [
    { family: 'ip', version: 4 },
    { family: 'ip6', version: 6 },
  ].filter(({ version }) => at === null || isIP(at) === version);
  return families.flatMap(({ family, version }) => {
    const here = at === null ? [] : [`${family} daddr ${at}`];
    if (from.length === 0 && at === null) return version === 4 ? [rule()] : [];
    if (from.length === 0) return [rule(...here)];
    // One rule for each: overlapping networks in one set are an error in some versions of nft.
    const sources = from.filter((one) => isIP(one.split('/')[0] ?? '') === version);
    return sources.map((source) => rule(`${family} saddr ${source}`, ...here));
  });
}

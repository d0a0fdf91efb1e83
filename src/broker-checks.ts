/** Contradictions between the fields of a broker and its alternatives; pure. */
import type { Finding, Path } from './config-problems.ts';
import type { Config } from './config-schema.ts';

type Broker = Config['uplink']['brokers'][number];
type Way = Broker | Broker['alternatives'][number];

export function brokerFindings({ uplink }: Config): readonly Finding[] {
  return uplink.brokers.flatMap((broker, i) => {
    const path = ['uplink', 'brokers', i];
    return [
      ...wayFindings(broker, path),
      ...broker.alternatives.flatMap((other, n) => {
        const at = [...path, 'alternatives', n];
        return [...wayFindings(other, at), ...besides(broker, n, at)];
      }),
    ];
  });
}

function wayFindings(way: Way, path: Path): readonly Finding[] {
  return [
    ...oneOf(way, path, 'username', 'usernameFile'),
    ...oneOf(way, path, 'passwordFile', 'tokenFile'),
    ...needs(way, path, 'certificateFile', 'keyFile'),
    ...needs(way, path, 'keyFile', 'certificateFile'),
    ...needs(way, path, 'keyPassphraseFile', 'keyFile'),
    ...withoutTls(way, path),
  ];
}

type Field = Extract<keyof Way, string>;

function oneOf(way: Way, path: Path, first: Field, second: Field): Finding[] {
  if (way[first] === undefined || way[second] === undefined) return [];
  const remedy = `remove ${first} or ${second}`;
  return [{ path: [...path, second], problem: `stands beside ${first}`, remedy }];
}

function needs(way: Way, path: Path, given: Field, other: Field): Finding[] {
  if (way[given] === undefined || way[other] !== undefined) return [];
  const problem = `needs ${other}, which is missing`;
  return [{ path: [...path, given], problem, remedy: `add ${other}, or remove ${given}` }];
}

const OF_TLS = [
  'serverName',
  'alpn',
  'caFile',
  'certificateFile',
  'keyFile',
  'keyPassphraseFile',
] as const;

/** Somebody who names a certificate believes that the connection is encrypted. */
function withoutTls(way: Way, path: Path): Finding[] {
  if (way.url.startsWith('mqtts:')) return [];
  return OF_TLS.filter((field) => way[field] !== undefined).map((field) => ({
    path: [...path, field],
    problem: `has no effect: ${way.url} is not encrypted`,
    remedy: 'write mqtts:// in url, with the TLS port of the broker',
  }));
}

function besides(broker: Broker, n: number, path: Path): readonly Finding[] {
  const url = broker.alternatives[n]?.url ?? '';
  const earlier = [broker.url, ...broker.alternatives.slice(0, n).map((each) => each.url)];
  const findings: Finding[] = [];
  if (earlier.includes(url)) {
    const problem = 'stands there already: an address cannot stand in for itself';
    findings.push({
      path: [...path, 'url'],
      problem,
      remedy: 'remove it, or correct host or port',
    });
  }
  if (broker.url.startsWith('mqtts:') && !url.startsWith('mqtts:')) {
    findings.push({
      path: [...path, 'url'],
      problem: 'is not encrypted though the first address is: the password would cross in clear',
      remedy: 'write mqtts://, or make it a broker of its own',
    });
  }
  return findings;
}

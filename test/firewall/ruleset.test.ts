import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { Opening } from '../../src/firewall/openings.ts';
import { openingsOf } from '../../src/firewall/openings.ts';
import { rulesetOf } from '../../src/firewall/ruleset.ts';

function config(text: string) {
  const result = parseConfig(text, {}, []);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const short = (openings: readonly Opening[]): string[] =>
  openings.map(
    ({ protocol, port, from, at }) =>
      `${protocol} ${port}${from.length > 0 ? ` from ${from.join(' ')}` : ''}${at === null ? '' : ` at ${at}`}`,
  );

const opened = (...texts: string[]): string[] => short(openingsOf(texts.map(config)));

describe('what a configuration opens', () => {
  it('by default ssh, boards and health', () => {
    expect(opened('')).toEqual(['tcp 22', 'tcp 4888', 'tcp 9090']);
  });

  it('nothing that is bound to the loopback or off, and nothing to others', () => {
    expect(
      opened(`
        ingest: { allow: [192.168.1.0/24, fd00::/8] }
        http: { host: 127.0.0.1 }
        firewall: { ssh: false }
        uplink: { embeddedBroker: { enabled: true } }
      `),
    ).toEqual(['tcp 4888 from 192.168.1.0/24 fd00::/8']);
    expect(
      opened(`
        ingest: { enabled: false }
        http: { host: '::1' }
        firewall: { ssh: false }
      `),
    ).toEqual([]);
  });

  it('an embedded broker, neighbours by address, an address of its own, another ssh', () => {
    expect(
      opened(`
        ingest: { host: 10.0.0.5 }
        http: { host: 10.0.0.5, port: 80 }
        firewall: { sshPort: 2222, sshFrom: [10.0.0.9], httpFrom: [10.0.0.0/8], brokerFrom: [] }
        uplink: { embeddedBroker: { enabled: true, host: 0.0.0.0 } }
        neighbours:
          enabled: true
          keyFile: /etc/embereye/site.key
          peers: [{ id: other, host: 10.0.0.6 }]
      `),
    ).toEqual([
      'tcp 2222 from 10.0.0.9',
      'tcp 4888 at 10.0.0.5',
      'tcp 80 from 10.0.0.0/8 at 10.0.0.5',
      'tcp 1883',
      'udp 4890 from 10.0.0.6',
    ]);
  });

  it('neighbours known by name may have any address', () => {
    const text = `
      firewall: { ssh: false }
      ingest: { enabled: false }
      http: { host: localhost }
      neighbours:
        enabled: true
        keyFile: /etc/embereye/site.key
        peers: [{ id: a, host: 10.0.0.6 }, { id: b, host: b.local }]
    `;
    expect(opened(text)).toEqual(['udp 4890']);
  });

  it('whatever may run: several configurations together, each port once', () => {
    expect(opened('', 'ingest: { port: 5000 }')).toEqual([
      ...['tcp 22', 'tcp 4888', 'tcp 9090', 'tcp 5000'],
    ]);
    expect(opened()).toEqual(['tcp 22']);
  });
});

describe('the ruleset', () => {
  const of = (...openings: Opening[]): string[] =>
    rulesetOf(openings, 'test\nonly')
      .split('\n')
      .filter((line) => line.includes('"boards"'))
      .map((line) => line.trim());
  const boards = { protocol: 'tcp', port: 4888, from: [], at: null, what: 'boards' } as const;

  it('drops what it does not name, in one transaction, in a table of its own', () => {
    const text = rulesetOf([], 'a comment\nflush ruleset');
    expect(text).toContain('policy drop;');
    expect(text.split('\n').slice(0, 3)).toEqual([
      '# a comment flush ruleset',
      'table inet embereye',
      'delete table inet embereye',
    ]);
    expect(text).not.toMatch(/^flush/m);
  });

  it('writes one rule for both families, or one for each source', () => {
    const all = 'tcp dport 4888 accept comment "boards"';
    expect(of(boards)).toEqual([all]);
    expect(of({ ...boards, at: 'fd00::5' })).toEqual([`ip6 daddr fd00::5 ${all}`]);
    expect(of({ ...boards, from: ['10.0.0.0/8', 'fd00::/8'] })).toEqual([
      `ip saddr 10.0.0.0/8 ${all}`,
      `ip6 saddr fd00::/8 ${all}`,
    ]);
    expect(of({ ...boards, from: ['10.1.2.3'], at: '10.0.0.1' })).toEqual([
      `ip saddr 10.1.2.3 ip daddr 10.0.0.1 ${all}`,
    ]);
    // Nobody of that family may come to an address of the other.
    expect(of({ ...boards, from: ['10.1.2.3'], at: 'fd00::5' })).toEqual([]);
  });

  it('every source that is named is in exactly one rule, and no other is', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 20 }), (from) => {
        const rules = of({ ...boards, from });
        expect(rules).toHaveLength(from.length);
        for (const one of from) {
          expect(rules.filter((rule) => rule.includes(` saddr ${one} `))).toHaveLength(1);
        }
      }),
    );
  });
});

/** Brokers in the configuration: their addresses, what contradicts itself, what ends soon. */
import { afterEach, describe, expect, it } from 'vitest';
import { certificateNotes } from '../../src/certificate-notes.ts';
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config-schema.ts';
import { addressesOf, brokerLink } from '../../src/links.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { Authority, hasOpenssl } from '../uplink/authority.ts';
import { seededRandom, VirtualClock } from '../uplink/virtual-clock.ts';

const yaml = (broker: string): string =>
  `device: { id: site-1 }\nuplink:\n  brokers:\n    - { id: centre, ${broker} }\n`;

function read(broker: string): Config {
  const result = parseConfig(yaml(broker), {}, PLAN_CHECKS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

function problems(broker: string): string[] {
  const result = parseConfig(yaml(broker), {}, PLAN_CHECKS);
  return result.ok ? [] : result.problems.map(({ path, problem }) => `${path}: ${problem}`);
}

function addresses(broker: string) {
  const config = read(broker);
  const [first] = config.uplink.brokers;
  if (first === undefined) throw new Error('no broker');
  return addressesOf(config, first);
}

describe('the addresses of a broker', () => {
  it('inherit what they do not name: credentials and certificate as a whole, no server name', () => {
    const [first, second, third] = addresses(
      'url: "mqtts://a.test", serverName: name.test, username: unit, passwordFile: /pw, ' +
        'certificateFile: /c, keyFile: /k, caFile: /ca, alpn: [mqtt], verifyServer: false, ' +
        'alternatives: [{ url: "mqtts://b.test:443" }, ' +
        '{ url: "mqtts://c.test", tokenFile: /token, certificateFile: /c3, keyFile: /k3, ' +
        'serverName: third.test, verifyServer: true }]',
    );
    expect(first).toMatchObject({ host: 'a.test', port: 8883, tls: { serverName: 'name.test' } });
    expect(second).toMatchObject({
      ...{ host: 'b.test', port: 443, username: 'unit', passwordFile: '/pw', tokenFile: null },
      clientId: 'embereye-site-1-centre',
      tls: { certFile: '/c', keyFile: '/k', caFile: '/ca', alpn: ['mqtt'], verify: false },
    });
    expect(second?.tls?.serverName).toBeNull();
    expect(third).toMatchObject({
      ...{ username: null, passwordFile: null, tokenFile: '/token' },
      tls: { certFile: '/c3', keyFile: '/k3', serverName: 'third.test', verify: true },
    });
  });

  it('make one link, whose address is the first', () => {
    const config = read('url: "mqtt://a.test", alternatives: [{ url: "mqtt://b.test" }]');
    const [broker] = config.uplink.brokers;
    if (broker === undefined) throw new Error('no broker');
    const deps = { clock: new VirtualClock(), random: seededRandom(1), log: () => undefined };
    expect(brokerLink(config, broker, deps).address).toBe('mqtt://a.test:1883');
  });
});

describe('a broker that contradicts itself', () => {
  it.each([
    ['url: "mqtt://a", username: u, usernameFile: /u', 'usernameFile: stands beside username'],
    ['url: "mqtt://a", passwordFile: /p, tokenFile: /t', 'tokenFile: stands beside passwordFile'],
    ['url: "mqtts://a", certificateFile: /c', 'certificateFile: needs keyFile'],
    ['url: "mqtts://a", keyFile: /k', 'keyFile: needs certificateFile'],
    ['url: "mqtts://a", keyPassphraseFile: /p', 'keyPassphraseFile: needs keyFile'],
    ['url: "mqtt://a", caFile: /ca', 'caFile: has no effect: mqtt://a is not encrypted'],
    ['url: "mqtt://a", alternatives: [{ url: "mqtt://a" }]', 'alternatives[0].url: stands there'],
    ['url: "mqtts://a", alternatives: [{ url: "mqtt://b" }]', 'alternatives[0].url: is not encry'],
  ])('%s', (broker, words) => {
    expect(problems(broker).join()).toContain(`uplink.brokers[0].${words}`);
  });
});

describe.skipIf(!hasOpenssl)('certificates in a configuration (needs openssl)', () => {
  const made: Authority[] = [];
  afterEach(() => Promise.all(made.splice(0).map((each) => each.remove())));

  it('are noted when they end within 30 days, and passed over when they are elsewhere', () => {
    const ca = new Authority();
    made.push(ca);
    const own = ca.make('unit', 'DNS:unit', [-1, 12.5]);
    const config = read(
      `url: "mqtts://a", caFile: ${ca.caFile}, certificateFile: ${own.cert}, keyFile: ${own.key}, ` +
        'alternatives: [{ url: "mqtts://b", caFile: /elsewhere/ca.pem }]',
    );
    const notes = certificateNotes(config, Date.now());
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(
      /^broker centre: our certificate .*unit.pem expires on .*, in 12 days/,
    );
    expect(certificateNotes(config, Date.now() + 20 * 86_400_000)[0]).toContain('expired on');
  });
});

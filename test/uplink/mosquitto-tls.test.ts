/** TLS and credentials against a real broker: every bad case is named with its remedy. */
import { describe, expect, it } from 'vitest';
import type { MqttLinkOptions } from '../../src/uplink/mqtt-link.ts';
import { Authority, hasOpenssl, type Made } from './authority.ts';
import { BROKER } from './bench.ts';
import { hasMosquitto, Mosquitto, runTool } from './mosquitto.ts';
import { cleanups, link, Unit, until } from './unit.ts';

const HOST = 'broker.test';

function authority(): Authority {
  const made = new Authority();
  cleanups.push(() => made.remove());
  return made;
}

async function broker(own: Made, lines: readonly string[] = []): Promise<Mosquitto> {
  const files = [`certfile ${own.cert}`, `keyfile ${own.key}`];
  const server = new Mosquitto(['allow_anonymous true', ...files, ...lines]);
  cleanups.push(() => server.remove());
  await server.start();
  return server;
}

const trusting = (ca: Authority, own: Partial<MqttLinkOptions['tls']> = {}) => ({
  ...{ caFile: ca.caFile, certFile: null, keyFile: null, verify: true, serverName: HOST },
  ...own,
});

/** The first state of a link: `connected`, or why it is not. */
async function first(options: Partial<MqttLinkOptions> & { port: number }): Promise<string> {
  const reasons: string[] = [];
  const tried = link(options);
  tried.open({
    onState: (state) => reasons.push(state.kind === 'disconnected' ? state.reason : 'connected'),
    onMessage: () => undefined,
    will: () => null,
  });
  await until(() => reasons.length > 0);
  await tried.close(100);
  return reasons[0] ?? '';
}

describe.skipIf(!hasMosquitto || !hasOpenssl)('uplink to mosquitto over TLS', () => {
  it('delivers with a client certificate whose key has a passphrase', async () => {
    const ca = authority();
    const demands = [`cafile ${ca.caFile}`, 'require_certificate true'];
    const server = await broker(ca.make('server', `DNS:${HOST}`), demands);
    const own = ca.make('unit', 'DNS:unit');
    const keyFile = ca.sealed(own.key, 'open sesame');
    const passphraseFile = ca.write('phrase', 'open sesame\n');
    const tls = trusting(ca, { certFile: own.cert, keyFile, passphraseFile });
    const unit = new Unit(link({ port: server.port, tls })).start();
    unit.journal.append(unit.make.some('alarm', 3));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 3);
    await until(() => unit.uplink.counters.certificateDays.server !== undefined);
    expect(unit.uplink.counters.certificateDays).toEqual({
      client: 99,
      authority: 299,
      server: 99,
    });
    expect(unit.faults).toEqual([]);
  });

  it.each<[string, [number, number], RegExp]>([
    ['expired', [-30, -10], /has expired on \d{4}-\d\d-\d\d: renew it .* takes it to be .* UTC/],
    ['not yet valid', [10, 30], /is not valid before \d{4}-\d\d-\d\d yet: set the clock first/],
  ])('names a server certificate that is %s, with the time of this machine', async (...given) => {
    const [, days, words] = given;
    const ca = authority();
    const server = await broker(ca.make('server', `DNS:${HOST}`, days));
    expect(await first({ port: server.port, tls: trusting(ca) })).toMatch(words);
  });

  it('names the wrong host with the right ones, and whom it does not trust', async () => {
    const ca = authority();
    const made = ca.make('server', `DNS:${HOST},DNS:second.test`);
    const server = await broker(made);
    const { port } = server;
    const reason = (tls: MqttLinkOptions['tls']): Promise<string> => first({ port, tls });
    expect(await reason(trusting(ca, { serverName: 'other.test' }))).toContain(
      `for another host name: for ${HOST}, second.test, not for other.test`,
    );
    expect(await reason(trusting(ca, { serverName: null }))).toContain('not for 127.0.0.1');
    expect(await reason(trusting(ca, { caFile: null }))).toContain(
      'name the file of its authority',
    );
    const other = authority();
    expect(await reason(trusting(other))).toContain(`${other.caFile} is not the authority`);
    expect(await reason(trusting(ca, { verify: false, serverName: null, caFile: null }))).toBe(
      'connected',
    );
    const self = await broker(ca.selfSigned('self', `DNS:${HOST}`));
    expect(await first({ port: self.port, tls: trusting(ca) })).toContain('signed by itself');
  });

  it('names what a broker says of our certificate, and that it demands one', async () => {
    const ca = authority();
    const made = ca.make('server', `DNS:${HOST}`);
    for (const version of ['tlsv1.2', 'tlsv1.3']) {
      const lines = [`cafile ${ca.caFile}`, 'require_certificate true', `tls_version ${version}`];
      const { port } = await broker(made, lines);
      const none = await first({ port, tls: trusting(ca) });
      expect(none).toMatch(/demand.? a client certificate/);
      const old = ca.make(`old-${version}`, 'DNS:unit', [-30, -10]);
      const tls = trusting(ca, { certFile: old.cert, keyFile: old.key });
      expect(await first({ port, tls })).toMatch(
        /old-tlsv1\..\.pem \(expired on \d{4}-\d\d-\d\d\)/,
      );
    }
  });

  it('names files that are missing, no PEM, or do not belong together', async () => {
    const ca = authority();
    const one = ca.make('one', 'DNS:one');
    const two = ca.make('two', 'DNS:two');
    const sealed = ca.sealed(one.key, 'right');
    const wrong = ca.write('wrong', 'wrong\n');
    const rubbish = ca.write('rubbish', 'no certificate\n');
    const reason = (tls: Partial<MqttLinkOptions['tls']>): Promise<string> =>
      first({ port: 1, tls: trusting(ca, tls) });
    const own = { certFile: one.cert, keyFile: one.key };
    expect(await reason({ caFile: '/nowhere' })).toMatch(/authority file \/nowhere: ENOENT; put/);
    expect(await reason({ caFile: rubbish })).toContain('holds no certificate in PEM form');
    expect(await reason({ ...own, certFile: rubbish })).toContain('holds no certificate in PEM');
    expect(await reason({ ...own, keyFile: rubbish })).toContain('holds no private key in PEM');
    expect(await reason({ ...own, keyFile: two.key })).toContain('does not belong to the certif');
    expect(await reason({ ...own, keyFile: sealed })).toContain('is encrypted: name a file');
    expect(await reason({ ...own, keyFile: sealed, passphraseFile: wrong })).toContain(
      `the passphrase in ${wrong} does not open`,
    );
    expect(await reason({ ...own, keyFile: null })).toContain('has no key: add its file');
  });

  it('names TLS on a plain port, and a plain connection to a TLS port', async () => {
    const ca = authority();
    const plain = new Mosquitto();
    cleanups.push(() => plain.remove());
    await plain.start();
    expect(await first({ port: plain.port, tls: trusting(ca) })).toContain('is this its TLS port');
    const secure = await broker(ca.make('server', `DNS:${HOST}`));
    expect(await first({ port: secure.port })).toContain('is this a TLS port? then write mqtts://');
  });

  it('tells for weeks ahead that a certificate ends', async () => {
    const ca = authority();
    const server = await broker(ca.make('server', `DNS:${HOST}`, [-1, 12.5]));
    const unit = new Unit(link({ port: server.port, tls: trusting(ca) })).start();
    await until(() => unit.faults.length > 0);
    expect(unit.faults).toMatchObject([
      {
        fault: 'certificateExpiring',
        subject: `uplink:${BROKER}`,
        raised: true,
        supervisory: true,
      },
    ]);
    expect(unit.faults[0]?.detail).toMatch(/a certificate of the broker .* in 12 days: have it/);
  });
});

describe.skipIf(!hasMosquitto)('credentials at mosquitto', () => {
  it('come from files, which are read again at each attempt', async () => {
    const server = new Mosquitto(['allow_anonymous false', 'password_file %d/passwords']);
    cleanups.push(() => server.remove());
    const passwords = server.write('passwords', '');
    runTool('mosquitto_passwd', ['-b', passwords, 'unit', 'first']);
    await server.start();
    const usernameFile = server.write('name', 'unit\n');
    const tokenFile = server.write('token', 'first\n');
    const { port } = server;
    const unit = new Unit(link({ port, usernameFile, tokenFile })).start();
    await until(() => unit.uplink.counters.connected);
    // The password changes while we are connected: the next connection takes the new one.
    runTool('mosquitto_passwd', ['-b', passwords, 'unit', 'second']);
    await server.kill();
    await server.start();
    await until(() => !unit.uplink.counters.connected);
    server.write('token', 'second\n');
    await until(() => unit.uplink.counters.connected);
    expect(unit.uplink.counters.reconnects).toBe(1);
  });
});

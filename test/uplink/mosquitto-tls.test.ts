import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MqttLinkOptions } from '../../src/uplink/mqtt-link.ts';
import { BROKER } from './bench.ts';
import { hasMosquitto, Mosquitto, runTool } from './mosquitto.ts';
import { cleanups, link, Unit, until } from './unit.ts';

describe.skipIf(!hasMosquitto)('uplink to mosquitto over TLS', () => {
  const DAYS = ['-days', '2'];

  function certificates(server: Mosquitto, name: string, altName: string): void {
    const at = (file: string): string => path.join(server.folder, file);
    const key = (file: string): string[] => ['-newkey', 'rsa:2048', '-nodes', '-keyout', at(file)];
    runTool('openssl', [
      'req',
      '-x509',
      ...key('ca.key'),
      '-out',
      at('ca.pem'),
      ...DAYS,
      '-subj',
      '/CN=Test CA',
    ]);
    runTool('openssl', [
      'req',
      ...key(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${name}`,
    ]);
    const extensions = server.write('ext', `subjectAltName=${altName}\n`);
    const sign = [
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca.key'),
    ];
    runTool('openssl', [
      ...sign,
      '-CAcreateserial',
      ...DAYS,
      '-extfile',
      extensions,
      '-out',
      at(`${name}.pem`),
    ]);
  }

  it('accepts only a certificate of the configured authority for the right host', async () => {
    const server = new Mosquitto([
      'allow_anonymous true',
      'cafile %d/ca.pem',
      'certfile %d/server.pem',
      'keyfile %d/server.key',
      'require_certificate true',
    ]);
    cleanups.push(() => server.remove());
    certificates(server, 'server', 'DNS:broker.test');
    await server.start();
    const at = (file: string): string => path.join(server.folder, file);
    const good = {
      caFile: at('ca.pem'),
      certFile: at('server.pem'),
      keyFile: at('server.key'),
      verify: true,
      serverName: 'broker.test',
    };
    const unit = new Unit(link({ port: server.port, tls: good })).start();
    unit.journal.append(unit.make.some('alarm', 3));
    await until(() => unit.journal.cursor(BROKER, 'alarm') === 3);

    const reasonWith = async (tls: MqttLinkOptions['tls']): Promise<string> => {
      const reasons: string[] = [];
      const other = link({ port: server.port, tls });
      other.open({
        onState: (state) =>
          reasons.push(state.kind === 'disconnected' ? state.reason : 'connected'),
        onMessage: () => undefined,
        will: () => null,
      });
      await until(() => reasons.length > 0);
      await other.close(100);
      return reasons[0] ?? '';
    };
    const address = `mqtts://127.0.0.1:${server.port}`;
    expect(await reasonWith({ ...good, serverName: 'other.test' })).toBe(
      `the certificate of ${address} is not accepted: it was made for another host name`,
    );
    expect(await reasonWith({ ...good, caFile: null })).toContain('its authority is not trusted');
    expect(await reasonWith({ ...good, caFile: at('missing') })).toContain(
      'cannot read the certificate',
    );
    expect(await reasonWith({ ...good, certFile: null, keyFile: null })).not.toBe('connected');
    expect(await reasonWith({ ...good, caFile: null, serverName: null, verify: false })).toBe(
      'connected',
    );
  });
});

/** A real appliance, a real broker with TLS, a real SSH server: a unit proves itself. */
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addCa } from '../../scripts/provision/ca.ts';
import { addEnrol } from '../../scripts/provision/enrol.ts';
import { addRetire } from '../../scripts/provision/retire.ts';
import { isQuiet, stageOf } from '../../scripts/provision/verify-alarm.ts';
import {
  clockPoints,
  doctorPointsOf,
  identityPointsOf,
  servicePoint,
} from '../../scripts/provision/verify-unit.ts';
import { addVerify } from '../../scripts/provision/verify.ts';
import { parseConfig } from '../../src/config.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { embereyeProgram } from '../e2e/processes.ts';
import { Unit } from '../e2e/unit.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import { Bench, NOW_MS, PASSPHRASE } from './bench.ts';
import { FakeUnit, hasSsh } from './ssh-server.ts';

const hasAll = hasSsh && hasMosquitto;

describe('points of a protocol', () => {
  it('service and clock', () => {
    const facts = { active: true, enabled: true, installed: '1.0' };
    const all = { ...facts, nowMs: NOW_MS, synchronised: true } as Parameters<
      typeof clockPoints
    >[0];
    expect(servicePoint(all).state).toBe('passed');
    expect(servicePoint({ ...all, enabled: false })).toMatchObject({
      state: 'failed',
      found: 'runs, not enabled',
    });
    const states = (facts: typeof all, hereMs: number) =>
      clockPoints(facts, hereMs, 1000).map(({ state }) => state);
    expect(states(all, NOW_MS + 6000)).toEqual(['passed', 'passed']);
    expect(states(all, NOW_MS + 6001)).toEqual(['failed', 'passed']);
    expect(states({ ...all, synchronised: false }, NOW_MS)).toEqual(['passed', 'failed']);
  });

  it('identity', () => {
    const shown = {
      ...{ deviceId: 'unit-1', serial: 'AB', fingerprint: 'cd', validFrom: '', validTo: '2036' },
      ...{ authorities: [], hasKey: true, hasNextKey: false, hasClaim: true, trouble: null },
      daysLeft: 30,
    };
    const states = (change: object) =>
      identityPointsOf({ ...shown, ...change }).map(({ state }) => state);
    expect(states({})).toEqual(['passed', 'passed', 'passed']);
    expect(states({ daysLeft: 29 })).toEqual(['passed', 'failed', 'passed']);
    expect(states({ trouble: 'no key', daysLeft: null, hasClaim: false })).toEqual([
      ...['failed', 'failed', 'failed'],
    ]);
  });

  it('the doctor: what failed one by one, the rest in a line', () => {
    const finding = { area: 'gpio', subject: 'chip', found: 'none', remedy: 'wire it' };
    const points = doctorPointsOf({
      ok: false,
      findings: [
        { ...finding, state: 'failed' },
        { ...finding, state: 'warning' },
      ],
    });
    expect(points).toMatchObject([{ state: 'failed', point: 'gpio chip', remedy: 'wire it' }]);
    expect(doctorPointsOf({ ok: true, findings: [] })).toMatchObject([{ state: 'passed' }]);
  });

  it('a stage is a board that can dial in from the unit itself', () => {
    const config = (match: object) => {
      const text = JSON.stringify({
        boards: [{ id: 'hall', match }],
        zones: [{ id: 'z', sensors: [{ sensor: 'hall', channel: 'thermal', role: 'thermal' }] }],
      });
      const parsed = parseConfig(text, {}, PLAN_CHECKS);
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
      return parsed.config;
    };
    expect(stageOf(config({ serial: 'A1' }), null)).toMatchObject({ zone: 'z', serial: 'A1' });
    expect(stageOf(config({ location: 'Hall' }), 'z')).toMatchObject({ location: 'Hall' });
    expect(stageOf(config({}), null)).toMatchObject({ serial: 'hall' });
    expect(stageOf(config({ address: '10.0.0.7' }), null)).toBeNull();
    expect(stageOf(config({ serial: 'A1' }), 'other')).toBeNull();
  });

  it('a walk test ends only when nothing hot is believed', () => {
    const source = (quality: string, value: number | null, role = 'thermal') =>
      ({ sensor: 'hall', quality, value, role }) as never;
    const quiet = (sources: never[], verifying = false) =>
      isQuiet({ sources, zones: [{ id: 'z', verifying } as never] }, 'z', 'hall');
    expect(quiet([source('stale', 400)])).toBe(true);
    expect(quiet([source('good', 400)])).toBe(false);
    expect(quiet([source('good', 21), source('good', 9, 'smoke')])).toBe(true);
    expect(quiet([source('good', 9, 'smoke')])).toBe(false);
    expect(quiet([source('good', 21)], true)).toBe(false);
  });
});

describe('provision verify --url', () => {
  let bench: Bench;
  beforeEach(() => (bench = new Bench()));
  afterEach(() => bench.remove());

  it.each([
    [200, 200, { faults: [] }, 0, 'no fault stands'],
    [200, 503, { faults: [{ fault: 'uplinkDown', subject: 'uplink:c' }] }, 1, 'uplinkDown (upl'],
    [503, 200, { faults: [] }, 1, 'NOT PROVEN'],
  ])('health %i, ready %i', async (health, ready, body, code, words) => {
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/health' ? health : ready).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const args = ['verify', '--url', `http://127.0.0.1:${port}`, '--report', 'out/p'];
    expect(await bench.run(addVerify, ...args)).toBe(code);
    expect(readFileSync(bench.at('out', 'p.txt'), 'utf8')).toContain(words);
    const protocol = JSON.parse(readFileSync(bench.at('out', 'p.json'), 'utf8')) as object;
    expect(protocol).toMatchObject({ schema: 1, ok: code === 0 });
    server.close();
  });

  it('nobody there, and a wrong command line', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    expect(await bench.run(addVerify, 'verify', '--url', nobody)).toBe(1);
    expect(bench.said).toContain('ECONNREFUSED');
    expect(await bench.run(addVerify, 'verify')).toBe(2);
    expect(await bench.run(addVerify, 'verify', '--url', '127.0.0.1')).toBe(2);
    expect(await bench.run(addVerify, 'verify', '--host', 'x', '--dry-run', '--outputs')).toBe(0);
    expect(bench.said).toContain('would stop the appliance, pulse each output');
  });
});

describe.skipIf(!hasAll)('provision verify --host', { timeout: 240_000 }, () => {
  const bench = new Bench();
  const host = new FakeUnit();
  let broker: Mosquitto;
  let unit: Unit;
  const source = ['--ca', 'ca', '--passphrase-file', 'phrase'];
  const login = () => [
    ...['--host', `${host.user}@127.0.0.1`, '--port', String(host.port)],
    ...['--ssh-key', host.clientKey, '--known-hosts', 'known'],
    ...['--host-key', host.hostKeyFingerprint],
  ];

  beforeAll(async () => {
    bench.nowMs = Date.now();
    bench.write('phrase', PASSPHRASE);
    await bench.run(addCa, 'ca', 'new', ...source);
    await bench.run(addCa, 'ca', 'server-cert', '--name', 'localhost', '--out', 's', ...source);
    await bench.run(addCa, 'ca', 'client-cert', '--name', 'anna', '--out', 'p', ...source);
    broker = new Mosquitto([
      ...[`cafile ${bench.at('ca', 'ca.crt')}`, `crlfile ${bench.at('ca', 'crl.pem')}`],
      ...[
        `certfile ${bench.at('s', 'localhost.crt')}`,
        `keyfile ${bench.at('s', 'localhost.key')}`,
      ],
      ...['require_certificate true', 'use_identity_as_username true', 'allow_anonymous false'],
    ]);
    await broker.start();
    await host.start();
    await startUnit();
  }, 120_000);
  afterAll(async () => {
    await unit.remove();
    await host.remove();
    await broker.remove();
    bench.remove();
  });

  /** An appliance that has the identity which `enrol` brings to the unit's folder. */
  async function startUnit(): Promise<void> {
    const folder = host.at('etc/embereye/identity');
    const program = `${process.execPath} ${embereyeProgram()}`;
    const thermal = { sensor: 'hall', channel: 'thermal', role: 'thermal' };
    unit = await Unit.prepare({
      device: { id: 'unit-1' },
      boards: [{ id: 'hall', match: { serial: 'HALL1' } }],
      zones: [{ id: 'hall', sensors: [thermal] }],
      uplink: {
        brokers: [
          {
            ...{ id: 'central', url: `mqtts://localhost:${broker.port}` },
            ...{ caFile: `${folder}/ca.crt`, certificateFile: `${folder}/device.crt` },
            keyFile: `${folder}/device.key`,
          },
        ],
      },
    });
    const run = `--run-directory ${unit.runFolder}`;
    host.program('runuser', 'shift 3; exec "$@"');
    host.program(
      'systemctl',
      'case $1 in is-active) echo active ;; is-enabled) echo enabled ;; esac',
    );
    host.program('timedatectl', 'echo yes');
    host.program(
      'embereye',
      [
        'case $1 in',
        `identity) exec ${program} "$@" --folder ${folder} ;;`,
        `status|test|enable|prove) exec ${program} "$@" ${run} ;;`,
        `*) exec ${program} "$@" ;;`,
        'esac',
      ].join('\n'),
    );
    const enrol = ['enrol', '--device-id', 'unit-1', '--out', 'label', ...source];
    expect(await bench.run(addEnrol, ...enrol, ...login()), bench.said).toBe(0);
    writeFileSync(host.at('etc/embereye/appliance.yaml'), readFileSync(unit.configFile));
    await unit.start();
  }

  function publishes(who: string): boolean {
    const tls = ['--cafile', bench.at('ca', 'ca.crt'), '--cert', bench.at(`${who}.crt`)];
    const at = ['-h', 'localhost', '-p', String(broker.port), '-q', '1', '-t', 'x', '-m', 'y'];
    return (
      spawnSync('mosquitto_pub', [...at, ...tls, '--key', bench.at(`${who}.key`)]).status === 0
    );
  }

  const verify = (...args: string[]) => {
    const own = ['--broker-ca', 'ca/ca.crt', '--broker-cert', 'p/anna.crt'];
    const tls = [...own, '--broker-key', 'p/anna.key'];
    return bench.run(addVerify, 'verify', ...login(), ...tls, '--report', 'report', ...args);
  };
  const points = (): Record<string, { state: string; found: string }> => {
    const { points: all } = JSON.parse(readFileSync(bench.at('report.json'), 'utf8')) as {
      points: { area: string; point: string; state: string; found: string }[];
    };
    return Object.fromEntries(all.map((one) => [`${one.area}: ${one.point}`, one]));
  };

  it('a simulated fire reaches the broker, nothing sounds, and the walk test ends', async () => {
    await verify();
    const seen = points();
    expect(
      seen['alarm path: simulated fire in hall, event at the broker'],
      bench.said,
    ).toMatchObject({
      state: 'passed',
      found: expect.stringMatching(/^after \d+ s: walk test: /) as string,
    });
    expect(seen['alarm path: walk test ended']).toMatchObject({ state: 'passed' });
    expect(seen['service: /health']).toMatchObject({ state: 'passed' });
    expect(seen['identity: key and certificate']).toMatchObject({ state: 'passed' });
    expect(seen['outputs: pulse']).toMatchObject({ state: 'skipped' });
    expect(seen['clock: of its events']).toBeDefined();
    expect(unit.level(17)).toBe(false);
    expect(bench.said).not.toMatch(/PRIVATE/);
  });

  it('a retired unit is refused by the broker, and everybody else is not', async () => {
    bench.forget();
    // A thief has copied both before the unit was retired.
    for (const name of ['device.key', 'device.crt']) {
      writeFileSync(bench.at(name), host.read(`etc/embereye/identity/${name}`));
    }
    const retire = ['retire', '--device-id', 'unit-1', ...source];
    expect(await bench.run(addRetire, ...retire)).toBe(1);
    expect(bench.said).toContain('was not retired: answer yes, or add --yes');
    expect(await bench.run(addRetire, ...retire, '--dry-run')).toBe(0);
    expect(bench.said).toMatch(/would revoke [0-9A-F]{32} of unit-1/);
    expect(await bench.run(addRetire, ...retire, '--yes', '--wipe', ...login()), bench.said).toBe(
      0,
    );
    expect(bench.said).toContain('mosquitto_passwd -D PASSWORD_FILE unit-1');
    expect(publishes('device')).toBe(true);
    await broker.kill();
    await broker.start();
    expect(publishes('device')).toBe(false);
    expect(publishes(join('p', 'anna'))).toBe(true);
    bench.forget();
    await verify('--no-alarm');
    expect(points()['identity: key and certificate']).toMatchObject({ state: 'failed' });
    expect(bench.said).toContain('this unit was never enrolled');
    expect(await bench.run(addRetire, ...retire, '--yes')).toBe(0);
    expect(bench.said).toContain('unit-1 is retired already: nothing changed');
    expect(await bench.run(addRetire, 'retire', '--device-id', 'nobody', ...source)).toBe(1);
    expect(bench.said).toContain('never issued anything for "nobody"');
  });
});

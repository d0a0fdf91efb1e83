/**
 * The real program with a simulated board over TCP, its journal on disk, the embedded broker, and a
 * central server on a connection of its own that confirms: proven by the clock and by command.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { Link } from '../../src/uplink/link.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../../src/uplink/mqtt-link.ts';
import { Child, embereye, eventually } from '../e2e/processes.ts';
import { SIREN, Unit } from '../e2e/unit.ts';
import { freePort } from '../uplink/tcp-proxy.ts';

interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A central server: hears all events, and confirms proofs while it is told to. */
class Centre {
  readonly events: Told[] = [];
  confirms = true;
  readonly #link: Link;

  constructor(port: number) {
    const options = { ...DEFAULT_MQTT_OPTIONS, host: '127.0.0.1', port, clientId: 'centre' };
    const deps = { clock: systemClock(), random: systemRandom(), log: () => undefined };
    this.#link = createMqttLink(options, deps);
    this.#link.open({
      onState: ({ kind }) => {
        if (kind === 'connected') {
          void this.#link.subscribe('embereye/v1/unit/event/#', { retained: false });
        }
      },
      onMessage: ({ payload }) => this.#take(JSON.parse(Buffer.from(payload).toString()) as Told),
      will: () => null,
    });
  }

  finished(zone: string): readonly Told[] {
    return this.events.filter(
      ({ type, data }) => type === 'proofFinished' && data['zone'] === zone,
    );
  }

  close(): Promise<void> {
    return this.#link.close(500);
  }

  #take(event: Told): void {
    this.events.push(event);
    if (event.type !== 'proof' || !this.confirms) return;
    const payload = JSON.stringify({ proof: event.data['proof'], actor: 'centre-1' });
    const topic = 'embereye/v1/unit/command/confirmProof';
    void this.#link.publish({ topic, payload, retain: false });
  }
}

describe('an appliance that proves its alarm path', () => {
  let unit: Unit;
  let board: Child;
  let centre: Centre;

  beforeAll(async () => {
    const port = await freePort();
    unit = await Unit.start({
      boards: [{ id: 'a', match: { serial: 'A' }, cadenceSeconds: 1 }],
      zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'thermal', role: 'thermal' }] }],
      uplink: { embeddedBroker: { enabled: true, port } },
      box: { enabled: false },
      proof: {
        everySeconds: 10,
        outputs: 'pulse',
        pulseMs: 600,
        broker: 'required',
        central: 'required',
        timeoutSeconds: 10,
      },
    });
    centre = new Centre(port);
    const to = `127.0.0.1:${unit.boardPort}`;
    board = Child.embereye(['simulate-board', '--to', to, '--serial', 'A', '--cadence', '1']);
  }, 60_000);
  afterAll(async () => {
    await board.end('SIGKILL');
    await centre.close();
    await unit.remove();
  });

  it('passes every stage by itself, with the siren pulsed', async () => {
    let sounded = false;
    const proof = await eventually(
      () => `a proof passes: ${JSON.stringify(centre.finished('a'))} ${unit.said}`,
      () => {
        sounded ||= unit.level(SIREN) === true;
        return centre.finished('a').find(({ data }) => data['outcome'] === 'passed');
      },
      60_000,
    );
    const stages = proof.data['stages'] as readonly { stage: string; outcome: string }[];
    expect(stages.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      'sensor passed',
      'decode passed',
      'detection passed',
      'decision passed',
      // The siren of this unit has no feedback.
      'output notProven',
      'journal passed',
      'broker passed',
      'central passed',
    ]);
    expect(sounded, 'the siren was pulsed').toBe(true);
    const page = await unit.page('/metrics');
    expect(page?.text).toMatch(/embereye_proof_age_seconds\{zone="a"\} \d+\.\d+/);
    expect(page?.text).not.toMatch(/embereye_recording_incidents_total [1-9]/);
    expect(centre.events.filter(({ type }) => type === 'alarm' || type === 'preAlarm')).toEqual([]);
  }, 90_000);

  it('proves on demand, and says which stage is broken', async () => {
    centre.confirms = false;
    const before = centre.finished('a').length;
    const run = ['--run-directory', unit.runFolder];
    const asked = await embereye(['prove', 'a', ...run]);
    expect([asked.code, asked.err]).toEqual([0, '']);
    const proof = await eventually(
      'a proof fails',
      () =>
        centre
          .finished('a')
          .slice(before)
          .find(({ data }) => data['outcome'] === 'failed'),
      60_000,
    );
    expect(proof.data['detail']).toMatch(/^central: no server answered/);
    await eventually('the fault', () =>
      centre.events.some(
        ({ type, data }) => type === 'faultRaised' && data['fault'] === 'proofFailed',
      ),
    );
    centre.confirms = true;
    await eventually(
      'the fault ends with the next success',
      () =>
        centre.events.some(
          ({ type, data }) => type === 'faultRestored' && data['fault'] === 'proofFailed',
        ),
      60_000,
    );
  }, 150_000);

  it('keeps the age through a restart', async () => {
    await unit.end();
    await unit.start();
    const page = await unit.page('/metrics');
    const age = /embereye_proof_age_seconds\{zone="a"\} (\S+)/.exec(page?.text ?? '')?.[1];
    expect(Number(age)).toBeLessThan(600);
  }, 60_000);
});

/** The panel as operators know it: a real process, its sockets, the broker inside it, its lines. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMAND_KINDS } from '../../src/domain/command.ts';
import { hasMosquitto } from '../uplink/mosquitto.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import { Listener, publish, RawBoard } from './field.ts';
import { embereye, eventually } from './processes.ts';
import { FAULT_RELAY, SIREN, Unit } from './unit.ts';

const STROBE = 18;
const CALL_POINT = 6;
const ROOT = 'embereye/v1/unit';

describe.skipIf(!hasMosquitto)('the panel of a running appliance (needs mosquitto_sub)', () => {
  let unit: Unit;
  let port: number;
  let listener: Listener;
  const boards: RawBoard[] = [];

  beforeAll(async () => {
    port = await freePort();
    unit = await Unit.prepare();
    const smokeIn = (id: string) => ({
      ...{ id, name: id },
      sensors: [{ sensor: id, channel: 'ADC1', role: 'smoke' }],
    });
    unit.configure({
      zones: [smokeIn('a'), smokeIn('b')],
      panel: { delays: { siren: { seconds: 600 } } },
      uplink: { embeddedBroker: { enabled: true, host: '127.0.0.1', port } },
      gpio: {
        backend: 'simulated',
        mirrorDirectory: join(unit.scratch.memory, 'gpio'),
        outputs: [
          { id: 'horn', role: 'siren', line: SIREN, pattern: 'steady' },
          { id: 'flash', role: 'strobe', line: STROBE, pattern: 'steady' },
          { id: 'fault-relay', role: 'faultRelay', line: FAULT_RELAY },
        ],
        inputs: [{ id: 'mcp', role: 'manualCallPoint', line: CALL_POINT, zone: 'b' }],
      },
    });
    await unit.start();
    listener = await Listener.start(port, `${ROOT}/#`, '311');
    await dialIn();
  }, 90_000);
  afterAll(async () => {
    for (const board of boards) board.close();
    await listener.end();
    await unit.remove();
  });

  /** Boards `a` and `b`, whose rooms are clean. */
  async function dialIn(): Promise<void> {
    for (const board of boards.splice(0)) board.close();
    for (const serial of ['A', 'B']) {
      const board = await RawBoard.connect(unit.boardPort, serial);
      board.clean();
      boards.push(board);
    }
    await eventually('both boards are heard', async () => {
      const { sources } = await state();
      return sources.length === 2 && sources.every(({ value }) => value !== null);
    });
  }

  interface State {
    readonly sources: readonly { readonly value: number | null }[];
    readonly disabledOutputs: readonly { readonly output: string }[];
  }
  const give = (...args: string[]) => embereye([...args, '--run-directory', unit.runFolder]);
  const state = async () => JSON.parse((await give('status', '--json')).out) as State;
  const line = (number: number, active: boolean) =>
    eventually(
      () => `line ${number} ${active ? 'active' : 'inactive'}: ${unit.said}`,
      () => unit.level(number) === active,
    );
  const event = async (lane: string, type: string, test: (data: object) => boolean = () => true) =>
    (await listener.event(lane, (told) => told['type'] === type && test(told['data'] as object)))[
      'data'
    ] as Record<string, unknown>;
  const order = async (name: string, payload: object) => {
    const requestId = `${name}-${Math.random().toString(36).slice(2)}`;
    await publish(port, `${ROOT}/command/${name}`, JSON.stringify({ requestId, ...payload }), [
      ...['-V', '311'],
    ]);
    const answered = (id: unknown) => id === requestId;
    return (await listener.on('/response', ({ payload: told }) => answered(told['requestId'])))
      .payload;
  };
  const calm = async () => {
    for (const board of boards) board.clean();
    await eventually('calm', async () => {
      const { out } = await give('reset');
      return out === 'no alarm to reset\n' && (await give('status')).out.includes('normal');
    });
    await line(STROBE, false);
  };

  it('an alarm waits, and `sound` from the centre ends the wait', async () => {
    await line(FAULT_RELAY, true);
    boards[0]?.smoke();
    await line(STROBE, true);
    expect(unit.level(SIREN)).toBe(false);
    const waiting = await give('status');
    expect(waiting.out).toMatch(/siren waits: .* left; `embereye sound` ends the wait/);
    expect((await give('silence')).out).toMatch(/nothing sounds yet: the siren waits/);
    expect(await order('sound', { actor: 'centre' })).toMatchObject({ ok: true });
    await line(SIREN, true);
    expect(await event('system', 'outputDelayEnded')).toMatchObject({
      ...{ reason: 'command', roles: ['siren'] },
    });
    expect(await event('operator', 'soundRequested')).toMatchObject({ origin: 'mqtt:centre' });
    expect((await give('silence')).out).toBe('silenced a\n');
    await line(SIREN, false);
    expect(unit.level(STROBE)).toBe(true);
    await calm();
  });

  it('a call point ends the wait of an alarm', async () => {
    boards[1]?.smoke();
    await line(STROBE, true);
    expect(unit.level(SIREN)).toBe(false);
    unit.press(CALL_POINT, true);
    await line(SIREN, true);
    const byHand = (data: object) => 'reason' in data && data.reason === 'callPoint';
    await event('system', 'outputDelayEnded', byHand);
    unit.press(CALL_POINT, false);
    await calm();
  });

  it('maintenance holds off and drops the fault relay; what has alarmed sounds at its end', async () => {
    expect((await give('maintenance', '--for', '1h')).code).toBe(0);
    await line(FAULT_RELAY, false);
    boards[0]?.smoke();
    const held = await event('alarm', 'alarm', (data) =>
      JSON.stringify(data).includes('"maintenance":true'),
    );
    expect(held).toMatchObject({ zone: 'a' });
    expect([unit.level(SIREN), unit.level(STROBE)]).toEqual([false, false]);
    const renewed = await give('maintenance', '--for', '1s');
    expect(renewed.code).toBe(0);
    await line(SIREN, true);
    await line(STROBE, true);
    await line(FAULT_RELAY, true);
    expect(await event('operator', 'maintenanceEnded')).toEqual({
      origin: 'timeout',
      zones: ['a'],
    });
    const { origin } = await event('operator', 'maintenanceStarted');
    expect(origin).toMatch(/^cli:[a-z0-9_.-]+/);
    await calm();
  });

  it('over MQTT nothing is permitted but what the birth announces', async () => {
    const { payload } = await listener.on('/status');
    const { capabilities } = payload as unknown as { capabilities: string[] };
    const fields = { zone: 'nowhere', sensor: 'nowhere', output: 'nowhere', proof: 'none' };
    for (const kind of COMMAND_KINDS) {
      const { error } = await order(kind, { ...fields, forSeconds: 1 });
      expect(error === 'notPermitted', kind).toBe(!capabilities.includes(kind));
    }
  });

  it('an operator may not what an installer may, and the attempt is journalled', async () => {
    expect((await give('approve-background', 'a')).err).toContain('no changed background');
    rmSync(join(unit.runFolder, 'control', 'installer.sock'));
    const refused = await give('disable', 'zone', 'b', '--for', '1m');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('disable needs access level installer, not operator');
    const tried = (data: object) => 'command' in data && data.command === 'disable';
    const local = (data: object) => tried(data) && JSON.stringify(data).includes('"cli:');
    expect(await event('operator', 'commandRefused', local)).toMatchObject({
      error: 'notPermitted',
    });
    await unit.end();
    await unit.start();
    await dialIn();
  });

  it('a disabled line stays at rest through kill -9, and warns once it is enabled', async () => {
    expect((await give('disable', 'output', 'horn', '--for', '1h')).code).toBe(0);
    boards[0]?.smoke();
    await line(STROBE, true);
    await give('sound');
    expect(unit.level(SIREN)).toBe(false);
    await unit.end('SIGKILL');
    unit.forgetLevels();
    await unit.start();
    expect([unit.level(SIREN), unit.level(STROBE)]).toEqual([false, true]);
    expect((await give('status')).out).toMatch(/output horn \(siren\): disabled, .* left/);
    expect((await state()).disabledOutputs).toMatchObject([{ output: 'horn' }]);
    expect((await give('enable', 'output', 'horn')).code).toBe(0);
    await line(SIREN, true);
  });
});

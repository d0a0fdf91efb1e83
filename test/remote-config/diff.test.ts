import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROTECTED_BY_DEFAULT } from '../../src/config-commands.ts';
import type { Config } from '../../src/config-schema.ts';
import { configSchema } from '../../src/config-schema.ts';
import { changeLines, differencesOf, protectedAmong } from '../../src/remote-config/diff.ts';

const SITE = {
  boards: [{ id: 'a' }, { id: 'b' }],
  zones: [{ id: 'hall', sensors: [{ sensor: 'a', channel: 'thermal', role: 'thermal' }] }],
  gpio: { backend: 'simulated', outputs: [{ id: 'horn', role: 'siren', line: 1 }] },
  uplink: { brokers: [{ id: 'c', url: 'mqtt://x', passwordFile: '/etc/pw' }] },
};

/** Fields alone: what refers to what does not matter here. */
function config(more: object = {}): Config {
  return configSchema.parse({ ...SITE, ...more });
}

const lines = (more: object, base: object = {}) =>
  changeLines(differencesOf(config(base), config(more)), 40);

describe('what differs', () => {
  it('is named by ids, with both values', () => {
    expect(lines({})).toEqual([]);
    expect(lines({ device: { name: 'Hall' } })).toEqual(['device.name: "EmberEye edge" -> "Hall"']);
    expect(lines({ boards: [{ id: 'a', pollSeconds: 5 }, { id: 'b' }] })).toEqual([
      'boards[a].pollSeconds: 3 -> 5',
    ]);
    expect(lines({ boards: [{ id: 'a' }] })).toEqual(['boards[b]: removed']);
    const added = lines({ boards: [{ id: 'a' }, { id: 'b' }, { id: 'c' }] });
    expect(added).toMatchObject([expect.stringMatching(/^boards\[c\]: added \{.*\.\.\.$/)]);
    expect(added[0]?.length).toBeLessThan(80);
  });

  it('an order that differs is told, and lists without ids by their places', () => {
    expect(lines({ boards: [{ id: 'b' }, { id: 'a' }] })).toEqual([
      'boards: "in this order" -> "in another order"',
    ]);
    const allow = (...list: string[]) => ({ ingest: { allow: list } });
    expect(lines(allow('10.0.0.1', '10.0.0.3'), allow('10.0.0.1', '10.0.0.2'))).toEqual([
      'ingest.allow[1]: "10.0.0.2" -> "10.0.0.3"',
    ]);
  });

  it('secrets in options of drivers do not show, names of files do', () => {
    const sensor = (options: object) => ({ sensors: [{ id: 's', driver: 'x', options }] });
    const text = lines(sensor({ apiToken: 'new' }), sensor({ apiToken: 'old', password: 'p' }));
    expect(text).toEqual([
      'sensors[s].options.apiToken: changed',
      'sensors[s].options.password: changed',
    ]);
    const whole = lines(sensor({ apiToken: 'new' })).join();
    expect(whole).not.toContain('new');
    const broker = { id: 'c', url: 'mqtt://x', passwordFile: '/etc/other' };
    expect(lines({ uplink: { brokers: [broker] } })).toEqual([
      'uplink.brokers[c].passwordFile: "/etc/pw" -> "/etc/other"',
    ]);
  });

  it('a long list ends with a number', () => {
    const boards = Array.from({ length: 9 }, (_, i) => ({ id: `n${i}` }));
    const found = changeLines(
      differencesOf(config(), config({ boards: [...SITE.boards, ...boards] })),
      4,
    );
    expect(found).toHaveLength(5);
    expect(found.at(-1)).toBe('and 5 more');
  });

  it('is nothing of a configuration and itself, and something where a value moved', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 3600 }), (seconds) => {
        const state = { ingest: { idleSeconds: seconds } };
        expect(lines(state, state)).toEqual([]);
        expect(lines(state)).toHaveLength(seconds === 120 ? 0 : 1);
      }),
    );
  });
});

describe('the protected', () => {
  const hit = (more: object) =>
    protectedAmong(differencesOf(config(), config(more)), PROTECTED_BY_DEFAULT)?.path ?? null;
  const broker = { id: 'c', url: 'mqtt://x', passwordFile: '/etc/pw' };

  it.each([
    [{ device: { id: 'other' } }, 'device.id'],
    [{ state: { directory: '/tmp/x' } }, 'state.directory'],
    [{ gpio: { backend: 'cdev', outputs: SITE.gpio.outputs } }, 'gpio.backend'],
    [{ gpio: { backend: 'simulated', outputs: [] } }, 'gpio.outputs[horn]'],
    [
      { gpio: { backend: 'simulated', outputs: [{ id: 'horn', role: 'siren', line: 2 }] } },
      'gpio.outputs[horn].line',
    ],
    [
      { uplink: { brokers: [{ ...broker, passwordFile: '/etc/shadow' }] } },
      'uplink.brokers[c].passwordFile',
    ],
    [
      { uplink: { brokers: [{ ...broker, verifyServer: false }] } },
      'uplink.brokers[c].verifyServer',
    ],
    [{ uplink: { brokers: [broker, { ...broker, id: 'd' }] } }, 'uplink.brokers[d]'],
    [{ uplink: { brokers: [broker], commands: { level: 'installer' } } }, 'uplink.commands.level'],
    [{ panel: { control: { operatorGroup: 'all' } } }, 'panel.control.operatorGroup'],
  ])('are found in %j', (more, path) => {
    expect(hit(more)).toBe(path);
  });

  it.each([
    { device: { name: 'Hall' } },
    { limits: { thermalCelsius: 70 } },
    { uplink: { brokers: [{ ...broker, url: 'mqtt://y' }] } },
    { boards: [{ id: 'a' }] },
  ])('do not cover %j', (more) => {
    expect(hit(more)).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';

const BROKER = { id: 'central', url: 'mqtt://broker' };

/** Paths and problems of an uplink section. */
function problems(uplink: object): readonly string[] {
  const result = parseConfig(JSON.stringify({ uplink }), {});
  return result.ok ? [] : result.problems.map(({ path, problem }) => `${path}: ${problem}`);
}

describe('configuration of discovery', () => {
  it('is off by default and needs nothing', () => {
    const result = parseConfig('', {});
    expect(result.ok && result.config.uplink).toMatchObject({
      homeAssistant: { enabled: false, prefix: 'homeassistant', buttons: false },
      sparkplug: { enabled: false, broker: null, group: 'EmberEye', node: null },
    });
    expect(problems({ sparkplug: { broker: 'nowhere' } })).toEqual([]);
  });

  it('accepts brokers that exist', () => {
    const brokers = [BROKER];
    expect(problems({ brokers, sparkplug: { enabled: true } })).toEqual([]);
    expect(problems({ brokers, sparkplug: { enabled: true, broker: 'central' } })).toEqual([]);
    expect(problems({ brokers, homeAssistant: { enabled: true, broker: 'central' } })).toEqual([]);
  });

  it.each([
    [{ homeAssistant: { enabled: true, broker: 'x' } }, 'there is no broker "x"'],
    [{ brokers: [BROKER], sparkplug: { enabled: true, broker: 'x' } }, 'there is no broker "x"'],
    [{ sparkplug: { enabled: true } }, 'there is no broker for Sparkplug'],
    [
      {
        brokers: [BROKER, { ...BROKER, id: 'central-sparkplug' }],
        sparkplug: { enabled: true },
      },
      'is what the Sparkplug connection is called',
    ],
    [{ homeAssistant: { prefix: 'a/#' } }, ''],
    [{ sparkplug: { group: 'a/b' } }, ''],
  ])('names what is wrong with %j', (uplink, said) => {
    const found = problems(uplink);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(said);
  });
});

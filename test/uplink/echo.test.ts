/** Whether the broker holds what we published: lost, changed, swallowed, refused, never in a loop. */
import { describe, expect, it } from 'vitest';
import type { Fate } from '../../src/uplink/simulated-link.ts';
import { Bench, ROOT } from './bench.ts';

const MINUTE_MS = 60_000;
const held = (bench: Bench, what: string): string | null =>
  bench.broker.retained(`${ROOT}/${what}`);
const told = (bench: Bench) =>
  bench.faults
    .filter(({ fault }) => fault === 'stateNotEchoed')
    .map(({ subject, raised }) => `${subject} ${raised}`);

async function running(): Promise<Bench> {
  const bench = new Bench();
  bench.uplink.start();
  await bench.clock.advance(1000);
  return bench;
}

describe('the echo check', () => {
  it('finds everything in place and does nothing, for an hour and many changes', async () => {
    const bench = await running();
    for (let change = 0; change < 60; change += 1) {
      bench.uplink.stateChanged();
      await bench.clock.advance(MINUTE_MS);
    }
    expect(bench.taken('status')).toHaveLength(1);
    expect(bench.taken('state')).toHaveLength(61);
    expect(bench.uplink.counters).toMatchObject({ stateCorrections: 0, statusCorrections: 0 });
    expect(told(bench)).toEqual([]);
  });

  it('publishes again what a broker lost while we stayed connected', async () => {
    const bench = await running();
    bench.broker.forgetRetained();
    expect(held(bench, 'state')).toBeNull();
    await bench.clock.advance(6 * MINUTE_MS);
    expect(held(bench, 'state')).toContain('"condition":"normal"');
    expect(held(bench, 'status')).toContain('"status":"online"');
    expect(bench.uplink.counters).toMatchObject({ stateCorrections: 1, statusCorrections: 1 });
    expect(told(bench)).toEqual([]);
  });

  it.each([
    ['cleared', ''],
    ['replaced', '{"condition":"alarm"}'],
  ])('puts right within seconds what somebody has %s', async (_how, payload) => {
    const bench = await running();
    bench.broker.publish(`${ROOT}/state`, payload, { retain: true });
    await bench.clock.advance(6000);
    expect(held(bench, 'state')).toContain('"condition":"normal"');
    expect(bench.uplink.counters.stateCorrections).toBe(1);
  });

  it('takes the copy of an earlier state on its way for no change', async () => {
    const bench = await running();
    bench.broker.faults.latencyMs = 400;
    for (let change = 0; change < 40; change += 1) {
      bench.uplink.stateChanged();
      await bench.clock.advance(250);
    }
    await bench.clock.advance(20_000);
    expect(bench.uplink.counters.stateCorrections).toBe(0);
  });

  it.each<[string, Fate]>([
    ['acknowledges and drops', 'swallow'],
    ['refuses', 'reject'],
  ])('tells of a broker that %s our state, and does not loop', async (_how, fate) => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.endsWith('/state') ? fate : 'deliver');
    bench.uplink.start();
    await bench.clock.advance(3 * MINUTE_MS);
    expect(told(bench)).toEqual(['uplink:central:state true']);
    expect(bench.faults.at(-1)).toMatchObject({ supervisory: true });
    await bench.clock.advance(60 * MINUTE_MS);
    expect(bench.uplink.counters.stateCorrections).toBeLessThanOrEqual(17);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(11 * MINUTE_MS);
    expect(told(bench)).toEqual(['uplink:central:state true', 'uplink:central:state false']);
    expect(held(bench, 'state')).not.toBeNull();
  });

  it('tells of a broker that does not let us read our own topic', async () => {
    const bench = new Bench();
    bench.broker.faults.mayRead = (filter) => !filter.endsWith('/state');
    bench.uplink.start();
    await bench.clock.advance(30 * MINUTE_MS);
    expect(told(bench)).toEqual(['uplink:central:state true']);
    expect(bench.faults.at(-1)?.detail).toContain('not authorised');
    expect(bench.uplink.counters.stateCorrections).toBe(0);
    bench.broker.faults.mayRead = () => true;
    await bench.clock.advance(6 * MINUTE_MS);
    expect(told(bench).at(-1)).toBe('uplink:central:state false');
  });

  it('tells of a broker that passes on and keeps nothing', async () => {
    const bench = await running();
    bench.broker.faults.keeps = false;
    await bench.clock.advance(20 * MINUTE_MS);
    expect(told(bench)).toContain('uplink:central:state true');
    expect(bench.uplink.counters.stateCorrections).toBeLessThanOrEqual(8);
  });

  it('tells of somebody who keeps writing to our state, and does not fight', async () => {
    const bench = await running();
    for (let second = 0; second < 1800; second += 1) {
      bench.broker.publish(`${ROOT}/state`, '{"deviceId":"twin"}', { retain: true });
      await bench.clock.advance(1000);
    }
    expect(told(bench)).toEqual(['uplink:central:state true']);
    expect(bench.faults.find(({ fault }) => fault === 'stateNotEchoed')?.detail).toContain(
      'somebody else writes',
    );
    expect(bench.uplink.counters.stateCorrections).toBeLessThanOrEqual(12);
  });
});

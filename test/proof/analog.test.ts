/** Zones without a thermal array: readings of one channel go into a shadow of the zone. */
import { describe, expect, it } from 'vitest';
import { sensorId } from '../../src/domain/units.ts';
import { ALONE, Bench, detailOf, outcomes } from './bench.ts';

const over = (role: string, more = {}) => ({
  ...ALONE,
  zones: [{ id: 'hall', sensors: [{ sensor: 'array', channel: 'ADC1', role, ...more }] }],
});

/** Readings of the channel, twice a second, for so long. */
async function read(bench: Bench, value: number, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 500) {
    const nowMs = bench.clock.monotonicMs();
    bench.bank.level(sensorId('array'), 'ADC1').add(value, nowMs);
    await bench.clock.run(500);
  }
}

describe('a zone without a thermal array', () => {
  it.each([
    ['smoke', 8, 'alarms'],
    ['flame', 8, 'gives its pre-alarm'],
    ['flameDigital', 0, 'gives its pre-alarm'],
  ])('%s: its readings rise until it tells', async (role, idle, word) => {
    const bench = await Bench.start({ over: over(role) });
    // Idle levels are learnt for minutes.
    await read(bench, idle, 15 * 60_000);
    const before = bench.snapshot();
    const proof = await bench.proof();
    expect(proof).toMatchObject({ outcome: 'passed' });
    expect(outcomes(proof)).toMatchObject({ decode: 'notProven', decision: 'passed' });
    expect(detailOf(proof, 'decision')).toContain(`zone hall ${word}`);
    const zonesOf = (snapshot: unknown) => (snapshot as { zones: unknown }).zones;
    expect(zonesOf(bench.snapshot())).toEqual(zonesOf(before));
    expect(bench.alarms()).toEqual([]);
  });

  it('waits while an idle level is being learnt', async () => {
    const bench = await Bench.start({ over: over('smoke') });
    await read(bench, 8, 5000);
    expect(await bench.proof()).toMatchObject({
      outcome: 'postponed',
      detail: 'array ADC1 is still learning its idle level',
    });
  });

  it('sensor: a channel that went silent', async () => {
    const bench = await Bench.start({ over: over('smoke') });
    await read(bench, 8, 15 * 60_000);
    await bench.clock.run(20_000);
    const proof = await bench.proof();
    expect(outcomes(proof)).toEqual({ sensor: 'failed' });
    expect(detailOf(proof, 'sensor')).toMatch(/array ADC1 last said something believable 21 s ago/);
  });

  it('decision: a limit that no reading reaches', async () => {
    const bench = await Bench.start({
      over: { ...over('smoke'), limits: { smokePercent: 94, smokeAbsolutePercent: 100 } },
    });
    await read(bench, 3, 15 * 60_000);
    const proof = await bench.proof();
    expect([proof.detail, outcomes(proof).decision]).toEqual([expect.any(String), 'failed']);
    expect(detailOf(proof, 'decision')).toMatch(/no alarm whatever array ADC1 says: look at the/);
  });
});

import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { panelPlanOf } from '../../src/plan.ts';

/** One zone with one channel of one board. */
const zoned = (source: string, limits = '{}', general = '{}') => `
boards: [{ id: b }]
limits: ${general}
zones:
  - id: z
    sensors: [{ sensor: b, channel: ADC1, ${source} }]
    limits: ${limits}
`;

function problemsOf(text: string): readonly string[] {
  const result = parseConfig(text, {});
  return result.ok ? [] : result.problems.map(({ path, problem }) => `${path}: ${problem}`);
}

function planOf(text: string) {
  const result = parseConfig(text, {});
  if (!result.ok) throw new Error(result.problems.map(({ problem }) => problem).join('; '));
  return panelPlanOf(result.config).zones[0]!.sources[0]!;
}

describe('analog channels in the configuration', () => {
  it('have the plan’s defaults', () => {
    const plan = planOf(zoned('role: gas'));
    expect(plan.warmUpMs).toBe(180_000);
    expect(plan.setup).toMatchObject({
      gas: null,
      restsAtRail: false,
      warmUpAgainMs: 600_000,
      divider: { loadKiloohm: 10, supplyVolts: 5, fullScaleVolts: 5 },
    });
    expect(plan.limits.gas.risePercentPerMinute).toBe(Infinity);
    expect(planOf(zoned('role: smoke')).warmUpMs).toBe(0);
    expect(planOf(zoned('role: smoke')).limits.smoke.risePercentPerMinute).toBe(10);
  });

  it('take every field over into the plan', () => {
    const gas = planOf(
      zoned(
        'role: gas, gas: ammonia, loadKiloohm: 20, supplyVolts: 5, fullScaleVolts: 3.3,' +
          ' warmUpSeconds: 0, warmUpAgainSeconds: 60, restsAtRail: true',
        '{ gasRatio: 0.5, gasAbsolutePercent: 70, gasRisePercentPerMinute: 2 }',
      ),
    );
    expect(gas.warmUpMs).toBe(0);
    expect(gas.setup).toEqual({
      range: null,
      gas: 'ammonia',
      restsAtRail: true,
      warmUpAgainMs: 60_000,
      divider: { loadKiloohm: 20, supplyVolts: 5, fullScaleVolts: 3.3 },
    });
    expect(gas.limits.gas).toMatchObject({
      ratio: 0.5,
      fallbackPercent: 70,
      risePercentPerMinute: 2,
    });
    const dose = '{ carbonMonoxideDoses: [{ ppm: 50, minutes: 90 }] }';
    const co = planOf(zoned('role: carbonMonoxide, fullScalePpm: 500', dose));
    expect(co.setup).toMatchObject({ range: { low: 0, high: 500 }, restsAtRail: true });
    expect(co.limits.carbonMonoxide.doses).toEqual([{ ppm: 50, minutes: 90 }]);
    const heat = planOf(zoned('role: heat, rangeCelsius: [-20, 120]', '{ heatCelsius: 78 }'));
    expect(heat.setup.range).toEqual({ low: -20, high: 120 });
    expect(heat.limits.heat.fixedCelsius).toBe(78);
  });

  it('lets a zone switch off what all have', () => {
    const limits = '{ smokeRisePercentPerMinute: null }';
    const plan = planOf(zoned('role: smoke', limits, '{ smokeRisePercentPerMinute: 5 }'));
    expect(plan.limits.smoke.risePercentPerMinute).toBe(Infinity);
  });

  it.each([
    ['role: carbonMonoxide', '{}', 'sensors[0].fullScalePpm: missing'],
    ['role: carbonMonoxide, fullScalePpm: 70', '{}', 'never reaches the first dose'],
    ['role: heat', '{}', 'sensors[0].rangeCelsius: missing'],
    ['role: heat, rangeCelsius: [50, 0]', '{}', '50 is not below 0'],
    ['role: heat, rangeCelsius: [0, 50]', '{}', 'never passes heatCelsius 58'],
    ['role: smoke, fullScalePpm: 70', '{}', 'means nothing for the role "smoke"'],
    ['role: smoke, rangeCelsius: [0, 50]', '{}', 'means nothing for the role "smoke"'],
    ['role: smoke, gas: alcohol', '{}', 'means nothing for the role "smoke"'],
    ['role: flameDigital, warmUpSeconds: 5', '{}', 'does not warm up'],
    ['role: smoke', '{ smokePercent: 45 }', 'smokePercent 45 is not below smokeAbsolutePercent 40'],
    ['role: flame', '{ flameAbsolutePercent: 10 }', 'flamePercent 15 is not below'],
    [
      'role: smoke',
      '{ carbonMonoxideDoses: [{ ppm: 70, minutes: 10 }, { ppm: 60, minutes: 5 }] }',
      'carbonMonoxideDoses[1]: 60 ppm for 5 minutes after 70 for 10',
    ],
    ['role: smoke', '{ heatRiseFromCelsius: 60 }', 'above heatCelsius 58'],
  ])('refuses %s with limits %s', (source, limits, problem) => {
    expect(problemsOf(zoned(source, limits)).join('\n')).toContain(problem);
  });

  it('tells a contradiction once, where it was made', () => {
    expect(problemsOf(zoned('role: smoke', '{}', '{ smokePercent: 45 }'))).toHaveLength(1);
  });
});

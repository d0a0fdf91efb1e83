import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide } from '../../src/areas.ts';
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config-schema.ts';
import { panelPlanOf, PLAN_CHECKS } from '../../src/plan.ts';

/** One board with these regions, and one zone with its picture, unless told otherwise. */
function site(regions: string, zone = '', more = '', mount = '{}'): string {
  return `
boards: [{ id: kitchen, mount: ${mount}, regions: ${regions} }]
zones:
  - id: hall
    sensors: [{ sensor: kitchen, channel: thermal, role: thermal }]
    ${zone}
${more}
`;
}

function problemsOf(text: string): readonly string[] {
  const result = parseConfig(text, {}, PLAN_CHECKS);
  if (result.ok) return [];
  return result.problems.map(({ path, problem, remedy }) => {
    expect(remedy.length, 'a remedy').toBeGreaterThan(5);
    return `${path}: ${problem}`;
  });
}

function configOf(text: string): Config {
  const result = parseConfig(text, {}, PLAN_CHECKS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const STOVE = '{ id: stove, rows: [10, 15], columns: [20, 27] }';

describe('areas of a picture', () => {
  it.each([
    ['outside', '[{ id: a, rows: [10, 24], columns: [0, 3] }]', 'rows: outside of the picture'],
    ['too wide', '[{ id: a, rows: [1, 2], columns: [0, 32] }]', 'columns[1]: too large'],
    ['backwards', '[{ id: a, rows: [9, 3], columns: [0, 3] }]', 'rows: the first (9) is after'],
    ['named twice', `[${STOVE}, { id: stove, rows: [0, 1], columns: [0, 1] }]`, 'named twice'],
    [
      'hidden',
      `[${STOVE}, { id: pan, rows: [11, 12], columns: [21, 22] }]`,
      'area "pan" is hidden',
    ],
    [
      'hidden by two',
      '[{ id: a, rows: [0, 3], columns: [0, 3] }, { id: b, rows: [4, 5], columns: [0, 3] },' +
        ' { id: c, rows: [2, 5], columns: [1, 2] }]',
      'area "c" is hidden',
    ],
    ['all ignored', '[{ id: a, rows: [0, 23], columns: [0, 31], ignore: true }]', 'nothing of the'],
    [
      'ignored with limits',
      '[{ id: a, rows: [0, 3], columns: [0, 3], ignore: true, limits: { thermalCelsius: 90 } }]',
      'is ignored and has limits',
    ],
    ['badly named', '[{ id: Stove, rows: [0, 3], columns: [0, 3] }]', 'id: not in the right form'],
    ['of half rows', '[{ id: a, rows: [0.5, 3], columns: [0, 3] }]', 'rows[0]'],
    ['of one number', '[{ id: a, rows: [3], columns: [0, 3] }]', 'rows'],
  ])('%s are refused', (_, regions, expected) => {
    const problems = problemsOf(site(regions));
    expect(problems.join('\n')).toContain(expected);
  });

  it('are places of the picture as it is mounted', () => {
    const tall = '[{ id: a, rows: [24, 31], columns: [0, 23] }]';
    expect(problemsOf(site(tall)).join()).toContain('rows 0 to 23');
    for (const rotate of [90, 270]) {
      expect(problemsOf(site(tall, '', '', `{ rotate: ${rotate} }`))).toEqual([]);
    }
    const wide = '[{ id: a, rows: [0, 3], columns: [20, 24] }]';
    expect(problemsOf(site(wide))).toEqual([]);
    expect(problemsOf(site(wide, '', '', '{ rotate: 90 }')).join()).toContain('columns 0 to 23');
  });

  it('divide the picture: each pixel belongs to the first area that holds it, or to the rest', () => {
    const range = (most: number) =>
      fc
        .tuple(fc.integer({ min: 0, max: most }), fc.integer({ min: 0, max: most }))
        .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
    const region = fc.record({ rows: range(23), columns: range(31) });
    fc.assert(
      fc.property(fc.array(region, { maxLength: 6 }), (places) => {
        const regions = places.map((place, i) => ({
          ...place,
          id: `r${i}`,
          ignore: false,
          limits: {},
          offHours: {},
        }));
        const { pixels, rest } = divide({ mount: { rotate: 0, mirror: false }, regions });
        const counted = [...places.map(() => 0), 0];
        for (let row = 0; row < 24; row += 1) {
          for (let column = 0; column < 32; column += 1) {
            const owner = places.findIndex(
              (place) =>
                row >= place.rows[0] &&
                row <= place.rows[1] &&
                column >= place.columns[0] &&
                column <= place.columns[1],
            );
            counted[owner < 0 ? places.length : owner]! += 1;
          }
        }
        expect([...pixels, rest]).toEqual(counted);
      }),
    );
  });

  it('on a sensor without a picture are refused', () => {
    const contact = '{ chip: pinctrl-rp1, line: 17, channel: call }';
    const text = `
sensors: [{ id: door, driver: gpio-contact, options: ${contact}, regions: [${STOVE}] }]
zones:
  - { id: hall, sensors: [{ sensor: door, channel: call, role: flameDigital }] }
`;
    expect(problemsOf(text)).toContain(
      'sensors[0].regions: driver gpio-contact makes no picture that could have areas',
    );
  });

  it('of a wired array are areas like those of a board', () => {
    const of = (channel: string) => `{ sensor: attic, channel: ${channel}, role: thermal }`;
    const text = `
sensors:
  - { id: attic, driver: serial-board, options: { path: /dev/serial/by-id/a }, regions: [${STOVE}] }
zones:
  - { id: hall, sensors: [${of('thermal')}] }
  - { id: cooking, sensors: [${of('thermal_stove')}] }
`;
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('zones and areas', () => {
  const two = (sensors: string, regions = `[${STOVE}]`) => `
boards: [{ id: kitchen, regions: ${regions} }]
zones:
  - id: hall
    sensors: ${sensors}
`;
  const of = (channel: string) => `{ sensor: kitchen, channel: ${channel}, role: thermal }`;
  const channelsOf = (text: string) =>
    panelPlanOf(configOf(text)).zones.map(({ sources }) => sources.map(({ channel }) => channel));

  it('a picture brings its areas along, except those that a zone names', () => {
    expect(channelsOf(site(`[${STOVE}]`))).toEqual([['thermal', 'thermal_stove']]);
    const named = `
boards: [{ id: kitchen, regions: [${STOVE}, { id: door, rows: [0, 5], columns: [0, 5] }] }]
zones:
  - { id: hall, sensors: [${of('thermal')}] }
  - { id: cooking, sensors: [${of('thermal_stove')}] }
`;
    expect(channelsOf(named)).toEqual([['thermal', 'thermal_door'], ['thermal_stove']]);
  });

  it('an ignored area is nobody’s', () => {
    const mask = '[{ id: window, rows: [0, 3], columns: [0, 31], ignore: true }]';
    expect(channelsOf(site(mask))).toEqual([['thermal']]);
    expect(problemsOf(two(`[${of('thermal')}, ${of('thermal_window')}]`, mask)).join()).toContain(
      'is ignored: nothing in it can alarm',
    );
  });

  it('a picture of which only areas are listed says what nobody watches', () => {
    expect(problemsOf(two(`[${of('thermal_stove')}]`))).toEqual([
      'boards[0].regions: no zone watches the rest of the picture of "kitchen"',
    ]);
    const door = '{ id: door, rows: [0, 5], columns: [0, 5] }';
    expect(problemsOf(two(`[${of('thermal_stove')}]`, `[${STOVE}, ${door}]`))[0]).toContain(
      'no zone watches area "door", the rest of the picture',
    );
    const rest = '{ id: rest, rows: [0, 23], columns: [0, 31], ignore: true }';
    expect(problemsOf(two(`[${of('thermal_stove')}]`, `[${STOVE}, ${rest}]`))).toEqual([]);
  });

  it('areas may take the whole picture: what is not named joins the zone of the picture', () => {
    const halves =
      '[{ id: left, rows: [0, 23], columns: [0, 15] }, { id: right, rows: [0, 23], columns: [16, 31] }]';
    expect(channelsOf(site(halves))).toEqual([['thermal_left', 'thermal_right']]);
    const both = [of('thermal'), of('thermal_left'), of('thermal_right')].join(', ');
    expect(problemsOf(two(`[${both}]`, halves)).join()).toContain('nothing is left for channel');
  });

  it('a name that is none is answered with one that is', () => {
    const text = two(`[${of('thermal')}, ${of('thermal_stow')}]`);
    const result = parseConfig(text, {}, PLAN_CHECKS);
    expect(result.ok ? [] : result.problems).toMatchObject([
      {
        path: 'zones[0].sensors[1].channel',
        problem: '"kitchen" has no area "stow"',
        remedy: 'did you mean "thermal_stove"?',
      },
    ]);
  });

  it('an area has the role of its picture', () => {
    const text = two('[{ sensor: kitchen, channel: thermal_stove, role: smoke }]');
    expect(problemsOf(text).join()).toContain('cannot have the role "smoke"');
  });

  it('an area too slow for its budget is told at the picture that brings it', () => {
    const slow = '[{ id: stove, rows: [10, 15], columns: [20, 27], confirmSeconds: 9 }]';
    const result = parseConfig(site(slow), {}, PLAN_CHECKS);
    expect(result.ok ? [] : result.problems).toMatchObject([
      {
        path: 'zones[0].sensors[0]',
        problem: expect.stringContaining('4 readings x 4.09 s') as string,
      },
    ]);
  });
});

const HOURS = `
hours:
  timezone: Europe/Berlin
  working: [{ days: [monday], from: "07:30", to: "18:00" }]
`;

describe('limits', () => {
  it('of an area go into the plan, off hours too', () => {
    const regions =
      '[{ id: stove, rows: [10, 15], columns: [20, 27], confirmSeconds: 1,' +
      ' limits: { thermalCelsius: 150, criticalCelsius: 250, holdBackSeconds: 30 },' +
      ' offHours: { thermalCelsius: 70, holdBackSeconds: 0 } }]';
    const plan = panelPlanOf(configOf(site(regions, 'offHours: { smokePercent: 10 }', HOURS)));
    const [rest, stove] = plan.zones[0]!.sources;
    expect(stove).toMatchObject({
      channel: 'thermal_stove',
      confirmMs: 1_000,
      limits: { thermal: { limitCelsius: 150 }, vision: { holdBackMs: 30_000 } },
      otherHours: {
        off: {
          limits: {
            thermal: { limitCelsius: 70, criticalCelsius: 250 },
            vision: { holdBackMs: 0 },
            smoke: { aboveIdlePercent: 10 },
          },
        },
      },
    });
    expect(rest).toMatchObject({
      limits: { thermal: { limitCelsius: 60 } },
      otherHours: { off: { limits: { thermal: { limitCelsius: 60 } } } },
    });
  });

  it.each([
    ['limits: { thermalCelsius: 130 }', 'zones[0].limits: thermalCelsius (130) is not below'],
    ['limits: { hysteresisCelsius: 30, criticalCelsius: 80 }', 'more than the distance'],
    ['limits: { thermalCelsius: 35, hysteresisCelsius: 16 }', 'would end only below 19 C'],
    ['limits: { aboveBackgroundCelsius: 5, hysteresisCelsius: 5 }', 'swallows aboveBackground'],
    ['limits: { holdBackSeconds: 2, holdBackCriticalSeconds: 3 }', 'holdBackCriticalSeconds (3)'],
    ['limits: { holdBackSeconds: 121 }', 'holdBackSeconds: too large'],
    ['limits: { holdBackCriticalSeconds: 11 }', 'holdBackCriticalSeconds: too large'],
    ['limits: { visionConfidence: 0.4 }', 'visionConfidence: too small'],
    ['limits: { smallestPixels: 49 }', 'smallestPixels (49) is more than the 48 pixels'],
    ['limits: { smallestPixels: 1.5 }', 'smallestPixels'],
    ['offHours: { thermalCelsius: 61 }', 'looser off hours (61) than in working hours (60)'],
    ['offHours: { gasRatio: 0.3 }', 'offHours.gasRatio: looser off hours (0.3)'],
    ['offHours: { holdBackSeconds: 61 }', 'looser off hours (61)'],
    ['offHours: { criticalCelsius: 55 }', 'zones[0].offHours: thermalCelsius (60) is not below'],
  ])('%s is refused', (zone, expected) => {
    const problems = problemsOf(site(`[${STOVE}]`, zone, HOURS));
    expect(problems.join('\n')).toContain(expected);
  });

  it('of an area that contradict those of its zone are told at the area', () => {
    const regions = '[{ id: a, rows: [0, 3], columns: [0, 3], limits: { thermalCelsius: 100 } }]';
    const problems = problemsOf(site(regions, 'limits: { criticalCelsius: 90 }'));
    expect(problems).toEqual([
      'boards[0].regions[0].limits: thermalCelsius (100) is not below criticalCelsius (90)',
    ]);
  });

  it('of all zones are judged, too', () => {
    const text = site('[]', '', 'limits: { thermalCelsius: 120 }');
    expect(problemsOf(text)[0]).toContain('limits: thermalCelsius (120) is not below');
  });
});

describe('hours', () => {
  it.each([
    ['{ timezone: Berlin, working: [{ days: [monday], from: "07:30", to: "18:00" }] }', 'timezone'],
    ['{ timezone: UTC, working: [{ days: [monday], from: "07:30", to: "07:30" }] }', 'is no time'],
    ['{ timezone: UTC, working: [{ days: [monday], from: "24:00", to: "07:30" }] }', 'is no time'],
    ['{ timezone: UTC, working: [{ days: [monday], from: "7:30", to: "18:00" }] }', 'from'],
    ['{ timezone: UTC, working: [{ days: [monday], from: "07:30", to: "24:01" }] }', 'to'],
    ['{ timezone: UTC, working: [{ days: [], from: "07:30", to: "18:00" }] }', 'days'],
    ['{ timezone: UTC, working: [{ days: [mon], from: "07:30", to: "18:00" }] }', 'days[0]'],
    [
      '{ timezone: UTC, working: [{ days: [monday, monday], from: "07:30", to: "18:00" }] }',
      'a day is named twice',
    ],
    ['{ timezone: UTC, working: [] }', 'working'],
  ])('%s is refused', (hours, expected) => {
    const problems = problemsOf(site('[]', '', `hours: ${hours}`));
    expect(problems.join('\n')).toContain(expected);
  });

  it('may run across midnight, and off-hours limits want them', () => {
    const night = '{ timezone: UTC, working: [{ days: [monday], from: "22:00", to: "06:00" }] }';
    expect(problemsOf(site('[]', 'offHours: { thermalCelsius: 45 }', `hours: ${night}`))).toEqual(
      [],
    );
    expect(problemsOf(site('[]', 'offHours: { thermalCelsius: 45 }'))).toEqual([
      'zones[0].offHours: off-hours limits without working hours: they would never apply',
    ]);
    const area = '[{ id: a, rows: [0, 3], columns: [0, 3], offHours: { thermalCelsius: 45 } }]';
    expect(problemsOf(site(area))[0]).toContain('boards[0].regions[0].offHours');
  });
});

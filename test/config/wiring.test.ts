/** What is wired: lines, feedback contacts, and sensors against their drivers. */
import { describe, expect, it } from 'vitest';
import { problemText } from '../../src/config-problems.ts';
import { parseConfig } from '../../src/config.ts';
import { panelPlanOf, PLAN_CHECKS } from '../../src/plan.ts';

function problemsOf(config: unknown): string[] {
  const result = parseConfig(JSON.stringify(config), {}, PLAN_CHECKS);
  return result.ok ? [] : result.problems.map((problem) => problemText('f', problem));
}

const output = (fields: object) => ({ id: 'siren', role: 'siren', line: 17, ...fields });

describe('GPIO lines', () => {
  it('are real lines by default, so their chip must be named', () => {
    const [problem] = problemsOf({ gpio: { outputs: [output({})] } });
    expect(problem).toMatch(/gpio\.outputs\[0\]\.chip.*no chip is named.*pinctrl-bcm2711/);
    expect(problemsOf({ gpio: { outputs: [output({ chip: 'pinctrl-bcm2711' })] } })).toEqual([]);
  });

  it('may be named as the kernel names them, on any chip', () => {
    const named = output({ chip: '*', line: 'GPIO17' });
    expect(problemsOf({ gpio: { outputs: [named] } })).toEqual([]);
    expect(problemsOf({ gpio: { outputs: [output({ chip: '*' })] } })[0]).toMatch(/any chip/);
    expect(problemsOf({ gpio: { backend: 'onoff', outputs: [named] } })[0]).toMatch(
      /no line names/,
    );
  });

  it('are used once', () => {
    const inputs = [{ id: 'reset', role: 'reset', chip: 'c', line: 17 }];
    const problems = problemsOf({ gpio: { outputs: [output({ chip: 'c' })], inputs } });
    expect(problems).toEqual([expect.stringMatching(/line 17 of c is already used by "siren"/)]);
  });
});

describe('feedback contacts', () => {
  const gpio = (feedback: string | null, inputs: object[]) => ({
    gpio: { outputs: [output({ chip: 'c', feedback })], inputs },
  });
  const contact = (fields: object) => ({
    id: 'siren-back',
    role: 'feedback',
    chip: 'c',
    line: 4,
    ...fields,
  });

  it('belong to one output', () => {
    expect(problemsOf(gpio('siren-back', [contact({})]))).toEqual([]);
  });

  it('that are not there, or are no feedback, are named', () => {
    expect(problemsOf(gpio('siren-bak', [contact({})]))).toEqual([
      expect.stringMatching(/outputs\[0\]\.feedback.*did you mean "siren-back"/),
      expect.stringMatching(/inputs\[0\]\.id.*no output has this feedback/),
    ]);
    expect(problemsOf(gpio('siren-back', [contact({ role: 'reset' })]))).toHaveLength(1);
  });

  it('that two outputs share are refused', () => {
    const outputs = [
      output({ chip: 'c', feedback: 'siren-back' }),
      output({ id: 'strobe', chip: 'c', line: 27, feedback: 'siren-back' }),
    ];
    expect(problemsOf({ gpio: { outputs, inputs: [contact({})] } })).toEqual([
      expect.stringMatching(/outputs\[1\]\.feedback.*already shows what "siren" does/),
    ]);
  });
});

describe('wired sensors', () => {
  const board = (id: string, options: object) => ({
    sensors: [{ id, driver: 'serial-board', options: { path: '/dev/serial/by-id/a', ...options } }],
    zones: [{ id: 'z', sensors: [{ sensor: id, channel: 'thermal', role: 'thermal' }] }],
  });

  it('have their timing from the options of their driver', () => {
    const result = parseConfig(JSON.stringify(board('s', { cadenceSeconds: 1.5 })), {});
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const [sensor] = panelPlanOf(result.config).sensors;
    expect(sensor).toMatchObject({ sensor: 's', cadenceMs: 1500 });
  });

  it('that are too slow for their zone are refused with the arithmetic', () => {
    const [problem] = problemsOf(board('s', { cadenceSeconds: 8 }));
    expect(problem).toMatch(/2 readings x 8 s.*over the budget of 10 s/);
  });

  it('cannot share a port', () => {
    const one = board('one', {});
    const two = board('two', {});
    const config = {
      sensors: [...one.sensors, ...two.sensors],
      zones: [...one.zones, ...two.zones.map((zone) => ({ ...zone, id: 'y' }))],
    };
    expect(problemsOf(config)).toEqual([
      expect.stringMatching(
        /sensors\[1\].*serial:\/dev\/serial\/by-id\/a is already used by sensor "one"/,
      ),
    ]);
  });

  it('cannot have a line that an output or an input has', () => {
    const contact = { chip: 'pinctrl-rp1', line: 17, channel: 'call' };
    const sensors = [
      { id: 'door', driver: 'gpio-contact', options: contact },
      {
        id: 'array',
        driver: 'mlx90640-i2c',
        options: { power: { chip: 'pinctrl-rp1', line: 'GPIO5' } },
      },
    ];
    const zoned = [
      { sensor: 'door', channel: 'call', role: 'flameDigital' },
      { sensor: 'array', channel: 'thermal', role: 'thermal' },
    ];
    const gpio = {
      outputs: [output({ chip: 'pinctrl-rp1' })],
      inputs: [{ id: 'reset', role: 'reset', chip: 'pinctrl-rp1', line: 'GPIO5' }],
    };
    expect(problemsOf({ sensors, zones: [{ id: 'z', sensors: zoned }], gpio })).toEqual([
      expect.stringMatching(/sensors\[0\].*pinctrl-rp1:17 is already used by output "siren"/),
      expect.stringMatching(/sensors\[1\].*pinctrl-rp1:GPIO5 is already used by input "reset"/),
    ]);
  });

  it('without an option that they need say what it is for', () => {
    const [problem] = problemsOf(board('s', { path: undefined }));
    expect(problem).toMatch(/options\.path: is missing; give a text: Serial port: its name under/);
  });

  it('name the mistyped driver and the mistyped option', () => {
    const sensor = { id: 's', driver: 'serial-bord', options: {} };
    const zones = [{ id: 'z', sensors: [{ sensor: 's', channel: 'thermal', role: 'thermal' }] }];
    expect(problemsOf({ sensors: [sensor], zones })[0]).toMatch(/did you mean "serial-board"/);
    expect(problemsOf(board('s', { baudrate: 9600 }))[0]).toMatch(/options\.baudrate/);
  });
});

describe('ids', () => {
  it('that stand for the appliance itself are refused', () => {
    const config = {
      boards: [{ id: 'box' }],
      zones: [{ id: 'z', sensors: [{ sensor: 'box', channel: 'ADC1', role: 'smoke' }] }],
    };
    expect(problemsOf(config)).toEqual([
      expect.stringMatching(/boards\[0\]\.id.*stands for a part of the appliance itself/),
    ]);
  });
});

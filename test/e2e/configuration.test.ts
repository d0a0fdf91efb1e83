import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { Child, embereye } from './processes.ts';
import { SIREN, Unit } from './unit.ts';

const MISTAKES = `device:
  id: Bad Id
ingest:
  port: 99999
  hots: 0.0.0.0
boards:
  - id: kitchen
    mode: contin
    pollSeconds: "3"
    decoding: { kind: mlx90640, emissivity: 2 }
zones:
  - id: k
    sensors:
      - { sensor: kitchn, channel: thermal, role: smoke }
      - { sensor: kitchen, channel: ADC1, role: smoke }
    limits: { thermalCelsius: 200 }
uplink:
  brokers:
    - { id: a, url: "http://x" }
`;
const PLACES = [
  ':2: device.id = "Bad Id"',
  ':4: ingest.port = 99999',
  ':5: ingest.hots = "0.0.0.0"',
  ':8: boards[0].mode = "contin"',
  ':9: boards[0].pollSeconds = "3"',
  ':10: boards[0].decoding.emissivity = 2',
  ':14: zones[0].sensors[0].sensor = "kitchn"',
  ':14: zones[0].sensors[0].role = "smoke"',
  ':16: zones[0].limits = {"thermalCelsius":200}',
  ':19: uplink.brokers[0].url = "http://x"',
];

describe('a configuration with mistakes', () => {
  let unit: Unit | null = null;
  afterEach(async () => {
    await unit?.remove();
    unit = null;
  });

  /** Nothing may be kept from a former start, or it would run. */
  const alone = (made: Unit) => ({
    EMBEREYE__state__directory: made.stateFolder,
  });

  it('ten of them: exit code 3, each with line, path, value and remedy, nothing started', async () => {
    unit = await Unit.prepare();
    writeFileSync(unit.configFile, MISTAKES);
    const child = unit.launch(alone(unit));
    expect((await child.ended).code).toBe(3);
    for (const place of PLACES) expect(child.err).toContain(unit.configFile + place);
    const problems = child.err.split('\n').filter((line) => /^[^ ]+:\d+: /.test(line));
    expect(problems).toHaveLength(PLACES.length);
    for (const line of problems) expect(line).toMatch(/: [^;]+; .{5}/);
    expect(unit.level(SIREN)).toBeNull();
    expect(await unit.page('/health')).toBeNull();
    const checked = await embereye(['check-config', '--json', unit.configFile]);
    expect(checked.code).toBe(3);
    const { problems: found } = JSON.parse(checked.out) as {
      problems: { remedy: string }[];
    };
    expect(found).toHaveLength(PLACES.length);
  });

  it('with a last known-good one: that one runs, and says so as a fault', async () => {
    unit = await Unit.start();
    await unit.end();
    writeFileSync(unit.configFile, MISTAKES);
    await unit.start(alone(unit));
    const { detail, subject } = await unit.fault('configRefused');
    expect(subject).toBe('config');
    expect(detail).toContain('10 problems');
    expect(unit.said).toContain('refused; the last configuration that worked runs instead');
    expect((await unit.page('/health'))?.status).toBe(200);
    expect((await unit.page('/ready'))?.status).toBe(503);
  });

  it('a file that is not there, and no file before: exit code 3', async () => {
    unit = await Unit.prepare();
    const child = Child.embereye(['run', '--config', '/nowhere/a.yaml'], alone(unit));
    expect((await child.ended).code).toBe(3);
    expect(child.err).toContain('/nowhere/a.yaml: cannot be read');
  });

  it('a zone that cannot keep its time budget is refused with the arithmetic', async () => {
    unit = await Unit.prepare({
      boards: [{ id: 'slow', cadenceSeconds: 4.09 }],
      zones: [
        {
          id: 'z',
          confirmations: 3,
          sensors: [{ sensor: 'slow', channel: 'thermal', role: 'thermal' }],
        },
      ],
    });
    const { code, err } = await embereye(['check-config', unit.configFile]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /zones\[0\]\.sensors\[0\].*too slow: 3 readings x 4\.09 s .*budget of 10 s/,
    );
  });

  it('options of a driver that are wrong are named with their remedy', async () => {
    unit = await Unit.prepare({
      boards: [],
      zones: [],
      sensors: [
        { id: 's1', driver: 'serial-bord', options: {} },
        { id: 's2', driver: 'replay', options: { fiel: '/x' } },
      ],
    });
    const { code, err } = await embereye(['check-config', unit.configFile]);
    expect(code).toBe(3);
    expect(err).toMatch(/sensors\[0\]\.driver = "serial-bord": no such driver; did you mean/);
    expect(err).toMatch(/sensors\[1\]\.options/);
  });
});

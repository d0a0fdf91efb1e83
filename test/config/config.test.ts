import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemText } from '../../src/config-problems.ts';
import { configJsonSchema, parseConfig, variableOf } from '../../src/config.ts';

function problemsOf(text: string, environment: Record<string, string> = {}) {
  const result = parseConfig(text, environment);
  return result.ok ? [] : result.problems;
}

const TEN_MISTAKES = `device:
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
    limits: { thermalCelsius: 200 }
uplink:
  brokers:
    - { id: a, url: "http://x" }
`;

describe('configuration', () => {
  it('an empty text is the embedded default', () => {
    const result = parseConfig('', {});
    expect(result.ok && result.config.ingest.port).toBe(4888);
    expect(result.ok && result.config.limits.criticalCelsius).toBe(120);
  });

  it('reports ten mistakes at once, each with line, path, value and remedy', () => {
    const found = problemsOf(TEN_MISTAKES).map((p) => `${p.line ?? '-'} ${p.path}`);
    expect(found.sort()).toEqual(
      [
        '2 device.id',
        '4 ingest.port',
        '5 ingest.hots',
        '8 boards[0].mode',
        '9 boards[0].pollSeconds',
        '10 boards[0].decoding.emissivity',
        '14 zones[0].sensors[0].sensor',
        '14 zones[0].sensors[0].role',
        '15 zones[0].limits',
        '18 uplink.brokers[0].url',
      ].sort(),
    );
    for (const problem of problemsOf(TEN_MISTAKES)) {
      expect(problem.value).toBeDefined();
      expect(problem.remedy).not.toBe('');
    }
  });

  it('says what a mistyped name may have meant', () => {
    const [problem] = problemsOf('ingest:\n  hots: x\n');
    expect(problem && problemText('appliance.yaml', problem)).toBe(
      'appliance.yaml:2: ingest.hots = "x": unknown field; did you mean "host"?',
    );
  });

  it('a mistake in one list entry does not shift the line of another', () => {
    const text = `boards: [{ id: a }]
zones:
  - id: one
    sensors: [{ sensor: a, channel: thermal, role: warmth }]
  - id: two
    sensors: [{ sensor: nowhere, channel: ADC1, role: smoke }]
`;
    expect(problemsOf(text).map((p) => `${p.line ?? '-'} ${p.path}`)).toEqual([
      '4 zones[0].sensors[0].role',
      '6 zones[1].sensors[0].sensor',
    ]);
  });

  it('a board that no zone uses is a mistake, told when all else is right', () => {
    const [problem] = problemsOf('boards: [{ id: attic }]');
    expect(problem).toMatchObject({ path: 'boards[0].id', problem: 'no zone uses it' });
  });

  it('a limit that a zone does not name stays the general one', () => {
    const result = parseConfig(
      'boards: [{id: a}]\nzones: [{id: z, sensors: [{sensor: a, channel: ADC1, role: smoke}], limits: {smokePercent: 20}}]',
      {},
    );
    expect(result.ok && result.config.zones[0]?.limits).toEqual({ smokePercent: 20 });
  });

  it('broken YAML and duplicate keys name their lines', () => {
    expect(problemsOf('device:\n  id: a\n  id: b\n')[0]?.line).toBe(3);
    expect(problemsOf('zones: [')[0]?.path).toBe('(file)');
    expect(problemsOf('just text')).toHaveLength(1);
    expect(problemsOf('device: *nowhere')[0]?.problem).toContain('alias');
  });

  it('environment overrides come from the allow-list only', () => {
    const result = parseConfig('', { EMBEREYE__ingest__port: '5000', PATH: '/bin' });
    expect(result.ok && result.config.ingest.port).toBe(5000);
    const [refused] = problemsOf('', { EMBEREYE__zones: '[]' });
    expect(refused?.path).toBe('EMBEREYE__zones');
    const [wrong] = problemsOf('', { EMBEREYE__http__port: 'many' });
    expect(wrong).toMatchObject({ line: null, path: variableOf('http.port'), value: '"many"' });
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const result = parseConfig(text, {});
        return result.ok || result.problems.length > 0;
      }),
      { numRuns: 300 },
    );
  });

  it('the JSON Schema asks for nothing that has a default', () => {
    const schema = configJsonSchema() as { required?: string[]; properties: object };
    expect(schema.required ?? []).toEqual([]);
    expect(Object.keys(schema.properties)).toContain('zones');
  });
});

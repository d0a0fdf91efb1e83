/** Checks across fields: what refers to what, what must be unique, which limits are in order. */
import type { Config } from './config-schema.ts';
import { nearest } from './config-problems.ts';
import type { Finding, Path } from './config-problems.ts';

/** Every contradiction between fields that are valid one by one. */
export function checkReferences(config: Config): readonly Finding[] {
  return [
    ...uniqueIds(config),
    ...zoneSources(config),
    ...limitOrder(config),
    ...gpioLines(config),
    ...inputZones(config),
  ];
}

function duplicates(list: readonly { readonly id: string }[], path: Path, what: string): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const [i, { id }] of list.entries()) {
    if (seen.has(id)) {
      findings.push({
        path: [...path, i, 'id'],
        problem: `${what} "${id}" is named twice`,
        remedy: 'give each one its own id',
      });
    }
    seen.add(id);
  }
  return findings;
}

function uniqueIds(config: Config): Finding[] {
  const boards = new Set(config.boards.map((board) => board.id));
  const clashes = config.sensors.flatMap((sensor, i): Finding[] =>
    boards.has(sensor.id)
      ? [
          {
            path: ['sensors', i, 'id'],
            problem: `"${sensor.id}" is also the id of a board`,
            remedy: 'give each sensor and board its own id',
          },
        ]
      : [],
  );
  return [
    ...duplicates(config.boards, ['boards'], 'board'),
    ...duplicates(config.sensors, ['sensors'], 'sensor'),
    ...clashes,
    ...duplicates(config.zones, ['zones'], 'zone'),
    ...duplicates(config.uplink.brokers, ['uplink', 'brokers'], 'broker'),
    ...duplicates(config.gpio.outputs, ['gpio', 'outputs'], 'output'),
    ...duplicates(config.gpio.inputs, ['gpio', 'inputs'], 'input'),
  ];
}

/** One physical channel is one source: it may watch one zone, once. */
function zoneSources(config: Config): Finding[] {
  const sensors = [...config.boards, ...config.sensors].map(({ id }) => id);
  const used = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [z, zone] of config.zones.entries()) {
    for (const [s, source] of zone.sensors.entries()) {
      const path = ['zones', z, 'sensors', s];
      if (!sensors.includes(source.sensor)) {
        const near = nearest(source.sensor, sensors);
        findings.push({
          path: [...path, 'sensor'],
          problem: 'no board or sensor has this id',
          remedy: near === null ? 'add it under boards or sensors' : `did you mean "${near}"?`,
        });
      }
      const key = `${source.sensor}/${source.channel}`;
      const other = used.get(key);
      if (other !== undefined) {
        findings.push({
          path,
          problem: `${key} already watches zone "${other}"`,
          remedy: 'one physical channel is one source of one zone: remove one of the two',
        });
      }
      used.set(key, zone.id);
      if ((source.role === 'thermal') !== (source.channel === 'thermal')) {
        findings.push({
          path: [...path, 'role'],
          problem: `channel "${source.channel}" cannot have the role "${source.role}"`,
          remedy: 'the channel "thermal", and only it, has the role thermal',
        });
      }
    }
  }
  return findings;
}

/**
 * Sensors that no zone uses: they would not even be missed. Asked only of a configuration that is
 * right otherwise, because a mistyped reference leaves a sensor unused, too.
 */
export function checkIdleSensors(config: Config): readonly Finding[] {
  const used = new Set(config.zones.flatMap((zone) => zone.sensors.map(({ sensor }) => sensor)));
  return (['boards', 'sensors'] as const).flatMap((list) =>
    config[list].flatMap(({ id }, i): Finding[] =>
      used.has(id)
        ? []
        : [
            {
              path: [list, i, 'id'],
              problem: 'no zone uses it',
              remedy: 'name it in the sensors of a zone, or remove it',
            },
          ],
    ),
  );
}

function limitOrder(config: Config): Finding[] {
  const findings: Finding[] = [];
  const check = (thermal: number, critical: number, path: Path): void => {
    if (thermal < critical) return;
    findings.push({
      path,
      problem: `thermalCelsius (${thermal}) is not below criticalCelsius (${critical})`,
      remedy: 'lower thermalCelsius or raise criticalCelsius',
    });
  };
  check(config.limits.thermalCelsius, config.limits.criticalCelsius, ['limits']);
  for (const [z, zone] of config.zones.entries()) {
    const { thermalCelsius, criticalCelsius } = zone.limits;
    if (thermalCelsius === undefined && criticalCelsius === undefined) continue;
    check(
      thermalCelsius ?? config.limits.thermalCelsius,
      criticalCelsius ?? config.limits.criticalCelsius,
      ['zones', z, 'limits'],
    );
  }
  return findings;
}

function gpioLines(config: Config): Finding[] {
  const used = new Map<string, string>();
  const findings: Finding[] = [];
  const lines = [
    ...config.gpio.outputs.map((line, i) => ({ line, path: ['gpio', 'outputs', i] as Path })),
    ...config.gpio.inputs.map((line, i) => ({ line, path: ['gpio', 'inputs', i] as Path })),
  ];
  for (const { line, path } of lines) {
    const key = `${line.chip}:${line.line}`;
    const other = used.get(key);
    if (other !== undefined) {
      findings.push({
        path: [...path, 'line'],
        problem: `line ${line.line} of ${line.chip} is already used by "${other}"`,
        remedy: 'give each output and input its own line',
      });
    }
    used.set(key, line.id);
    if (config.gpio.backend !== 'simulated' && line.chip === 'simulated') {
      findings.push({
        path: [...path, 'chip'],
        problem: 'no chip is named',
        remedy: 'write the label of the GPIO chip, for example pinctrl-bcm2711',
      });
    }
  }
  return findings;
}

function inputZones(config: Config): Finding[] {
  const zones = config.zones.map(({ id }) => id);
  return config.gpio.inputs.flatMap((input, i): Finding[] => {
    if (input.zone !== null && !zones.includes(input.zone)) {
      return [
        {
          path: ['gpio', 'inputs', i, 'zone'],
          problem: 'no zone has this id',
          remedy: `use one of: ${zones.join(', ')}`,
        },
      ];
    }
    if (input.role === 'manualCallPoint' && input.zone === null) {
      return [
        {
          path: ['gpio', 'inputs', i, 'zone'],
          problem: 'a manual call point without a zone',
          remedy: 'name the zone that it raises',
        },
      ];
    }
    return [];
  });
}

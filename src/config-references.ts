/** Checks across fields: what refers to what, what must be unique, which limits are in order. */
import { checkAnalog } from './analog-plan.ts';
import { brokerFindings } from './broker-checks.ts';
import { commandFindings } from './command-checks.ts';
import type { Config } from './config-schema.ts';
import { gpioFindings } from './config-gpio.ts';
import { custodyFindings } from './custody-checks.ts';
import { discoveryFindings } from './discovery-checks.ts';
import { hoursFindings, limitFindings } from './limit-checks.ts';
import { proofFindings } from './proof-checks.ts';
import { recordingFindings } from './recording-checks.ts';
import { regionFindings } from './region-checks.ts';
import { neighbourFindings } from './neighbour-checks.ts';
import { isThermalChannel } from './domain/evidence.ts';
import { nearest } from './config-problems.ts';
import type { Finding, Path } from './config-problems.ts';

/** Every contradiction between fields that are valid one by one. */
export function checkReferences(config: Config): readonly Finding[] {
  return [
    ...uniqueIds(config),
    ...zoneSources(config),
    ...regionFindings(config),
    ...limitFindings(config),
    ...hoursFindings(config),
    ...proofFindings(config),
    ...checkAnalog(config),
    ...gpioFindings(config),
    ...recordingFindings(config),
    ...custodyFindings(config),
    ...discoveryFindings(config),
    ...neighbourFindings(config),
    ...inputZones(config),
    ...commandFindings(config),
    ...brokerFindings(config),
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
    ...reserved(config),
    ...duplicates(config.boards, ['boards'], 'board'),
    ...duplicates(config.sensors, ['sensors'], 'sensor'),
    ...clashes,
    ...duplicates(config.zones, ['zones'], 'zone'),
    ...duplicates(config.uplink.brokers, ['uplink', 'brokers'], 'broker'),
    ...duplicates(config.gpio.outputs, ['gpio', 'outputs'], 'output'),
    ...duplicates(config.gpio.inputs, ['gpio', 'inputs'], 'input'),
  ];
}

/** Words that faults and readings of the appliance itself go by. */
const RESERVED_IDS: readonly string[] = ['box', 'config', 'http', 'ingest', 'panel', 'store'];

function reserved(config: Config): Finding[] {
  return (['boards', 'sensors', 'zones'] as const).flatMap((list) =>
    config[list].flatMap(({ id }, i): Finding[] =>
      RESERVED_IDS.includes(id)
        ? [
            {
              path: [list, i, 'id'],
              problem: `"${id}" stands for a part of the appliance itself`,
              remedy: 'choose another id',
            },
          ]
        : [],
    ),
  );
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
      if ((source.role === 'thermal') !== isThermalChannel(source.channel)) {
        findings.push({
          path: [...path, 'role'],
          problem: `channel "${source.channel}" cannot have the role "${source.role}"`,
          remedy:
            'the channels "thermal" and "thermal_<area>", and only they, have the role thermal',
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

/** The size of a run and what is done to the cluster. */
import { parseArgs } from 'node:util';

export interface FleetOptions {
  readonly appliances: number;
  readonly processes: number;
  /** Events that each appliance raises. */
  readonly storm: number;
  /** Events per second and appliance. */
  readonly rate: number;
  readonly consumers: number;
  /** `mqtt`: the stream in which NATS keeps what it acknowledged; `own`: one over the subjects. */
  readonly stream: 'mqtt' | 'own';
  readonly seed: number;
  /** Rounds over the three nodes; each node is killed and cut off once a round. */
  readonly rounds: number;
  /** Without anything new for this long the run is over, drained or not. */
  readonly patienceMs: number;
  readonly keep: boolean;
  readonly json: boolean;
}

const NUMBERS = {
  appliances: [1, 5000, 200],
  processes: [1, 64, 4],
  storm: [1, 1_000_000, 240],
  rate: [0.01, 1000, 1],
  consumers: [1, 32, 3],
  seed: [0, 2 ** 32 - 1, 1],
  rounds: [0, 100, 1],
  'patience-ms': [1000, 3_600_000, 90_000],
} as const;

/** @throws Error that names the option and what to write. */
export function fleetOptions(args: readonly string[]): FleetOptions {
  const names = [...Object.keys(NUMBERS), 'stream'];
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const texts = values as Readonly<Record<string, string | boolean | undefined>>;
  const number = (name: keyof typeof NUMBERS): number => {
    const [least, most, otherwise] = NUMBERS[name];
    const text = texts[name];
    const value = text === undefined ? otherwise : Number(text);
    if (value >= least && value <= most) return value;
    throw new Error(`--${name} ${String(text)}: write a number from ${least} to ${most}`);
  };
  const stream = texts['stream'] ?? 'mqtt';
  if (stream !== 'mqtt' && stream !== 'own') throw new Error('--stream: write mqtt or own');
  return {
    appliances: number('appliances'),
    processes: Math.min(number('processes'), number('appliances')),
    storm: number('storm'),
    rate: number('rate'),
    consumers: number('consumers'),
    stream,
    seed: number('seed'),
    rounds: number('rounds'),
    patienceMs: number('patience-ms'),
    keep: values.keep,
    json: values.json,
  };
}

/** What is done to the fleet while the storm goes on: one thing at a time, as an operator sees it. */
import type { Cluster } from './cluster.ts';
import type { Consumer } from './consumers.ts';
import type { Network } from './network.ts';
import { sleep, until } from './tools.ts';

export interface Done {
  readonly what: string;
  readonly atS: number;
  /** Until every node had caught up again. */
  readonly healthyAfterS: number;
}

export interface TroubleOptions {
  readonly cluster: Cluster;
  readonly network: Network;
  readonly consumers: readonly Consumer[];
  readonly stream: string;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** What central consumers share where nobody says otherwise. */
const DURABLE = 'embereye-central';
const DOWN_MS = 6000;
/** Longer than the time-outs of the links, so that both sides have to notice. */
const CUT_MS = 16_000;
const CONSUMER_DOWN_MS = 2000;
const CALM_MS = 1500;
const HEALTHY_WITHIN_MS = 120_000;

interface Step {
  readonly what: string;
  readonly run: () => Promise<void>;
}

/** Every node: killed, cut off from the others, cut off from everybody; and the leader as well. */
function plan({ cluster, network, consumers, stream }: TroubleOptions): Step[] {
  const steps: Step[] = [];
  const { nodes } = cluster;
  const canCut = network.limits === null;
  nodes.forEach((node, i) => {
    steps.push({ what: `kill -9 ${node.name}`, run: () => cluster.killFor(node, DOWN_MS) });
    const how = i % 2 === 0 ? 'peers' : 'everybody';
    if (canCut) {
      const run = (): Promise<void> => cluster.cutFor(node, how, CUT_MS);
      steps.push({ what: `cut ${node.name} off from ${how}`, run });
    }
    const consumer = consumers[i % consumers.length];
    if (consumer !== undefined) {
      const run = (): Promise<void> => consumer.killFor(CONSUMER_DOWN_MS);
      steps.push({ what: `kill -9 ${consumer.name}`, run });
    }
  });
  const leader = async () => {
    const name = await cluster.leader(stream);
    const node = nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`the stream ${stream} has no leader to be hurt`);
    return node;
  };
  steps.push({
    what: `kill -9 of the leader of ${stream}`,
    run: async () => cluster.killFor(await leader(), DOWN_MS),
  });
  if (canCut) {
    steps.push({
      what: `cut the leader of ${stream} off from peers`,
      run: async () => cluster.cutFor(await leader(), 'peers', CUT_MS),
    });
  }
  return steps;
}

/** One thing at a time: two of three copies must be whole before the next node is hurt. */
async function untilWhole(cluster: Cluster, stream: string, what: string): Promise<void> {
  let why: string | null = null;
  const isWhole = async (): Promise<boolean> => {
    why = await cluster.whyNotWhole(stream, DURABLE);
    return why === null;
  };
  try {
    await until('whole', HEALTHY_WITHIN_MS, isWhole);
  } catch (error) {
    throw new Error(`the cluster does not recover after ${what}: ${String(why)}`, { cause: error });
  }
}

/** Resolves when all of it was done and the cluster is whole again. */
export async function makeTrouble(options: TroubleOptions): Promise<readonly Done[]> {
  const { cluster, rounds, stream, say } = options;
  const startMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startMs) / 100) / 10;
  const done: Done[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { what, run } of plan(options)) {
      await sleep(CALM_MS);
      const atS = seconds();
      await run();
      const overS = seconds();
      await untilWhole(cluster, stream, what);
      const healthyAfterS = Math.round((seconds() - overS) * 10) / 10;
      say(`${atS} s: ${what}; all nodes caught up ${healthyAfterS} s after its end`);
      done.push({ what, atS, healthyAfterS });
    }
  }
  return done;
}

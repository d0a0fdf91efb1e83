/**
 * A network of its own for each node: a namespace with one wire to a bridge, so that a node can be
 * cut off. Where namespaces are not allowed every node gets a loopback address, and is only killed.
 */
import { type Cleanup, programOf, runTool } from './tools.ts';

export type Cut = 'peers' | 'everybody';

export interface NodePlace {
  readonly address: string;
  /** Words before a program that is to run there. */
  readonly prefix: readonly string[];
  /** `peers`: clients still reach the node, other nodes do not; `everybody`: the wire is out. */
  cut(how: Cut): void;
  heal(): void;
}

export interface Network {
  readonly places: readonly NodePlace[];
  /** Why nothing can be cut off here; null where it can. */
  readonly limits: string | null;
}

export function makeNetwork(count: number, cleanup: Cleanup): Network {
  try {
    return namespaces(count, cleanup);
  } catch (error) {
    const limits = error instanceof Error ? error.message : String(error);
    const places = Array.from({ length: count }, (_, i) => ({
      address: `127.0.0.${11 + i}`,
      prefix: [],
      cut: () => undefined,
      heal: () => undefined,
    }));
    return { places, limits };
  }
}

function namespaces(count: number, cleanup: Cleanup): Network {
  if (process.getuid?.() !== 0) throw new Error('not root: nodes are killed, not cut off');
  const ip = programOf('ip');
  const nft = programOf('nft');
  if (ip === null || nft === null) throw new Error('ip or nft is not installed: no cutting off');
  const tag = `ee${process.pid % 100_000}`;
  const net = `10.222.${process.pid % 250}`;
  const bridge = `${tag}br`;
  runTool(ip, ['link', 'add', bridge, 'type', 'bridge']);
  cleanup.add('bridge', () => void runTool(ip, ['link', 'del', bridge]));
  runTool(ip, ['addr', 'add', `${net}.1/24`, 'dev', bridge]);
  runTool(ip, ['link', 'set', bridge, 'up']);
  const addresses = Array.from({ length: count }, (_, i) => `${net}.${11 + i}`);
  const places = addresses.map((address, i) => {
    const name = `${tag}n${i}`;
    const wire = `${tag}v${i}`;
    runTool(ip, ['netns', 'add', name]);
    cleanup.add(name, () => void runTool(ip, ['netns', 'del', name]));
    const inside = ['netns', 'exec', name];
    runTool(ip, ['link', 'add', wire, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
    runTool(ip, ['link', 'set', wire, 'master', bridge, 'up']);
    runTool(ip, [...inside, ip, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
    for (const link of ['lo', 'eth0']) runTool(ip, [...inside, ip, 'link', 'set', link, 'up']);
    const peers = addresses.filter((other) => other !== address);
    return new Namespace({ ip, nft, name, wire, address, peers });
  });
  return { places, limits: null };
}

interface Wiring {
  readonly ip: string;
  readonly nft: string;
  readonly name: string;
  readonly wire: string;
  readonly address: string;
  readonly peers: readonly string[];
}

class Namespace implements NodePlace {
  readonly #wiring: Wiring;
  #how: Cut | null = null;

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
  }

  get address(): string {
    return this.#wiring.address;
  }

  get prefix(): readonly string[] {
    return [this.#wiring.ip, 'netns', 'exec', this.#wiring.name];
  }

  cut(how: Cut): void {
    const { ip, wire, peers } = this.#wiring;
    this.heal();
    this.#how = how;
    if (how === 'everybody') {
      runTool(ip, ['link', 'set', wire, 'down']);
      return;
    }
    const list = `{ ${peers.join(', ')} }`;
    this.#nft(
      `table inet cut {
        chain in { type filter hook input priority 0; ip saddr ${list} drop; }
        chain out { type filter hook output priority 0; ip daddr ${list} drop; }
      }`,
    );
  }

  heal(): void {
    const { ip, wire } = this.#wiring;
    if (this.#how === 'everybody') runTool(ip, ['link', 'set', wire, 'up']);
    if (this.#how === 'peers') this.#nft('delete table inet cut');
    this.#how = null;
  }

  #nft(rules: string): void {
    const [program = '', ...words] = this.prefix;
    runTool(program, [...words, this.#wiring.nft, '-f', '-'], rules);
  }
}

/**
 * A network namespace for the appliance with two wires out of it: one for its boards and its pages,
 * one for its broker. The second can go dead without either end being told. Needs root.
 */
import { type Cleanup, system, systemBeside } from './cleanup.ts';

/** Ways in which a wire goes dead. */
export const DEAD = ['dropBoth', 'dropOut', 'dropIn', 'wrongNeighbour'] as const;
export type Dead = (typeof DEAD)[number];

/** Nobody has this link address. */
const NOBODY = '02:00:5e:00:53:01';
const TABLE = 'embereye_chaos';

export class Namespace {
  readonly name: string;
  /** Addresses of the appliance on the first wire, and of this end of the second. */
  readonly inside: string;
  readonly brokerSide: string;
  readonly #wire: string;
  readonly #insideBroker: string;

  /** @throws when the system does not let us. */
  constructor(cleanup: Cleanup) {
    this.name = `eechaos${process.pid}`;
    // 198.18.0.0/15 is for measurements in closed networks (RFC 2544).
    const net = `198.18.${process.pid % 250}`;
    this.inside = `${net}.2`;
    this.brokerSide = `${net}.5`;
    this.#insideBroker = `${net}.6`;
    this.#wire = `eec${process.pid}`;
    system('ip', ['netns', 'add', this.name]);
    cleanup.add(`network namespace ${this.name}`, () => {
      system('ip', ['netns', 'del', this.name]);
    });
    system('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
    this.#lay('b', `${net}.1`, this.inside);
    this.#lay('u', this.brokerSide, this.#insideBroker);
  }

  /** Program and arguments that start something inside. */
  get through(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** The second wire carries nothing any more; nobody gets a FIN or RST. */
  cut(how: Dead): Promise<void> {
    if (how === 'wrongNeighbour') {
      return this.#neighbour(['replace', this.brokerSide, 'lladdr', NOBODY, 'nud', 'permanent']);
    }
    const wire = `${this.#wire}uj`;
    const chains = [
      ...(how === 'dropOut' ? [] : [hook('input', `iifname "${wire}"`)]),
      ...(how === 'dropIn' ? [] : [hook('output', `oifname "${wire}"`)]),
    ];
    const rules = `table inet ${TABLE} {\n${chains.join('\n')}\n}\n`;
    return this.#inside(['nft', '-f', '-'], rules);
  }

  mend(how: Dead): Promise<void> {
    if (how === 'wrongNeighbour') return this.#neighbour(['del', this.brokerSide]);
    return this.#inside(['nft', 'delete', 'table', 'inet', TABLE]);
  }

  #inside(command: readonly string[], input = ''): Promise<void> {
    return systemBeside('ip', ['netns', 'exec', this.name, ...command], input);
  }

  #neighbour(args: readonly string[]): Promise<void> {
    return systemBeside('ip', ['-n', this.name, 'neigh', ...args, 'dev', `${this.#wire}uj`]);
  }

  /** The pair of ends of a wire; the namespace takes the far one with it when it goes. */
  #lay(letter: string, near: string, far: string): void {
    const [here, there] = [`${this.#wire}${letter}`, `${this.#wire}${letter}j`];
    system('ip', ['link', 'add', here, 'type', 'veth', 'peer', 'name', there]);
    system('ip', ['link', 'set', there, 'netns', this.name]);
    system('ip', ['addr', 'add', `${near}/30`, 'dev', here]);
    system('ip', ['link', 'set', here, 'up']);
    system('ip', ['-n', this.name, 'addr', 'add', `${far}/30`, 'dev', there]);
    system('ip', ['-n', this.name, 'link', 'set', there, 'up']);
  }
}

function hook(name: 'input' | 'output', match: string): string {
  return ` chain ${name} {\n  type filter hook ${name} priority 0;\n  ${match} drop\n }`;
}

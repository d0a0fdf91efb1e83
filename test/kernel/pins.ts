/** The far side of the guest's pins: what a siren or a button would be. */
import type { Machine } from './machine.ts';

/** Orders of the guest, one line each, and their answers; see guest/pins.ts. */
export interface Pins {
  answer(order: string): Promise<string>;
}

const number = (word: string | undefined): number => {
  const value = Number(word);
  if (!Number.isInteger(value)) throw new Error(`"${word ?? ''}" is no number`);
  return value;
};

/** The PL061 of QEMU's `virt` machine: eight lines; one that nobody drives is pulled down. */
export class Pl061Pins implements Pins {
  readonly #machine: Machine;
  readonly #path: string;
  readonly #levels = new Map<number, boolean>();
  readonly #histories = new Map<number, boolean[]>();

  private constructor(machine: Machine, path: string) {
    this.#machine = machine;
    this.#path = path;
    machine.onPin((line, high) => {
      this.#levels.set(line, high);
      this.#histories.get(line)?.push(high);
    });
  }

  static async of(machine: Machine): Promise<Pl061Pins> {
    const path = await machine.devicePath('pl061');
    const pins = new Pl061Pins(machine, path);
    await machine.command(`irq_intercept_out ${path}`);
    return pins;
  }

  async answer(order: string): Promise<string> {
    const [word, line, level] = order.split(' ');
    const pin = number(line);
    switch (word) {
      case 'drive':
        await this.#machine.command(
          `set_irq_in ${this.#path} unnamed-gpio-in ${pin} ${number(level)}`,
        );
        return 'ok';
      case 'level':
        await this.#settle();
        return this.#levels.get(pin) === true ? '1' : '0';
      case 'watch':
        await this.#settle();
        this.#histories.set(pin, []);
        return 'ok';
      case 'history':
        await this.#settle();
        return (this.#histories.get(pin) ?? []).map((high) => (high ? '1' : '0')).join('');
      default:
        throw new Error(`no order "${order}"`);
    }
  }

  /** Changes are told on the same connection, before the answer to what is asked after them. */
  async #settle(): Promise<void> {
    await this.#machine.command('endianness');
  }
}

const BCM2835_GPIO = 0x3f20_0000;
const FUNCTION_SELECT = 0x00;
const LEVEL = 0x34;
const OUTPUT_FUNCTION = 1;

/** The chip of a Raspberry Pi 3: its registers as the bus has them. */
export class Bcm2835Pins implements Pins {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  async answer(order: string): Promise<string> {
    const [word, line] = order.split(' ');
    const pin = number(line);
    switch (word) {
      case 'level': {
        const levels = await this.#register(LEVEL + 4 * Math.floor(pin / 32));
        return String((levels >>> (pin % 32)) & 1);
      }
      case 'direction': {
        const functions = await this.#register(FUNCTION_SELECT + 4 * Math.floor(pin / 10));
        return ((functions >>> (3 * (pin % 10))) & 7) === OUTPUT_FUNCTION ? 'out' : 'in';
      }
      default:
        throw new Error(`no order "${order}"`);
    }
  }

  async #register(offset: number): Promise<number> {
    return Number(await this.#machine.command(`readl 0x${(BCM2835_GPIO + offset).toString(16)}`));
  }
}

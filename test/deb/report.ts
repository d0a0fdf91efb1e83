/** What was checked in one root, a line for each, and how much of it held. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** A later check depends on this one: the rest of the root is not tried. */
export class GiveUp extends Error {}

export class Report {
  readonly #title: string;
  readonly #startMs = performance.now();
  #passed = 0;
  #failed = 0;

  constructor(title: string) {
    this.#title = title;
    console.log(`\n${title}`);
  }

  /** Runs one check; what it returns is shown. @throws GiveUp when it fails */
  async step(name: string, check: () => Promise<string>): Promise<void> {
    const startMs = performance.now();
    const line = (word: string, said: string): void => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);
      console.log(`${word} ${name.padEnd(46)} ${seconds} s  ${said}`);
    };
    try {
      const said = await check();
      this.#passed += 1;
      line('ok  ', said);
    } catch (error) {
      this.#failed += 1;
      line('FAIL', error instanceof Error ? error.message : String(error));
      throw new GiveUp(name);
    }
  }

  end(): Counts {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(0);
    console.log(`${this.#title}: ${this.#passed} passed, ${this.#failed} failed, in ${seconds} s`);
    return { passed: this.#passed, failed: this.#failed };
  }
}

/** @throws Error that shows both where they differ */
export function same(what: string, found: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

/** @throws Error that shows the text */
export function includes(what: string, text: string, part: string | RegExp): void {
  const isThere = typeof part === 'string' ? text.includes(part) : part.test(text);
  if (!isThere) throw new Error(`${what} does not say ${String(part)}: ${text.slice(-2000)}`);
}

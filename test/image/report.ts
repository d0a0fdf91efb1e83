/** What has been seen, line by line with its time, and how much of it was as it should be. */
import { appendFileSync } from 'node:fs';

export class Report {
  readonly #startedMs = performance.now();
  readonly #logFile: string;
  #passed = 0;
  #failed = 0;

  constructor(logFile: string) {
    this.#logFile = logFile;
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** Something that people want to read. */
  say(line: string): void {
    const seconds = Math.round((performance.now() - this.#startedMs) / 1000);
    const text = `${String(seconds).padStart(5)} s  ${line}\n`;
    process.stdout.write(text);
    appendFileSync(this.#logFile, text);
  }

  /**
   * One thing that must hold. What throws has failed; `run`'s words say what was seen.
   * @returns whether it held
   */
  async proves(what: string, run: () => Promise<unknown>): Promise<boolean> {
    const startedMs = performance.now();
    try {
      const seen = await run();
      const took = ((performance.now() - startedMs) / 1000).toFixed(1);
      this.#passed += 1;
      this.say(`ok    ${what} (${took} s)${typeof seen === 'string' ? `: ${seen}` : ''}`);
      return true;
    } catch (error) {
      this.#failed += 1;
      this.say(`FAIL  ${what}: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }
}

/** One line for each thing that was looked at, as it is known. */

/** What a check saw, in words; throws where it is not as it must be. */
export type Look = () => string | Promise<string>;

export class Report {
  passed = 0;
  failed = 0;

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  /** @returns whether it is as it must be: what builds on it may be left out. */
  async check(name: string, look: Look): Promise<boolean> {
    const startMs = performance.now();
    const line = (word: string, said: string): void => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(6);
      console.log(`${word} ${seconds} s  ${name}: ${said}`);
    };
    try {
      const said = await look();
      this.passed += 1;
      line('ok  ', said);
      return true;
    } catch (error) {
      this.failed += 1;
      line('FAIL', error instanceof Error ? error.message : String(error));
      return false;
    }
  }
}

/** @throws Error with `said` where it does not hold */
export function must(holds: boolean, said: string): void {
  if (!holds) throw new Error(said);
}

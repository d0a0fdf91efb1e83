/**
 * Names the tests that ran out of their time once and passed when tried again: the suite is full of
 * real processes, and a machine can be busy. Nothing but a time-out is tried again.
 */
export default class AgainReporter {
  #again = [];

  onTestCaseResult(test) {
    const { retryCount = 0 } = test.diagnostic() ?? {};
    if (retryCount > 0 && test.result().state === 'passed') this.#again.push(test.fullName);
  }

  onTestRunEnd() {
    for (const name of this.#again) console.log(`again: ${name} (ran out of its time once)`);
  }
}

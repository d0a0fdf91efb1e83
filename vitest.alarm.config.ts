import { defineConfig } from 'vitest/config';

/**
 * The panel's own tests, in virtual time: nothing is built first. Mutation testing runs them once
 * per mutant, without those that take seconds: what survives is then tried against all of them
 * (EMBEREYE_MUTATION=all).
 */
const slow = ['model', 'operators-model', 'walk', 'walk-properties'];
const isQuick = process.env['EMBEREYE_MUTATION'] === 'quick';

export default defineConfig({
  test: {
    include: ['test/alarm/**/*.test.ts'],
    exclude: isQuick ? slow.map((name) => `test/alarm/${name}.test.ts`) : [],
    isolate: false,
    testTimeout: 120_000,
    reporters: ['default'],
  },
});

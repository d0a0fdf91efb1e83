import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Native add-ons (epoll, better-sqlite3) load in one thread only: processes, not threads.
    pool: 'forks',
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of the time is waited for: two files at once on the smallest machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A busy machine may not be quick enough. Whatever else fails has failed.
    retry: { count: 1, condition: /timed out in/ },
    reporters: ['default', './scripts/again-reporter.mjs'],
  },
});

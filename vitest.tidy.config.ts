import { defineConfig } from 'vitest/config';

/** The repository's own rules alone: fast, no build first. */
export default defineConfig({ test: { include: ['test/tidy.test.ts'], pool: 'forks' } });

// Mutation testing of the panel (src/alarm) with its own tests; see docs/decisions/0012-mutation-testing.md.
// One file at a time: `npm run test:mutation -- --mutate src/alarm/zone.ts`.
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/**
 * Sentences for people are not mutated: tests read the words that matter, and an empty sentence
 * changes no decision. A sentence is a text with a space in it; names and keys have none.
 */
const isSentence = {
  shouldIgnore(path) {
    if (path.isStringLiteral() && /\s/.test(path.node.value)) return 'a sentence for people';
    if (path.isTemplateLiteral() && path.node.quasis.some(({ value }) => /\s/.test(value.raw))) {
      return 'a sentence for people';
    }
    return undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'sentences', isSentence)];

export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.alarm.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', import.meta.url],
  ignorers: ['sentences'],
  mutate: ['src/alarm/**/*.ts'],
  coverageAnalysis: 'perTest',
  // Constants of a module are set once per run of the tests: the whole run is repeated for each.
  ignoreStatic: false,
  concurrency: Number(process.env.EMBEREYE_CONCURRENCY ?? 2),
  timeoutMS: 30_000,
  timeoutFactor: 4,
  reporters: ['json', 'clear-text', 'progress-append-only'],
  jsonReporter: { fileName: 'var/mutation/report.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  tempDirName: 'var/mutation/sandbox',
  ignorePatterns: [
    '/dist',
    '/var',
    '/bench',
    '/docs',
    '/deploy',
    '/training',
    '/config',
    '/models',
  ],
  disableTypeChecks: false,
  checkers: [],
};

/**
 * What the contract files need of vitest, which cannot run in the guest: the bundler puts this in
 * its place. `expect` is vitest's own. Results go to the console, one line each, for the host.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';

type Work = () => unknown;

interface Group {
  readonly name: string;
  readonly parent: Group | null;
  readonly before: Work[];
  readonly after: Work[];
}

interface Test {
  readonly name: string;
  readonly group: Group;
  /** Null: skipped. */
  readonly work: Work | null;
}

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
const matchers = (globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT];
export const expect: unknown = Object.assign(
  (value: unknown, message?: string): unknown => chai.expect(value, message),
  chai.expect,
  matchers,
);

const TEST_TIMEOUT_MS = 30_000;
const tests: Test[] = [];
let current: Group = { name: '', parent: null, before: [], after: [] };

function group(name: string, define: Work): void {
  const outer = current;
  current = { name, parent: outer, before: [], after: [] };
  define();
  current = outer;
}

export const describe = Object.assign(group, {
  skip: (name: string): void => void tests.push({ name, group: current, work: null }),
});

export const it = Object.assign(
  (name: string, work: Work): void => void tests.push({ name, group: current, work }),
  { skip: (name: string): void => void tests.push({ name, group: current, work: null }) },
);

export const beforeEach = (work: Work): void => void current.before.push(work);
export const afterEach = (work: Work): void => void current.after.push(work);

/** Why a failed test may be repeated. */
export interface Excuses {
  begin(): void;
  excuse(): string | null;
}

const MOST_ATTEMPTS = 5;

/** Runs what was defined so far; resolves with whether nothing failed. */
export async function runTests(excuses: Excuses): Promise<boolean> {
  let failed = 0;
  for (const test of tests) if (!(await tellTest(test, excuses))) failed += 1;
  console.log(`@done ${tests.length}`);
  return failed === 0;
}

/** False: it failed, and nothing excuses that. */
async function tellTest(test: Test, excuses: Excuses): Promise<boolean> {
  const name = [...groupsOf(test.group).map((one) => one.name), test.name].join(' > ');
  if (test.work === null) {
    console.log(`@skip ${name}`);
    return true;
  }
  for (let attempt = 1; ; attempt++) {
    excuses.begin();
    const startMs = performance.now();
    const errors = await runTest(test, test.work);
    const ms = Math.round(performance.now() - startMs);
    if (errors.length === 0) {
      console.log(`@ok ${ms} ${name}`);
      return true;
    }
    const excuse = excuses.excuse();
    if (excuse !== null && attempt < MOST_ATTEMPTS) {
      console.log(`@again ${name}: ${excuse}`);
      continue;
    }
    console.log(`@fail ${ms} ${name}`);
    for (const error of errors) for (const line of textOf(error)) console.log(`@| ${line}`);
    return false;
  }
}

/** Outermost first. */
function groupsOf(innermost: Group): readonly Group[] {
  const groups: Group[] = [];
  for (let one = innermost; one.parent !== null; one = one.parent) groups.unshift(one);
  return groups;
}

async function runTest({ group: innermost }: Test, work: Work): Promise<readonly unknown[]> {
  const groups = groupsOf(innermost);
  const errors: unknown[] = [];
  const attempt = async (one: Work): Promise<void> => {
    try {
      await bounded(one);
    } catch (error) {
      errors.push(error);
    }
  };
  for (const { before } of groups) for (const one of before) await attempt(one);
  if (errors.length === 0) await attempt(work);
  for (const { after } of [...groups].reverse()) for (const one of after) await attempt(one);
  return errors;
}

async function bounded(work: Work): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`not done after ${TEST_TIMEOUT_MS} ms`);
    timer = setTimeout(() => reject(error), TEST_TIMEOUT_MS);
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const { actual, expected } = error as { actual?: unknown; expected?: unknown };
  const difference =
    actual === undefined && expected === undefined
      ? []
      : [`expected ${JSON.stringify(expected)}`, `found    ${JSON.stringify(actual)}`];
  return [...(error.stack ?? error.message).split('\n').slice(0, 6), ...difference];
}

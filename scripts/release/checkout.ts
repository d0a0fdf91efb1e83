/** What git says about the checkout that is built. */
import { EXIT } from '../../src/commands/exit-codes.ts';
import { runTool } from '../../test/arm64/host.ts';
import { Refusal } from './refusal.ts';

export interface Checkout {
  /** 40 hex digits, `-dirty` after them where files differ; "unknown" where there is no git. */
  readonly commit: string;
  /** Seconds since 1970 that everything built from it bears. */
  readonly sourceDateEpoch: number;
}

/** Of the environment's SOURCE_DATE_EPOCH, else the last commit. @throws Refusal without either */
export async function readCheckout(environment: {
  readonly SOURCE_DATE_EPOCH?: string | undefined;
}): Promise<Checkout> {
  const log = await git(['log', '-1', '--format=%H %ct']);
  const [commit = '', seconds = ''] = (log ?? '').trim().split(' ');
  const changed = log === null ? '' : ((await git(['status', '--porcelain'])) ?? '');
  const given = environment.SOURCE_DATE_EPOCH ?? seconds;
  if (!/^\d{1,11}$/.test(given)) {
    throw new Refusal(
      environment.SOURCE_DATE_EPOCH === undefined
        ? 'no git checkout here, so nothing says how old the files are: set SOURCE_DATE_EPOCH'
        : `SOURCE_DATE_EPOCH "${given}" is no number of seconds: date +%s writes one`,
      EXIT.badInput,
    );
  }
  const state = changed.trim() === '' ? commit : `${commit}-dirty`;
  return { commit: log === null ? 'unknown' : state, sourceDateEpoch: Number(given) };
}

async function git(args: readonly string[]): Promise<string | null> {
  try {
    return await runTool('git', args);
  } catch {
    return null; // no git, or no checkout: the caller says what that means
  }
}

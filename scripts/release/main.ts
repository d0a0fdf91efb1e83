/**
 * `npm run release [-- --arch arm64,x64 --version 1.2.3 --key FILE --out DIR]`: a release from this
 * checkout, the same bytes from the same inputs. See docs/release.md.
 */
import { join } from 'node:path';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { CannotRunHere, ROOT } from '../../test/arm64/host.ts';
import type { Checkout } from './checkout.ts';
import { readCheckout } from './checkout.ts';
import { compiledAddOn } from './native.ts';
import type { ReleaseOptions } from './options.ts';
import { readOptions, USAGE } from './options.ts';
import { Refusal } from './refusal.ts';
import { ensureTools, plannedFiles, release } from './release.ts';
import type { SigningKey } from './sign.ts';
import { openKey } from './sign.ts';
import { verify } from './verify.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const warn = (line: string): void => void process.stderr.write(`release: ${line}\n`);

function chosenKey({ key, passwordFile }: ReleaseOptions): SigningKey {
  return openKey({
    file: key,
    passwordFile,
    environment: process.env,
    isTerminal: process.stdin.isTTY,
    developmentFolder: join(ROOT, 'out', 'keys'),
  });
}

function warnOfDevelopment({ secretFile, isDevelopment }: SigningKey, checkout: Checkout): void {
  if (isDevelopment) {
    const line = '*'.repeat(78);
    warn(line);
    warn(`NOT FOR UNITS IN THE FIELD: signed with the development key ${secretFile}`);
    warn('Everybody who can read this folder can sign updates for what is built now.');
    warn('Sign with a key of your own: --key FILE (made by: minisign -G -s FILE)');
    warn(line);
  }
  if (checkout.commit.endsWith('-dirty')) {
    warn(`the checkout has changes: release.json says ${checkout.commit}`);
  }
}

function dryRun(options: ReleaseOptions, checkout: Checkout): void {
  for (const file of plannedFiles(options)) say(`would write ${file}`);
  say(
    `would sign with ${options.key ?? 'a development key, which no unit in the field may trust'}`,
  );
  for (const file of options.trust) say(`would trust ${file}`);
  say(`of commit ${checkout.commit}, every file dated ${checkout.sourceDateEpoch}`);
}

async function run(): Promise<void> {
  const options = readOptions(process.argv.slice(2), ROOT);
  if (options.help) {
    say(USAGE);
    return;
  }
  const checkout = await readCheckout(process.env);
  if (options.dryRun) {
    dryRun(options, checkout);
    return;
  }
  ensureTools(options.arches);
  const key = chosenKey(options);
  warnOfDevelopment(key, checkout);
  const startMs = performance.now();
  const inputs = { checkout, key, addOns: compiledAddOn, mustRun: true };
  await release(options, inputs, say);
  say(`\nin ${((performance.now() - startMs) / 1000).toFixed(0)} s`);
  if (options.verify && !(await verify(options, inputs, say))) process.exitCode = EXIT.failed;
}

try {
  await run();
} catch (error) {
  if (!(error instanceof Refusal || error instanceof CannotRunHere)) throw error;
  warn(error.message);
  process.exitCode = error instanceof Refusal ? error.code : EXIT.unavailable;
}

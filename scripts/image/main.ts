/** `npm run image`: the arm64 image of a card. See docs/image.md. */
import { CannotRunHere } from '../../test/arm64/host.ts';
import { Refusal } from '../release/refusal.ts';
import { buildImage } from './build-image.ts';
import { readOptions, USAGE } from './options.ts';

async function run(): Promise<void> {
  const command = readOptions(process.argv.slice(2), process.cwd());
  if (command.kind === 'help') {
    console.log(USAGE);
    return;
  }
  const { deb, out, suite, sizeMib } = command.build;
  if (command.dryRun) {
    console.log(
      `would build ${out}: Debian ${suite} for arm64, ${sizeMib} MiB, ${deb ?? 'no deb'}`,
    );
    return;
  }
  const startMs = performance.now();
  const { rootMib, sha256, packages } = await buildImage(command.build);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
  console.log(`${out}: ${packages.length} packages, ${rootMib} MiB of files, in ${seconds} s`);
  console.log(`sha256 ${sha256}`);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof CannotRunHere || error instanceof Refusal)) throw error;
  console.error(`image: ${error.message}`);
  process.exitCode = error instanceof Refusal ? error.code : 4;
}

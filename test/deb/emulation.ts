/** Programs of arm64 started as if they were this machine's own, also within another root. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { CannotRunHere } from '../arm64/host.ts';

const FOLDER = '/proc/sys/fs/binfmt_misc';
const NAME = 'qemu-aarch64';
/** What the package qemu-user-static has for systemd; its flags open the emulator once, for all roots. */
const RULE = '/usr/lib/binfmt.d/qemu-aarch64.conf';

export const EMULATION_PARTS = [{ file: RULE, apt: 'qemu-user-static' }] as const;

/**
 * Where systemd runs, the package's installation has done this already. Elsewhere the kernel is told
 * as the package would; it stays told, as it would there.
 * @throws CannotRunHere where the kernel cannot be told
 */
export function ensureArm64Runs(): void {
  if (process.arch === 'arm64' || existsSync(`${FOLDER}/${NAME}`)) return;
  try {
    writeFileSync(`${FOLDER}/register`, readFileSync(RULE));
    console.log(`told the kernel how arm64 programs are started (${FOLDER}/${NAME})`);
  } catch (error) {
    // Another test may have been faster.
    if (existsSync(`${FOLDER}/${NAME}`)) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new CannotRunHere(
      `arm64 programs cannot be started here: ${why}; ` +
        'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc, or run with --arch amd64',
    );
  }
}

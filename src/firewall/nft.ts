/** Applies a ruleset by nftables' own program: all of it, or nothing. */
import { spawn } from 'node:child_process';

export type Applied = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** Debian's place; the unit's PATH may lack /usr/sbin. */
export const NFT = '/usr/sbin/nft';

/**
 * @param text of the ruleset
 * @param mode `check`: nothing is changed, and no privilege but the right to ask is needed
 */
export function runNft(text: string, mode: 'check' | 'apply', program = NFT): Promise<Applied> {
  return new Promise((resolve) => {
    const args = [...(mode === 'check' ? ['--check'] : []), '--file', '-'];
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env: {}, cwd: '/' });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => (words += part));
    child.on('error', (error) => resolve({ ok: false, error: `${program}: ${error.message}` }));
    // It may end before it has read everything; why stands on its standard error.
    child.stdin.on('error', () => undefined);
    child.on('close', (code) => {
      const said = words.trim().split('\n').slice(0, 3).join(' ');
      resolve(code === 0 ? { ok: true } : { ok: false, error: `${program}: ${said}` });
    });
    child.stdin.end(text);
  });
}

/** One updater at a time; a lock whose process is gone counts no more. */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, Refused, wordsOf } from './refused.ts';

/** Whoever installs, and whoever judges a trial. */
export type LockName = 'install.lock' | 'judge.lock';

/** @returns what releases it. @throws Refused where another one holds it. */
export function takeLock(folder: string, name: LockName, pid: number): () => void {
  const path = join(folder, name);
  const holder = `${pid} ${lifeOf(pid) ?? ''}`;
  for (const isLast of [false, true]) {
    try {
      writeFileSync(path, holder, { flag: 'wx', mode: 0o644 });
      return () => release(path, holder);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') {
        throw new Refused(`${path} cannot be written: ${wordsOf(error)}; run it as root`);
      }
      const [other = '', ...life] = textOf(path).split(' ');
      if (isLast || isAlive(Number(other), life.join(' '))) {
        throw new Refused(
          `another update is under way (process ${other}): wait for it; ` +
            'embereye update --status shows how far it is',
        );
      }
      unlinkSync(path);
    }
  }
  throw new Refused(`${path} cannot be taken: try again`);
}

function release(path: string, holder: string): void {
  if (textOf(path) === holder) unlinkSync(path);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Gone, or not to be read: nobody is known to hold it.
    return '';
  }
}

function isAlive(pid: number, life: string): boolean {
  return Number.isSafeInteger(pid) && pid > 0 && lifeOf(pid) === life;
}

/** Which life of a number it is: boot and moment of the start; null: no such process lives. */
function lifeOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22 of proc(5); the name in the second field may hold spaces.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${boot} ${started}`;
  } catch {
    return null;
  }
}

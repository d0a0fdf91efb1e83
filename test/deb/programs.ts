import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether a program is on this machine. */
export function hasProgram(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, name)));
}

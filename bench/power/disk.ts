/**
 * A disk that loses with its power what nobody has flushed: nbdkit keeps writes in a cache of its own
 * until a flush, and is killed with the machine. With a small cache some writes reach the disk early
 * and others do not, as with a real disk that sorts them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../test/arm64/host.ts';
import { own, until } from '../kill/children.ts';

const DISK_BYTES = 1024 * 1024 * 1024;
/** Below this much unflushed data nothing goes out by itself. */
const WHOLE_CACHE = '64M';
const SMALL_CACHE = '1M';

export class LossyDisk {
  readonly image: string;
  readonly #folder: string;
  #server: ChildProcess | null = null;

  private constructor(folder: string) {
    this.#folder = folder;
    this.image = join(folder, 'disk');
  }

  /** An empty ext4. */
  static async make(folder: string): Promise<LossyDisk> {
    const disk = new LossyDisk(folder);
    writeFileSync(disk.image, '');
    truncateSync(disk.image, DISK_BYTES);
    await runTool('/usr/sbin/mkfs.ext4', ['-q', '-F', disk.image]);
    return disk;
  }

  get address(): string {
    return `nbd+unix:///?socket=${this.#socket}`;
  }

  get #socket(): string {
    return join(this.#folder, 'disk.sock');
  }

  /** @param early some unflushed writes reach the disk out of their order. */
  async powerOn(early: boolean): Promise<void> {
    rmSync(this.#socket, { force: true });
    const size = early ? SMALL_CACHE : WHOLE_CACHE;
    const server = own(
      spawn(
        'nbdkit',
        [
          ...['--foreground', '--exit-with-parent', '--unix', this.#socket, '--filter=cache'],
          ...['file', this.image, 'cache=writeback', `cache-max-size=${size}`],
        ],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      ),
    );
    let said = '';
    server.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    this.#server = server;
    await until(`nbdkit listens: ${said}`, () => {
      if (server.exitCode !== null) throw new Error(`nbdkit ended: ${said}`);
      return existsSync(this.#socket);
    });
  }

  /** What is not flushed is gone. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
  }

  /** What `fsck` finds after the journal of the file system was replayed; empty when it is sound. */
  async damage(): Promise<string> {
    try {
      await runTool('/usr/sbin/e2fsck', ['-p', this.image]);
      await runTool('/usr/sbin/e2fsck', ['-f', '-n', this.image]);
      return '';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
}

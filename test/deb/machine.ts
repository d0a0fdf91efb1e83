/**
 * A root of Debian with its own systemd as process 1, in namespaces of its own: processes, mounts,
 * network, control groups. Of this machine it sees the kernel; settings under /proc/sys and /sys are
 * read-only to it. All of it is gone when the first process is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../e2e/processes.ts';
import type { Ran, Root } from './root.ts';
import { runWords } from './root.ts';

const PATIENCE_MS = 180_000;

/** Run by sh, with the root's folder as $1. */
const BOOT = `
set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    : > "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
ip link set lo up
cd "$root"
pivot_root . mnt
cd /
umount -l /mnt
export container=other
exec /lib/systemd/systemd --system --log-target=journal --show-status=no
`;

export class Machine {
  readonly #process: ChildProcess;
  #said = '';
  #ended = false;

  /** Powers it on. */
  constructor(root: Root) {
    const apart = ['--mount', '--pid', '--fork', '--uts', '--ipc', '--net', '--cgroup'];
    const args = [...apart, '--kill-child=KILL', 'sh', '-c', BOOT, 'boot', root.folder];
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
    child.once('close', () => (this.#ended = true));
    this.#process = child;
  }

  /** Resolves when systemd has started what it starts. @throws Error with its last words */
  async boot(): Promise<string> {
    let state = '';
    const isUp = async (): Promise<boolean> => {
      if (this.#ended) throw new Error(`it ended: ${this.#said}`);
      const init = this.#init;
      if (init === null || !commandOf(init).startsWith('systemd')) return false;
      state = (await this.try(['systemctl', 'is-system-running'])).said.trim();
      return ['running', 'degraded'].includes(state);
    };
    await eventually(() => `systemd runs: ${state} ${this.#said}`, isUp, PATIENCE_MS);
    return state;
  }

  /** Its first process, as this machine numbers it; null while there is none. */
  get #init(): number | null {
    const pid = this.#process.pid ?? 0;
    const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return first === '' ? null : Number(first);
  }

  /** Where the files of the running system can be seen, /run included. */
  file(path: string): string {
    return join(`/proc/${this.#init ?? 'gone'}/root`, path);
  }

  try(command: readonly string[]): Promise<Ran> {
    return runWords(this.#words(command), PATIENCE_MS);
  }

  /** @throws Error with what it said unless it ends with 0 */
  async run(...command: readonly string[]): Promise<string> {
    const { code, said } = await this.try(command);
    if (code === 0) return said;
    throw new Error(`${command.join(' ')}: ended with ${code ?? 'no end'}\n${said.slice(-3000)}`);
  }

  sh(line: string): Promise<string> {
    return this.run('sh', '-c', line);
  }

  /** Starts a program that goes on; it ends with the machine. */
  start(...command: readonly string[]): void {
    const [first = '', ...rest] = this.#words(command);
    spawn(first, rest, { stdio: 'ignore' });
  }

  /** Words that run a program of this machine where the network is that of the root. */
  inItsNetwork(command: readonly string[]): readonly string[] {
    return ['nsenter', '-t', String(this.#init ?? 0), '-n', ...command];
  }

  /** At once. */
  end(): void {
    this.#process.kill('SIGKILL');
  }

  #words(command: readonly string[]): readonly string[] {
    return [
      ...['nsenter', '-t', String(this.#init ?? 0), '-m', '-p', '-n', '-u', '-i', '-C'],
      ...['--root', '/usr/bin/env', '-i', '-C', '/', 'HOME=/root', 'LC_ALL=C'],
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...['DEBIAN_FRONTEND=noninteractive', ...command],
    ];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

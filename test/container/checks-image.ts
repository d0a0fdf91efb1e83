/** What can be seen of an image without running the appliance: its settings, and what is not in it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageConfig } from './compose.ts';
import type { Engine } from './engine.ts';
import type { Report } from './report.ts';
import { must } from './report.ts';

const FOLDERS = ['usr/local/bin', 'usr/local/sbin', 'usr/bin', 'usr/sbin', 'opt/embereye/bin'];
/** Nothing that builds or fetches software: what is not there cannot be misused. */
const UNWANTED =
  /^(cc|c\+\+|gcc|g\+\+|clang|ld|make|cmake|npm|npx|corepack|yarn|git|curl|wget|python3?)(-[\d.]+)?$/;
/** Far above what it is, and far below a base image with tools. */
const MOST_MEGABYTES = 500;

export interface ImageParts {
  readonly root: string;
  readonly image: ImageConfig;
}

export async function checkImage(report: Report, { root, image }: ImageParts): Promise<void> {
  await report.check('its user', () => {
    must(image.User === 'embereye', `User is "${image.User ?? ''}"`);
    return 'embereye';
  });
  await report.check('health check, ports, volumes', () => {
    const asked = (image.Healthcheck?.Test ?? []).join(' ');
    must(asked === 'CMD embereye-container healthcheck', `health check: ${asked}`);
    const ports = Object.keys(image.ExposedPorts ?? {}).sort();
    must(ports.join() === '4888/tcp,9090/tcp', `ports: ${ports.join()}`);
    const volumes = Object.keys(image.Volumes ?? {}).sort();
    must(volumes.join() === '/etc/embereye,/var/lib/embereye', `volumes: ${volumes.join()}`);
    return `${asked}; ${ports.join(', ')}; ${volumes.join(', ')}`;
  });
  await report.check('no compiler, no npm, nothing that fetches', () => {
    const names = FOLDERS.map((folder) => join(root, folder))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => readdirSync(folder));
    must(names.includes('node') && names.includes('tini'), 'node and tini are not there either');
    const found = names.filter((name) => UNWANTED.test(name));
    must(found.length === 0, `it has ${found.join(', ')}`);
    return `none among ${names.length} programs`;
  });
  await report.check('no program that gives rights away', () => {
    const found = find(root, ['-type', 'f', '-perm', '/6000']);
    must(found.length === 0, `setuid or setgid: ${found.join(', ')}`);
    return 'no setuid, no setgid';
  });
  await report.check('no package and no secret is left behind', () => {
    const found = find(root, ['(', '-name', '*.deb', '-o', '-name', '*.key', ')']);
    must(found.length === 0, found.join(', '));
    return 'no .deb, no .key';
  });
  await report.check('size', () => {
    const { stdout } = spawnSync('du', ['-sm', '--apparent-size', root], { encoding: 'utf8' });
    const own = spawnSync('du', ['-sm', '--apparent-size', join(root, 'opt/embereye')], {
      encoding: 'utf8',
    });
    const megabytes = Number.parseInt(stdout, 10);
    must(megabytes < MOST_MEGABYTES, `${megabytes} MB`);
    return `${megabytes} MB unpacked, of which ${Number.parseInt(own.stdout, 10)} MB are ours`;
  });
}

function find(root: string, what: readonly string[]): readonly string[] {
  const { stdout } = spawnSync('find', [root, '-xdev', ...what], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

/** The bare image, as `docker run --read-only embereye ...`: no compose file, nobody is root. */
export async function checkBare(report: Report, engine: Engine): Promise<void> {
  const bare = { read_only: true };
  await report.check('by itself it runs as nobody of weight', async () => {
    const shell = 'id -u; cat /proc/self/status; touch /x; touch /opt/embereye/x';
    const container = await engine.start('bare', bare, {}, ['sh', '-c', shell]);
    await container.child.ended;
    const [uid] = container.said.split('\n');
    must(uid === '488', `uid ${uid ?? ''}: ${container.said}`);
    must(/CapEff:\s*0{16}/.test(container.said), `it has capabilities: ${container.said}`);
    const refused = container.said.match(/Read-only file system/g) ?? [];
    must(refused.length === 2, `it could write: ${container.said}`);
    return 'uid 488, no capability, nothing writable';
  });
  await report.check('its commands', async () => {
    const container = await engine.start('bare', bare, {}, ['embereye-container', '--version']);
    const { code } = await container.child.ended;
    must(code === 0, `exit code ${code ?? 'none'}: ${container.said}`);
    return `embereye ${container.said.trim()}`;
  });
}

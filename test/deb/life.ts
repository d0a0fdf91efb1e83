/** The life of a package in a root without a running systemd, from installation to purge. */
import { cpSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Deb, Debs } from './releases.ts';
import type { Report } from './report.ts';
import { includes, same } from './report.ts';
import type { Root } from './root.ts';
import { CONFIG, configText, freePorts, Site } from './site.ts';
import type { Listing } from './files.ts';
import { differences, factsOf, listing, strays } from './files.ts';

export const STATE = '/var/lib/embereye';
export const SLOTS = '/var/lib/embereye-releases';

/** Kind, mode, owner, group, as the contract of the package says: docs/package.md. */
const PLACES: Readonly<Record<string, string>> = {
  '/opt/embereye': 'directory 755 root root',
  '/opt/embereye/bin/node': 'regular file 755 root root',
  '/opt/embereye/bin/embereye-launch': 'regular file 755 root root',
  '/opt/embereye/dist/embereye.js': 'regular file 755 root root',
  '/usr/bin/embereye': 'symbolic link 777 root root',
  '/etc/embereye': 'directory 750 root embereye',
  '/etc/embereye/appliance.yaml': 'regular file 640 root embereye',
  '/etc/embereye/identity': 'directory 750 root embereye',
  '/etc/embereye/release-keys': 'directory 755 root root',
  [STATE]: 'directory 750 embereye embereye',
  [SLOTS]: 'directory 755 root root',
};
export const DEVICE_GROUPS = ['dialout', 'gpio', 'i2c', 'spi', 'video'];

/** Copies a package into the root and has apt install it. Returns what apt said. @throws Error */
export async function install(root: Root, { file }: Deb): Promise<string> {
  const inside = join('/root', basename(file));
  cpSync(file, join(root.folder, inside));
  const said = await root.run(
    ...['apt-get', 'install', '-y', '-q', '--no-install-recommends', '--allow-downgrades', inside],
  );
  await root.run('rm', inside);
  return said;
}

/** As `dpkg -l` has it: "installed 8.0.0", "config-files 8.0.0" or "none". */
export async function statusOf(root: Root): Promise<string> {
  const format = '-f=${db:Status-Status} ${Version}';
  const { code, said } = await root.try(['dpkg-query', '-W', format, 'embereye']);
  return code === 0 ? said.trim() : 'none';
}

/** The package of `deb` is installed, whole and in use. */
export async function isInstalled(root: Root, deb: Deb): Promise<string> {
  same('dpkg', await statusOf(root), `installed ${deb.debian}`);
  same('files that differ from the package', await root.run('dpkg', '--verify', 'embereye'), '');
  same('version', (await root.run('embereye', '--version')).trim(), deb.version);
  return deb.version;
}

/** Everything in turn; each step needs the ones before it. @throws GiveUp */
export async function livePackage(root: Root, debs: Debs, report: Report): Promise<void> {
  const before = await listing(root);
  const straysBefore = await strays(root);
  await installed(root, debs, report, straysBefore);
  await used(root, debs, report);
  await repaired(root, debs, report);
  await gone(root, debs, report, before, straysBefore);
}

async function installed(
  root: Root,
  { older }: Debs,
  report: Report,
  straysBefore: ReadonlySet<string>,
): Promise<void> {
  await report.step('installs', async () => {
    await install(root, older);
    return await isInstalled(root, older);
  });
  await report.step('the first configuration is valid', async () =>
    lastLine(await root.run('embereye', 'check-config', CONFIG)),
  );
  await report.step('owners and modes', async () => {
    for (const [path, facts] of Object.entries(PLACES)) {
      same(path, await factsOf(root, path), facts);
    }
    const groups = (await root.run('id', '-nG', 'embereye')).trim().split(' ').sort();
    same('groups', groups, [...DEVICE_GROUPS, 'embereye'].sort());
    return `${Object.keys(PLACES).length} paths, groups ${groups.join(' ')}`;
  });
  await report.step('no broken link, no file of nobody', async () => {
    same(
      'new',
      [...(await strays(root))].filter((path) => !straysBefore.has(path)),
      [],
    );
    return 'none';
  });
  await report.step('units are sound (systemd-analyze verify)', async () => {
    const folder = '/usr/lib/systemd/system';
    const units = readdirSync(join(root.folder, folder)).filter((name) =>
      /^embereye.*\./.test(name),
    );
    const files = units.filter((name) => !name.endsWith('.d')).map((name) => join(folder, name));
    if (files.length === 0) throw new Error(`no unit in ${folder}`);
    const said = await root.run('systemd-analyze', 'verify', '--man=no', ...files);
    const ours = said.split('\n').filter((line) => line.includes('embereye'));
    same('complaints', ours, []);
    return files.map((file) => basename(file)).join(' ');
  });
}

/** Runs, alarms, and still knows after an upgrade and a downgrade. */
async function used(root: Root, { older, newer }: Debs, report: Report): Promise<void> {
  const ports = await freePorts();
  const config = configText(ports);
  root.write(CONFIG, config);
  await report.step('runs as its user: /health, smoke, siren, stop', async () => {
    const site = await Site.start(root, ports);
    try {
      await site.burn();
      await site.stop();
    } finally {
      site.kill();
    }
    return 'alarm recorded';
  });
  const alarms = await alarmsIn(root);
  await report.step('upgrades, the configuration is its owner`s', async () => {
    await root.sh(`printf '{"current": "a"}' > ${SLOTS}/state.json`);
    await install(root, newer);
    same('configuration', root.read(CONFIG), config);
    same(CONFIG, await factsOf(root, CONFIG), PLACES[CONFIG]);
    return await isInstalled(root, newer);
  });
  await report.step('the newer release counts, not an earlier update', async () => {
    const status = await root.run('embereye', 'update', '--status');
    includes('update --status', status, `in use: ${newer.version}, of the package`);
    return lastLine(status);
  });
  const still = async (): Promise<string> => {
    const site = await Site.start(root, ports);
    try {
      await site.sounds();
      includes('status', await root.run('embereye', 'status'), 'condition: alarm');
      await site.stop();
    } finally {
      site.kill();
    }
    const found = await alarmsIn(root);
    same('events of alarms', found.slice(0, alarms.length), alarms);
    await root.run('embereye', 'journal', 'verify');
    return `siren on, ${alarms.length} event(s) of it in the journal`;
  };
  await report.step('the alarm still stands after the upgrade', still);
  await report.step('downgrades', async () => {
    await install(root, older);
    same('configuration', root.read(CONFIG), config);
    return await isInstalled(root, older);
  });
  await report.step('the alarm still stands after the downgrade', still);
}

async function alarmsIn(root: Root): Promise<readonly string[]> {
  const lines = await root.run('embereye', 'journal', 'export', '--type', 'alarm');
  const ids = lines.split('\n').flatMap((line) => /"id":"([^"]+)"/.exec(line)?.[1] ?? []);
  if (ids.length === 0) throw new Error(`no alarm in the journal: ${lines}`);
  return ids;
}

/** A step of postinst fails: dpkg goes on where it was as soon as the cause is gone. */
async function repaired(root: Root, { newer }: Debs, report: Report): Promise<void> {
  await report.step('a failed step of postinst is named', async () => {
    await root.sh(`mv ${SLOTS} ${SLOTS}.away && echo no folder > ${SLOTS}`);
    cpSync(newer.file, join(root.folder, 'root', basename(newer.file)));
    const inside = join('/root', basename(newer.file));
    const { code, said } = await root.try(['dpkg', '-i', inside]);
    await root.run('rm', inside);
    same('exit code of dpkg', code, 1);
    includes('dpkg', said, `embereye: ${SLOTS} is no folder`);
    same('dpkg', await statusOf(root), `half-configured ${newer.debian}`);
    return 'half-configured';
  });
  await report.step('dpkg --configure -a goes on from there', async () => {
    await root.sh(`rm ${SLOTS} && mv ${SLOTS}.away ${SLOTS}`);
    await root.run('dpkg', '--configure', '-a');
    await root.run('dpkg', '--audit');
    return await isInstalled(root, newer);
  });
  await report.step('postinst may run again', async () => {
    const before = await listing(root);
    await root.run('dpkg-reconfigure', '-fnoninteractive', 'embereye');
    same('changes', differences(before, await listing(root)), []);
    return 'nothing changed';
  });
}

async function gone(
  root: Root,
  { newer }: Debs,
  report: Report,
  before: Listing,
  straysBefore: ReadonlySet<string>,
): Promise<void> {
  await report.step('removal keeps configuration and data', async () => {
    await root.run('apt-get', 'remove', '-y', '-q', 'embereye');
    same('dpkg', await statusOf(root), `config-files ${newer.debian}`);
    const kept = [CONFIG, `${STATE}/journal.db`].filter((path) => !root.has(path));
    same('lost', kept, []);
    const left = ['/opt/embereye', '/usr/bin/embereye'].filter((path) => root.has(path));
    same('left', left, []);
    return [CONFIG, STATE].join(' ');
  });
  await report.step('purge keeps recorded alarms, and says how to delete them', async () => {
    const said = await root.run('apt-get', 'purge', '-y', '-q', 'embereye');
    includes('purge', said, `rm -r ${STATE} && userdel embereye`);
    same('dpkg', await statusOf(root), 'none');
    const left = differences(before, await listing(root));
    const others = left.filter((line) => !line.startsWith(`+ ${STATE}`));
    same('besides the state', others, []);
    if (!root.has(`${STATE}/journal.db`)) throw new Error('the journal is gone');
    same(
      'strays',
      [...(await strays(root))].filter((path) => !straysBefore.has(path)),
      [],
    );
    return `${left.length} paths below ${STATE}`;
  });
  await report.step('after that nothing is left', async () => {
    await root.sh(`rm -r ${STATE} && userdel embereye`);
    same('left', differences(before, await listing(root)), []);
    includes(
      'passwd',
      await root.run('sh', '-c', 'getent passwd embereye || echo nobody'),
      'nobody',
    );
    return 'as before the installation';
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

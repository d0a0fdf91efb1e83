/** The package where there is no systemd at all, as in a container; and a purge before any alarm. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Debs } from './releases.ts';
import type { Report } from './report.ts';
import { includes, same } from './report.ts';
import type { Root } from './root.ts';
import { differences, factsOf, listing } from './files.ts';
import { DEVICE_GROUPS, install, isInstalled, STATE } from './life.ts';

/** Everything in turn. @throws GiveUp */
export async function withoutSystemd(root: Root, debs: Debs, report: Report): Promise<void> {
  await root.run('dpkg', '--purge', '--force-depends', 'systemd', 'udev', 'systemd-sysv');
  await root.sh('rm -rf /usr/bin/systemd-sysusers /usr/bin/systemd-tmpfiles');
  await root.sh('mkdir -p /etc/systemd/system');
  const before = await listing(root);
  await report.step('a checkout in /opt/embereye is not mixed with the package', async () => {
    await root.sh('mkdir -p /opt/embereye && echo {} > /opt/embereye/package.json');
    const { code, said } = await root.try(['dpkg', '-i', copied(root, debs)]);
    same('exit code of dpkg', code, 1);
    includes('dpkg', said, 'mv /opt/embereye /opt/embereye.by-hand');
    rmSync(join(root.folder, 'opt/embereye'), { recursive: true });
    rmSync(join(root.folder, 'root/first.deb'));
    return 'refused, with what to do';
  });
  await report.step('installs without systemd', async () => {
    await install(root, debs.older);
    return await isInstalled(root, debs.older);
  });
  await report.step('makes its user and groups by itself', async () => {
    const groups = (await root.run('id', '-nG', 'embereye')).trim().split(' ').sort();
    same('groups', groups, [...DEVICE_GROUPS, 'embereye'].sort());
    same(STATE, await factsOf(root, STATE), 'directory 750 embereye embereye');
    includes('passwd', await root.run('getent', 'passwd', 'embereye'), '/usr/sbin/nologin');
    return groups.join(' ');
  });
  await report.step('the configuration survives removal and another installation', async () => {
    await root.run('dpkg', '--remove', 'embereye');
    await root.sh('echo "# mine" > /etc/embereye/appliance.yaml');
    await install(root, debs.older);
    same('configuration', root.read('/etc/embereye/appliance.yaml'), '# mine\n');
    return 'kept';
  });
  await report.step('purge of what never ran leaves nothing, no user either', async () => {
    await root.run('dpkg', '--purge', 'embereye');
    same('left', differences(before, await listing(root)), []);
    same('user', (await root.try(['getent', 'passwd', 'embereye'])).code, 2);
    same('group', (await root.try(['getent', 'group', 'embereye'])).code, 2);
    return 'as before the installation';
  });
}

function copied(root: Root, { older }: Debs): string {
  const inside = '/root/first.deb';
  cpSync(older.file, join(root.folder, inside));
  return inside;
}

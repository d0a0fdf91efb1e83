/** The tool as people call it: the shell scripts, the one file of a release, the first start. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_NAME, bundleProvision, SHIPPED_SCRIPTS } from '../../scripts/provision/bundle.ts';
import { FIRST_BOOT } from '../../scripts/provision/pi-os.ts';
import { hasCommand } from './flash-image.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPTS = join(ROOT, 'scripts/provision');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-tool-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasCommand('shellcheck'))('shell scripts (needs shellcheck)', () => {
  it.each(SHIPPED_SCRIPTS)('%s', (name) => {
    const { stdout, status } = spawnSync('shellcheck', ['-s', 'sh', join(SCRIPTS, name)]);
    expect([stdout.toString(), status]).toEqual(['', 0]);
  });

  it('the first start on Raspberry Pi OS', () => {
    const { stdout, status } = spawnSync('shellcheck', ['-s', 'sh', '-'], { input: FIRST_BOOT });
    expect([stdout.toString(), status]).toEqual(['', 0]);
  });
});

describe('the one file of a release', () => {
  const call = (name: string, ...args: string[]): { code: number | null; text: string } => {
    const made = spawnSync(join(folder, 'provision', name), args, {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
    return { code: made.status, text: made.stdout + made.stderr };
  };

  beforeAll(async () => {
    mkdirSync(join(folder, 'provision'));
    for (const name of SHIPPED_SCRIPTS)
      cpSync(join(SCRIPTS, name), join(folder, 'provision', name));
    await bundleProvision(ROOT, join(folder, 'provision', BUNDLE_NAME), '1.2.3');
    writeFileSync(join(folder, 'passphrase'), 'correct horse battery');
    writeFileSync(join(folder, 'template.yaml'), 'device: { name: "{{street}}" }\n');
    writeFileSync(join(folder, 'sites.csv'), 'deviceId,street\na,Main St\n');
  });

  it('helps, and has the exit codes of embereye', () => {
    const { code, text } = call('flash', '--help');
    expect([code, text]).toEqual([0, expect.stringContaining('--even-fixed <model>')]);
    expect(call('flash').code).toBe(2);
    const missing = call('flash', '--image', 'a', '--to', 'b', '--config', 'none.yaml');
    expect([missing.code, missing.text]).toEqual([
      4,
      expect.stringContaining('none.yaml: cannot be read'),
    ]);
  });

  it('works away from the checkout, labels and all', () => {
    const secret = ['--passphrase-file', 'passphrase'];
    expect(call('ca', 'new', '--ca', 'ca', '--name', 'Test', ...secret)).toMatchObject({ code: 0 });
    const wish = ['--sites', 'sites.csv', '--template', 'template.yaml', '--ca', 'ca', ...secret];
    const { code, text } = call('batch', ...wish, '--out', 'out', '--seeds-only');
    expect(text).toContain('a: made');
    expect(code).toBe(0);
    expect(readFileSync(join(folder, 'out/a/identity/label.pdf'), 'latin1')).toContain('%PDF');
  });
});

describe('the first start on Raspberry Pi OS', () => {
  /** A boot partition, and stand-ins for what the script calls. */
  function start(commands: Readonly<Record<string, string>>): { boot: string; log: string } {
    const made = mkdtempSync(join(folder, 'boot-'));
    const boot = join(made, 'boot');
    mkdirSync(join(boot, 'embereye'), { recursive: true });
    for (const name of ['sudoers.d', 'ssh']) {
      mkdirSync(join(made, 'root/etc', name), { recursive: true });
    }
    writeFileSync(join(boot, 'cmdline.txt'), CMDLINE);
    writeFileSync(join(boot, 'embereye/embereye.deb'), 'deb');
    writeFileSync(join(boot, 'embereye/authorized_keys'), 'ssh-ed25519 AAAA\n');
    mkdirSync(join(made, 'bin'));
    const all = { dpkg: '', embereye: '', id: '', systemctl: '', sync: '', ...commands };
    for (const [name, body] of Object.entries(all)) {
      const path = join(made, 'bin', name);
      writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>"${made}/calls"\n${body}\n`);
      chmodSync(path, 0o755);
    }
    writeFileSync(join(made, 'first-boot.sh'), FIRST_BOOT);
    const { status } = spawnSync('sh', [join(made, 'first-boot.sh')], {
      env: {
        PATH: `${made}/bin:/usr/bin:/bin`,
        ...{ EMBEREYE_BOOT: boot, EMBEREYE_ROOT: join(made, 'root') },
      },
    });
    expect(status).toBe(0);
    // Whatever came of it, it does not start again.
    const { text } = { text: readFileSync(join(boot, 'cmdline.txt'), 'utf8') };
    expect(text).toBe('console=tty1 root=PARTUUID=1-02 rootwait\n');
    return { boot, log: readFileSync(join(made, 'calls'), 'utf8') };
  }
  const CMDLINE =
    'console=tty1 root=PARTUUID=1-02 rootwait systemd.run=/boot/firmware/embereye/first-boot.sh ' +
    'systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n';

  it('installs the package, takes over the seed, lets the administrator in', () => {
    const { boot, log } = start({});
    expect(log).toMatch(
      /dpkg --install .*embereye.deb\nembereye seed import --from .*embereye --to/,
    );
    expect(log).toContain('systemctl enable ssh.service');
    expect(existsSync(join(boot, 'embereye/embereye.deb'))).toBe(false);
    const ssh = readFileSync(join(boot, '../root/etc/ssh/sshd_config.d/embereye.conf'), 'utf8');
    expect(ssh).toContain('PasswordAuthentication no');
  });

  it('says on the card what failed, and keeps the package there', () => {
    const { boot, log } = start({ dpkg: '[ "$1" != --install ]' });
    expect(readFileSync(join(boot, 'embereye/error.txt'), 'utf8')).toContain(
      'could not be installed',
    );
    expect(log).not.toContain('seed import');
    expect(existsSync(join(boot, 'embereye/embereye.deb'))).toBe(true);
  });

  it('opens no door when the seed was refused', () => {
    const { log } = start({ embereye: 'exit 3' });
    expect(log).not.toContain('systemctl enable ssh');
  });
});

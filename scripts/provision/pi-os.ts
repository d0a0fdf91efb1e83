/**
 * Raspberry Pi OS as a base: package and seed lie on its first partition, and one start into
 * systemd's kernel-command-line.target installs both (systemd-run-generator(8)). Raspberry Pi OS
 * itself first grows its root and restarts; it leaves these words of the command line alone.
 */
import { SEED_FOLDER } from '../../src/seed/format.ts';
import type { Fat32 } from './fat32.ts';
import { Trouble } from './trouble.ts';

export const PACKAGE_FILE = `${SEED_FOLDER}/embereye.deb`;
export const FIRST_BOOT_FILE = `${SEED_FOLDER}/first-boot.sh`;
const CMDLINE_FILE = 'cmdline.txt';

const HOOK = [
  'systemd.run=/boot/firmware/embereye/first-boot.sh',
  'systemd.run_success_action=reboot',
  'systemd.unit=kernel-command-line.target',
].join(' ');

/** Runs as root, before a normal start; whatever comes of it, it runs no second time. */
export const FIRST_BOOT = `#!/bin/sh
# First start of a unit on Raspberry Pi OS, written by the provision tool: installs the package and
# takes over the seed. A power cut in between starts it again; its end takes it off the kernel's
# command line, also when it fails: error.txt beside it says why then.
set -u
boot=\${EMBEREYE_BOOT:-/boot/firmware}
root=\${EMBEREYE_ROOT:-}
seed=$boot/embereye
log=$seed/install.log

never_again() {
  sed -e 's| systemd\\.run=[^ ]*||' -e 's| systemd\\.run_success_action=[^ ]*||' \\
    -e 's| systemd\\.unit=kernel-command-line\\.target||' "$boot/cmdline.txt" >"$boot/cmdline.new"
  sync
  mv "$boot/cmdline.new" "$boot/cmdline.txt"
  sync
}

fail() {
  echo "Nothing was imported from this card: $1" >"$seed/error.txt"
  never_again
  exit 0
}

# An administrator who comes in by SSH with the key that came with the card, and in no other way.
add_administrator() {
  id embereye-admin >/dev/null 2>&1 || useradd --create-home --shell /bin/bash embereye-admin
  echo 'embereye-admin ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/embereye-admin"
  chmod 440 "$root/etc/sudoers.d/embereye-admin"
  mkdir -p "$root/etc/ssh/sshd_config.d"
  {
    echo 'PasswordAuthentication no'
    echo 'AuthorizedKeysFile /etc/ssh/authorized_keys.d/%u .ssh/authorized_keys'
  } >"$root/etc/ssh/sshd_config.d/embereye.conf"
  systemctl enable ssh.service
}

dpkg --configure -a >"$log" 2>&1
dpkg --install "$seed/embereye.deb" >>"$log" 2>&1 ||
  fail 'the package could not be installed; install.log says why'
embereye seed import --from "$seed" --to "\${root:-/}" >>"$log" 2>&1 || {
  never_again
  exit 0
}
if [ -f "$seed/authorized_keys" ]; then
  add_administrator >>"$log" 2>&1
fi
# The dialog for a first user would wait at a screen that a unit does not have.
systemctl disable userconfig.service >>"$log" 2>&1
rm -f "$seed/embereye.deb"
never_again
`;

/** Puts the package and the first start into the boot partition; the seed is there already. */
export function plantFirstBoot(boot: Fat32, deb: Uint8Array): void {
  const cmdline = boot.read(CMDLINE_FILE)?.toString('utf8').trim();
  if (cmdline === undefined || !cmdline.includes('root=')) {
    throw new Trouble('there is no cmdline.txt with root= on its first partition');
  }
  boot.write(PACKAGE_FILE, deb);
  boot.write(FIRST_BOOT_FILE, Buffer.from(FIRST_BOOT));
  boot.write(CMDLINE_FILE, Buffer.from(`${withHook(cmdline)}\n`));
}

/** The command line is one line; words of another first start are replaced. */
function withHook(cmdline: string): string {
  const words = cmdline
    .split(/\s+/)
    .filter((word) => !/^systemd\.(run|run_success_action|unit)=/.test(word));
  return [...words, HOOK].join(' ');
}

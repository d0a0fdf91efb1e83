/** What Debian gives to the image. */

export const SUITES = ['trixie', 'bookworm'] as const;
export type DebianSuite = (typeof SUITES)[number];

export const isSuite = (text: string): text is DebianSuite =>
  SUITES.some((suite) => suite === text);

/** Installed without what they merely recommend. */
export const PACKAGES: readonly string[] = [
  ...['linux-image-arm64', 'raspi-firmware', 'initramfs-tools', 'busybox', 'zstd', 'kmod'],
  ...['systemd', 'systemd-sysv', 'systemd-timesyncd', 'systemd-resolved', 'udev', 'dbus'],
  ...['openssh-server', 'sudo', 'nftables', 'iproute2', 'openssl', 'ca-certificates'],
  // Checking, growing and repairing the card.
  ...['e2fsprogs', 'dosfstools', 'fdisk'],
];

/** raspi-firmware is not free software: it is in a part of its own. */
export const COMPONENTS = 'main non-free-firmware';
export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
export const MIRROR = 'http://deb.debian.org';

/** sources.list of the image. */
export function sourcesText(suite: DebianSuite): string {
  const line = (archive: string, name: string): string =>
    `deb ${MIRROR}/${archive} ${name} ${COMPONENTS}\n`;
  return [
    line('debian', suite),
    line('debian', `${suite}-updates`),
    line('debian-security', `${suite}-security`),
  ].join('');
}

/** What dpkg leaves out: nobody reads manuals on a ceiling. Licences stay. */
export const DPKG_SETTINGS = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
  '',
].join('\n');

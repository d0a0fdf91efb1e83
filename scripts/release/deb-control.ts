/** The texts of a Debian package that are made for each one: control, changelog, copyright. */

export interface ControlFacts {
  /** As dpkg sorts it: see `debianVersion`. */
  readonly debianVersion: string;
  /** As Debian says it. */
  readonly architecture: 'arm64' | 'amd64';
  /** Everything that is installed, in KiB. */
  readonly installedKibibytes: number;
  /** What the programs themselves ask for, as `libc6 (>= 2.34)`. */
  readonly libraries: readonly string[];
}

export const PACKAGE = 'embereye';
export const MAINTAINER = 'EmberEye <packages@embereye.invalid>';

/**
 * What must be there: openssl makes the device's key and its request for a certificate, nftables is
 * the firewall, passwd makes the user where systemd-sysusers is absent. All without a version: the
 * oldest of Ubuntu 22.04 and Debian 12 do.
 */
const DEPENDS = ['openssl', 'nftables', 'passwd'];
/** A container has none of them and works. */
const RECOMMENDS = ['systemd', 'udev', 'systemd-timesyncd | time-daemon'];
const SUGGESTS = ['i2c-tools', 'gpiod', 'ffmpeg'];

export function controlText(facts: ControlFacts): string {
  const depends = [...facts.libraries, ...DEPENDS].sort();
  return [
    `Package: ${PACKAGE}`,
    `Version: ${facts.debianVersion}`,
    `Architecture: ${facts.architecture}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${facts.installedKibibytes}`,
    `Depends: ${depends.join(', ')}`,
    `Recommends: ${RECOMMENDS.join(', ')}`,
    `Suggests: ${SUGGESTS.join(', ')}`,
    'Section: misc',
    'Priority: optional',
    'Description: fire detection appliance',
    ' Reads thermal arrays, smoke, gas and flame sensors, decides about alarms, drives siren and',
    ' relays, and publishes events over MQTT. Brings its own Node and works without a network.',
    ' .',
    ' Configuration: /etc/embereye/appliance.yaml. State and recorded alarms: /var/lib/embereye.',
    '',
  ].join('\n');
}

/** In the format of Debian's changelogs; the history itself is for people and lies elsewhere. */
export function changelogText(debianVersion: string, epochSeconds: number): string {
  return [
    `${PACKAGE} (${debianVersion}) stable; urgency=medium`,
    '',
    `  * Release ${debianVersion}. What changed is told in CHANGELOG.md.gz beside this file.`,
    '',
    ` -- ${MAINTAINER}  ${changelogDate(epochSeconds)}`,
    '',
  ].join('\n');
}

/** RFC 5322, in UTC. */
function changelogDate(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toUTCString().replace('GMT', '+0000');
}

const FORMAT = 'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';

export const COPYRIGHT_TEXT = `Format: ${FORMAT}
Upstream-Name: embereye

Files: *
Copyright: the EmberEye authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

Files: /opt/embereye/bin/node /opt/embereye/node_modules/* /opt/embereye/dist/*
Copyright: their authors
License: several
 Node and the packages that are part of the programs keep their own licences:
 /opt/embereye/LICENSES.txt has their texts, /opt/embereye/sbom.cdx.json lists them.
`;

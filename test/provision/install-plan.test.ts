/** What an installation refuses, and what it leaves alone. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { UnitFacts } from '../../scripts/provision/install-facts.ts';
import { readFacts } from '../../scripts/provision/install-facts.ts';
import type { InstallOrder } from '../../scripts/provision/install-plan.ts';
import {
  changesNothing,
  packageName,
  planInstall,
  refusals,
} from '../../scripts/provision/install-plan.ts';
import { aptTrouble, busyTrouble } from '../../scripts/provision/install-steps.ts';
import { quoted, sshTrouble } from '../../scripts/provision/ssh-words.ts';
import { NOW_MS } from './bench.ts';

const file = (path: string, text: string) => ({
  ...{ path, mode: '0640', group: 'embereye' as const },
  content: Buffer.from(text),
});
const sum = (text: string): string => createHash('sha256').update(text).digest('hex');

const ORDER: InstallOrder = {
  package: { path: 'x.deb', version: '1.2.3', architecture: 'arm64', sizeMib: 50 },
  config: file('/etc/embereye/appliance.yaml', 'device: { id: unit-1 }'),
  deviceId: 'unit-1',
  identity: {
    ...{ deviceId: 'unit-1', enrolledAt: '2026-11-01' },
    files: [file('/etc/embereye/identity/device.crt', 'certificate')],
  },
  reinstall: false,
};
const FACTS: UnitFacts = {
  ...{ architecture: 'arm64', machine: 'aarch64', osId: 'debian', osRelease: 'trixie' },
  ...{ osName: 'Debian 13', hasSystemd: true, rootFreeMib: 9000, temporaryFreeMib: 9000 },
  ...{ nowMs: NOW_MS, synchronised: true, installed: '1.2.3', halfInstalled: false },
  sums: new Map([
    ['/etc/embereye/appliance.yaml', sum('device: { id: unit-1 }')],
    ['/etc/embereye/identity/device.crt', sum('certificate')],
  ]),
  device: { deviceId: 'unit-1', enrolledAt: '2026-11-01' },
  ...{ active: true, enabled: true },
};

describe('an installation', () => {
  it('that is done changes nothing', () => {
    expect(refusals(ORDER, FACTS, NOW_MS)).toEqual([]);
    expect(changesNothing(planInstall(ORDER, FACTS, NOW_MS))).toBe(true);
    expect(planInstall(ORDER, FACTS, NOW_MS).notes).toEqual([]);
  });

  it.each<[string, Partial<UnitFacts>, RegExp]>([
    ['32 bit', { architecture: 'armhf' }, /programs have not\): write a 64-bit/],
    ['a PC', { architecture: 'amd64', machine: 'x86_64' }, /take embereye_1\.2\.3_amd64\.deb/],
    ['no systemd', { hasSystemd: false }, /no dpkg or no systemd/],
    ['a full card', { rootFreeMib: 300 }, /\/ has 300 MiB free, and 400 are needed/],
    ['a full /var/tmp', { temporaryFreeMib: 10 }, /\/var\/tmp has 10 MiB free, and 60/],
    ['no clock', { nowMs: 0 }, /takes it to be 1970-01-01, .* timedatectl set-ntp true/],
    ['another unit', { device: { deviceId: 'unit-9', enrolledAt: '' } }, /the unit is "unit-9" al/],
  ])('refuses %s', (_, facts, words) => {
    expect(refusals(ORDER, { ...FACTS, ...facts }, NOW_MS).join('\n')).toMatch(words);
  });

  it('refuses the identity of another unit', () => {
    const identity = { deviceId: 'unit-2', enrolledAt: '', files: [] };
    const [problem] = refusals({ ...ORDER, identity }, FACTS, NOW_MS);
    expect(problem).toContain('the identity is for "unit-2" and the configuration for "unit-1"');
  });

  it('goes on after one that broke off, and with what differs', () => {
    const plan = (facts: Partial<UnitFacts>) => planInstall(ORDER, { ...FACTS, ...facts }, NOW_MS);
    expect(plan({ installed: '1.2.2' })).toMatchObject({ installPackage: true, config: null });
    expect(plan({ halfInstalled: true })).toMatchObject({ installPackage: true });
    expect(plan({ sums: new Map() })).toMatchObject({
      ...{ installPackage: false, startService: true, config: { mode: '0640' } },
      identity: [{ path: '/etc/embereye/identity/device.crt' }],
    });
    expect(plan({ active: false })).toMatchObject({ startService: true, config: null });
  });

  it('does not bring a renewed unit its old certificate back', () => {
    const device = { deviceId: 'unit-1', enrolledAt: '2026-11-20' };
    const plan = planInstall(ORDER, { ...FACTS, device, sums: new Map() }, NOW_MS);
    expect(plan.identity).toEqual([]);
    expect(plan.notes).toEqual([expect.stringContaining('newer than the folder')]);
  });

  it('notes a clock that is off, or free, and a system that was not tried', () => {
    const notes = (facts: Partial<UnitFacts>) =>
      planInstall(ORDER, { ...FACTS, ...facts }, NOW_MS).notes.join('\n');
    expect(notes({ nowMs: NOW_MS + 600_000 })).toContain('differ by 10 minutes');
    expect(notes({ synchronised: false })).toContain('give it a time server');
    expect(notes({ osRelease: 'jammy', osName: 'Ubuntu 22.04' })).toContain('Ubuntu 22.04: not');
  });
});

describe('what comes back', () => {
  it('facts are read from the script alone', () => {
    expect(readFacts('')).toBeNull();
    expect(readFacts('machine=aarch64\nnow=x')).toBeNull();
    const facts = readFacts('motd\nmachine=aarch64\nnow=10\ninstalled=installed 1.0\nsum=ab a/b\n');
    expect(facts).toMatchObject({ nowMs: 10_000, installed: '1.0', halfInstalled: false });
    expect(facts?.sums.get('/etc/embereye/a/b')).toBe('ab');
    expect(readFacts('machine=x\nnow=1\ninstalled=half-configured 1')).toMatchObject({
      ...{ installed: null, halfInstalled: true },
    });
  });

  it('names of packages are those of the release', () => {
    expect(packageName('embereye_1.2.3~rc1_arm64.deb')).toEqual({
      ...{ version: '1.2.3~rc1', architecture: 'arm64' },
    });
    expect(packageName('other_1.2.3_arm64.deb')).toBeNull();
    expect(packageName('embereye_1.2.3_armhf.deb')).toBeNull();
  });

  it.each([
    [{ condition: 'alarm' }, 'pi is in alarm: nothing was changed'],
    [{ condition: 'test' }, 'pi is in test'],
    [{ condition: 'normal', maintenanceUntilMs: 5 }, 'in maintenance: nothing was changed'],
    [{ condition: 'fault', maintenanceUntilMs: null }, null],
    [null, null],
  ])('a unit that says %j', (status, words) => {
    const trouble = busyTrouble('pi', status);
    if (words === null) expect(trouble).toBeNull();
    else expect(trouble).toContain(words);
  });

  it.each([
    ['E: Could not get lock /var/lib/dpkg/lock', 'another package manager'],
    ['cannot copy: No space left on device', 'the card is full'],
    ['The following packages have unmet dependencies', 'others that the unit cannot fetch'],
    ['dpkg: error processing', 'apt failed on the unit: dpkg: error processing'],
  ])('apt: %s', (said, words) => {
    expect(aptTrouble(said)).toContain(words);
  });

  it.each([
    ['ssh: connect to host pi port 22: No route to host', 'does not answer: is it on'],
    ['ssh: Could not resolve hostname pi', 'try its address'],
    ['client_loop: send disconnect: Broken pipe', 'run the same command again'],
  ])('ssh: %s', (said, words) => {
    expect(sshTrouble('pi', said)).toContain(words);
  });

  it('a shell gets one argument', () => {
    expect(quoted("it's $HOME")).toBe(`'it'\\''s $HOME'`);
    expect(quoted('/a/b-c')).toBe('/a/b-c');
  });
});

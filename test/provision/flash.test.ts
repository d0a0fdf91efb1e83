import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DiskPort } from '../../scripts/provision/disk-port.ts';
import { parseLsblk } from '../../scripts/provision/disk-tree.ts';
import type { FlashArguments } from '../../scripts/provision/flash.ts';
import { runFlash } from '../../scripts/provision/flash.ts';
import { guarded } from '../../scripts/provision/trouble.ts';
import type { ProvisionWorld } from '../../scripts/provision/world.ts';
import { configurationReport } from '../../src/commands/seed.ts';
import { checkSeed } from '../../src/seed/check.ts';
import {
  canMakeImages,
  CONFIG,
  EMBEREYE,
  hasCommand,
  kernelFor,
  makeImage,
  MIB,
  onCard,
  PI_OS,
  testWorld,
  tool,
  writeChecksum,
} from './flash-image.ts';

let originals: string;
let folder: string;
const at = (name: string): string => join(folder, name);
const noDisks: DiskPort = {
  list: () => Promise.resolve([]),
  realPath: (path) => path,
  isSdCard: () => false,
  canWrite: () => true,
  unmount: () => Promise.resolve(),
  dropCache: () => Promise.resolve(false),
  eject: () => Promise.resolve(false),
};

beforeAll(() => {
  originals = mkdtempSync(join(tmpdir(), 'embereye-images-'));
  if (canMakeImages) makeImage(join(originals, 'embereye.img'));
  if (canMakeImages) makeImage(join(originals, 'pi-os.img'), PI_OS);
});
afterAll(() => rmSync(originals, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embereye-flash-'));
  writeFileSync(at('unit.yaml'), CONFIG);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const useImage = (name = 'embereye.img'): void => {
  for (const end of ['', '.sha256']) {
    writeFileSync(at(`image.img${end}`), readFileSync(join(originals, name + end)));
  }
};
const wish = (change: Partial<FlashArguments> = {}): FlashArguments => ({
  ...{ image: 'image.img', to: 'card.img', config: 'unit.yaml', network: [], releaseKey: [] },
  ...{ unmount: false, dryRun: false, yes: true },
  ...change,
});

async function flash(
  change: Partial<FlashArguments> = {},
  disks = noDisks,
  world: Partial<ProvisionWorld> = {},
): Promise<{ readonly code: number; readonly text: string }> {
  const made = testWorld(folder, world);
  const code = await guarded(made, () => runFlash(wish(change), made, disks));
  return { code, text: made.text() };
}

describe.skipIf(!canMakeImages)('flash to a file (needs dosfstools and mtools)', () => {
  it('writes the image and a seed that the unit will take, and changes nothing else', async () => {
    useImage();
    writeFileSync(at('10-wired.network'), '[Match]\nName=e*\n');
    writeFileSync(at('key.pub'), 'ssh-ed25519 AAAA me\n');
    writeFileSync(at('password'), 'hunter2\n');
    const { code, text } = await flash({
      ...{ network: ['10-wired.network'], authorizedKeys: 'key.pub' },
      ...{ brokerPasswordFile: 'password', hostname: 'kitchen' },
    });
    expect(text).toContain('holds "kitchen-1"');
    expect(code).toBe(0);
    expect(text).not.toContain('hunter2');
    expect(onCard(at('card.img'), 'embereye/appliance.yaml')).toBe(CONFIG);
    expect(onCard(at('card.img'), 'embereye/hostname')).toBe('kitchen\n');
    tool('mcopy', '-s', '-n', '-i', `${at('card.img')}@@${MIB}`, '::/embereye', folder);
    const checked = checkSeed(at('embereye'), configurationReport);
    expect(checked.ok && [...checked.checked.files.keys()].sort()).toEqual([
      'appliance.yaml',
      'authorized_keys',
      'broker-password',
      'hostname',
      'network/10-wired.network',
    ]);
    expect(onCard(at('card.img'), 'cmdline.txt')).toBe(EMBEREYE.cmdline);
    const [image, card] = [readFileSync(at('image.img')), readFileSync(at('card.img'))];
    expect(card.subarray(37 * MIB).equals(image.subarray(37 * MIB))).toBe(true);
    expect(existsSync(at('card.img.partial'))).toBe(false);
    expect(statSync(at('card.img')).mode & 0o077).toBe(0);
  });

  it('replaces a seed that the image already has', async () => {
    useImage();
    await flash();
    writeFileSync(at('unit.yaml'), 'device: { id: other }\n');
    writeFileSync(at('image.img'), readFileSync(at('card.img')));
    writeChecksum(at('image.img'));
    expect((await flash()).code).toBe(0);
    expect(onCard(at('card.img'), 'embereye/seed.json')).toContain('"deviceId": "other"');
  });

  it('takes packed images', async () => {
    useImage();
    writeFileSync(at('a.img.gz'), gzipSync(readFileSync(at('image.img'))));
    expect((await flash({ image: 'a.img.gz' })).code).toBe(0);
    const fromGz = readFileSync(at('card.img'));
    expect(onCard(at('card.img'), 'embereye/appliance.yaml')).toBe(CONFIG);
    expect(fromGz).toHaveLength(statSync(at('image.img')).size);
  });

  it.skipIf(!hasCommand('xz'))('takes images packed with xz (needs xz)', async () => {
    useImage();
    tool('xz', '-0', '--keep', at('image.img'));
    expect((await flash({ image: 'image.img.xz' })).code).toBe(0);
    truncateSync(at('image.img.xz'), 5000);
    const { code, text } = await flash({ image: 'image.img.xz', to: 'b.img' });
    expect([code, text]).toEqual([3, expect.stringContaining('cut off or damaged')]);
  });

  it('a dry run says what it would do', async () => {
    useImage();
    const { code, text } = await flash({ dryRun: true });
    expect(text).toContain('nothing was changed');
    expect([code, existsSync(at('card.img'))]).toEqual([0, false]);
  });

  it('asks before it replaces a file; no answer is no', async () => {
    useImage();
    writeFileSync(at('card.img'), 'mine');
    const no = await flash({ yes: false }, noDisks, { ask: async () => 'y' });
    expect([no.code, no.text]).toEqual([1, expect.stringContaining('not confirmed')]);
    const nobody = await flash({ yes: false });
    expect([nobody.code, nobody.text]).toEqual([2, expect.stringContaining('add --yes')]);
    expect(readFileSync(at('card.img'), 'utf8')).toBe('mine');
    expect((await flash({ yes: false }, noDisks, { ask: async () => 'yes' })).code).toBe(0);
  });

  it('stops when it is told to, and leaves the file as it was', async () => {
    useImage();
    writeFileSync(at('card.img'), 'mine');
    const { code, text } = await flash({}, noDisks, { signal: AbortSignal.abort() });
    expect([code, text]).toEqual([1, expect.stringContaining('is as it was')]);
    expect(readFileSync(at('card.img'), 'utf8')).toBe('mine');
    expect(existsSync(at('card.img.partial'))).toBe(false);
  });
});

describe.skipIf(!canMakeImages)('images that are refused (needs dosfstools and mtools)', () => {
  const refused = async (change: Partial<FlashArguments> = {}): Promise<string> => {
    const { code, text } = await flash(change);
    expect([3, 4]).toContain(code);
    expect(existsSync(at('card.img'))).toBe(false);
    return text;
  };

  it('one that was cut off: by its checksum, and by its own table', async () => {
    useImage();
    truncateSync(at('image.img'), 20 * MIB);
    expect(await refused()).toContain('not what image.img.sha256 says');
    rmSync(at('image.img.sha256'));
    const text = await refused();
    expect(text).toContain('no image.img.sha256 beside it');
    expect(text).toContain(`it is cut off: it has ${20 * MIB} bytes, but its last partition ends`);
  });

  it('one that was damaged, and a checksum that is none', async () => {
    useImage();
    const bytes = readFileSync(at('image.img'));
    bytes.writeUInt8(bytes.readUInt8(30 * MIB) ^ 1, 30 * MIB);
    writeFileSync(at('image.img'), bytes);
    expect(await refused()).toContain('damaged');
    writeFileSync(at('image.img.sha256'), 'not found');
    expect(await refused()).toContain('does not start with a SHA-256');
  });

  it('a packed one that was cut off', async () => {
    useImage();
    const packed = gzipSync(readFileSync(at('image.img')));
    writeFileSync(at('a.img.gz'), packed.subarray(0, packed.length / 2));
    expect(await refused({ image: 'a.img.gz' })).toContain('cut off or damaged');
  });

  it('one with other partitions', async () => {
    makeImage(at('image.img'), { ...EMBEREYE, others: ['rootfs', 'x'] });
    expect(await refused()).toContain('its partitions are 1: fat32 "EMBEREYE", 2: ext4 "rootfs"');
    makeImage(at('image.img'), { ...EMBEREYE, boot: 'DATA' });
    expect(await refused()).toContain('1: fat32 "DATA"');
  });

  it.each([
    ['arm', 'arm (32 bits)'],
    ['x86', 'x86'],
  ] as const)('one for the wrong processor: %s', async (machine, words) => {
    makeImage(at('image.img'), { ...EMBEREYE, kernel: kernelFor(machine) });
    expect(await refused()).toContain(`its kernel is for ${words}, but the boards need arm64`);
  });

  it('one whose programs are for 32 bits', async () => {
    useImage('pi-os.img');
    writeFileSync(at('raspios-armhf.img'), readFileSync(at('image.img')));
    expect(await refused({ image: 'raspios-armhf.img' })).toContain('take the arm64 image');
  });

  it('files that are no images', async () => {
    writeFileSync(at('image.img'), 'short');
    expect(await refused()).toContain('it has only 5 bytes');
    writeFileSync(at('image.img'), new Uint8Array(MIB));
    expect(await refused()).toContain('no partition table');
    const empty = Buffer.alloc(MIB);
    empty.writeUInt16LE(0xaa55, 510);
    writeFileSync(at('image.img'), empty);
    expect(await refused()).toContain('table is empty');
    empty.writeUInt8(0xee, 450);
    writeFileSync(at('image.img'), empty);
    expect(await refused()).toContain('is a GPT');
    expect(await refused({ image: 'none.img' })).toContain('no such image');
    expect(await refused({ image: folder })).toContain('not a file');
  });
});

describe.skipIf(!canMakeImages)('targets that are refused (needs dosfstools and mtools)', () => {
  it('the image itself, a folder, a place in no folder', async () => {
    useImage();
    expect((await flash({ to: 'image.img' })).text).toContain('is the image itself');
    expect((await flash({ to: '.' })).text).toContain('neither a file nor a device');
    expect((await flash({ to: 'none/card.img' })).text).toContain('no such folder');
  });

  it('a device that is not there is not made as a file', async () => {
    useImage();
    const { code, text } = await flash({ to: '/dev/embereye-none' });
    expect([code, text]).toEqual([1, expect.stringContaining('is not there')]);
    expect(existsSync('/dev/embereye-none')).toBe(false);
  });

  it("the laptop's disk, found behind a link", async () => {
    useImage();
    const root = { path: '/dev/sda1', type: 'part', size: 1, mountpoints: ['/'] };
    const disk = { path: '/dev/sda', type: 'disk', size: 64 * 2 ** 30, rm: true, children: [root] };
    const list = (): Promise<ReturnType<typeof parseLsblk>> =>
      Promise.resolve(parseLsblk(JSON.stringify({ blockdevices: [disk] })));
    const realPath = (): string => '/dev/sda';
    const { code, text } = await flash({ to: '/dev/disk/by-id/x' }, { ...noDisks, list, realPath });
    expect([code, text]).toEqual([1, expect.stringContaining('a disk of this computer')]);
  });
});

describe.skipIf(!canMakeImages)('Raspberry Pi OS as a base (needs dosfstools and mtools)', () => {
  it('gets package, seed and one first start', async () => {
    useImage('pi-os.img');
    writeFileSync(at('embereye_1.0.0_arm64.deb'), '!<arch>\ndebian-binary   rest');
    const { code, text } = await flash({ deb: 'embereye_1.0.0_arm64.deb' });
    expect(text).toContain('raspberryPiOs');
    expect(code).toBe(0);
    const [line, ...rest] = onCard(at('card.img'), 'cmdline.txt').split('\n');
    expect(line).toMatch(/^console=serial0,115200 root=PARTUUID=1-02 rootwait quiet init=\S+ /);
    expect(line).toContain('systemd.run=/boot/firmware/embereye/first-boot.sh ');
    expect(rest).toEqual(['']);
    expect(onCard(at('card.img'), 'embereye/embereye.deb')).toContain('debian-binary');
    expect(onCard(at('card.img'), 'embereye/seed.json')).toContain('kitchen-1');
  });

  it('needs a package, and the right one; a ready image needs none', async () => {
    useImage('pi-os.img');
    expect((await flash()).text).toContain('add --deb');
    writeFileSync(at('a_arm64.deb'), 'PK');
    expect((await flash({ deb: 'a_arm64.deb' })).text).toContain('not a Debian package');
    writeFileSync(at('a_amd64.deb'), '!<arch>\ndebian-binary   rest');
    expect((await flash({ deb: 'a_amd64.deb' })).text).toContain('not for these boards');
    expect((await flash({ deb: 'none.deb' })).text).toContain('cannot be read');
    useImage();
    expect((await flash({ deb: 'a_amd64.deb' })).text).toContain('has the package already');
  });

  it('with a command line that is none is refused', async () => {
    makeImage(at('image.img'), { ...PI_OS, cmdline: 'quiet' });
    writeFileSync(at('a_arm64.deb'), '!<arch>\ndebian-binary   rest');
    expect((await flash({ deb: 'a_arm64.deb' })).text).toContain('no cmdline.txt with root=');
  });
});

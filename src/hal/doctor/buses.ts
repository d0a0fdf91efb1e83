/** I2C buses, SPI chip selects, IIO devices and the watchdog: what is there, and who may use it. */
import type { ProbeFinding } from '../probe.ts';
import { accessRemedy } from './permission.ts';
import { readConfigTxt } from './firmware.ts';
import { watchdogFinding } from './watchdog.ts';
import type { DoctorWorld } from './world.ts';
import { finding, namesIn, textIn, trouble } from './world.ts';

export async function busFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  return [
    ...(await i2cFindings(world)),
    ...(await spiFindings(world)),
    ...(await iioFindings(world)),
    await watchdogFinding(world),
  ];
}

async function i2cFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const nodes = byNumber((await namesIn(world, '/dev')).filter((name) => /^i2c-\d+$/.test(name)));
  const buses = await namesIn(world, '/sys/bus/i2c/devices');
  const known = buses.filter((name) => /^i2c-\d+$/.test(name));
  if (nodes.length === 0) {
    const module = 'sudo modprobe i2c-dev; echo i2c-dev | sudo tee /etc/modules-load.d/i2c.conf';
    const remedy = known.length > 0 ? module : await enableLine(world, 'dtparam=i2c_arm=on');
    const found =
      known.length > 0
        ? `the kernel has ${known.join(', ')}, and no /dev/i2c-* for programs`
        : 'no bus';
    return [finding('i2c', 'buses', 'note', found, remedy)];
  }
  return Promise.all(
    nodes.map(async (node) => {
      const at = `/sys/bus/i2c/devices/${node}`;
      const name = await textIn(world, `${at}/name`);
      const hz = await clockHz(world, `${at}/of_node/clock-frequency`);
      const speed = hz === null ? '' : `, ${hz / 1000} kHz`;
      return usable(world, 'i2c', `/dev/${node}`, (name.ok ? name.value : 'no name') + speed);
    }),
  );
}

/** Of a device tree: one number of 32 bits, the high byte first. */
async function clockHz(world: DoctorWorld, path: string): Promise<number | null> {
  const bytes = await world.readBytes(path);
  if (!bytes.ok || bytes.value.length !== 4) return null;
  return Buffer.from(bytes.value).readUInt32BE(0);
}

async function spiFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const nodes = (await namesIn(world, '/dev')).filter((name) => /^spidev\d+\.\d+$/.test(name));
  if (nodes.length === 0) {
    const remedy = await enableLine(world, 'dtparam=spi=on');
    return [finding('spi', 'chip selects', 'note', 'none', remedy)];
  }
  return Promise.all(nodes.map((node) => usable(world, 'spi', `/dev/${node}`, 'chip select')));
}

async function iioFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const root = '/sys/bus/iio/devices';
  const devices = (await namesIn(world, root)).filter((name) => name.startsWith('iio:device'));
  return Promise.all(
    byNumber(devices).map(async (device) => {
      const name = await textIn(world, `${root}/${device}/name`);
      const inside = await namesIn(world, `${root}/${device}`);
      const channels = inside.filter((file) => /^in_.*_raw$/.test(file));
      const list = channels.length === 0 ? 'no channels' : channels.join(', ');
      const found = `${name.ok ? name.value : 'no name'}: ${list}`;
      return finding('iio', `${root}/${device}`, 'ok', found);
    }),
  );
}

/** A device node with what is known of it; skipped with the remedy where it may not be used. */
export async function usable(
  world: DoctorWorld,
  area: string,
  path: string,
  found: string,
): Promise<ProbeFinding> {
  const remedy = await accessRemedy(world, path);
  if (!remedy.ok) return trouble(area, path, remedy.error);
  if (remedy.value === null) return finding(area, path, 'ok', found);
  const who = `${found}; ${world.self.user} may not use it`;
  return finding(area, path, 'skipped', who, remedy.value);
}

async function enableLine(world: DoctorWorld, setting: string): Promise<string | null> {
  const file = await readConfigTxt(world);
  return file === null ? null : `for that, put ${setting} into ${file.path} and restart`;
}

function byNumber(names: readonly string[]): readonly string[] {
  const number = (name: string) => Number(/\d+$/.exec(name)?.[0] ?? 0);
  return [...names].sort((a, b) => number(a) - number(b));
}

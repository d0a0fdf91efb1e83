/** Machines as their kernels present them: directory models for the box monitor and the doctor. */
import type { BoxSources } from '../../src/hal/box/readers.ts';
import type { ClockState } from '../../src/hal/box/clock-state.ts';
import type { FileSystemSpace } from '../../src/hal/box/statfs.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { done } from '../../src/hal/ports.ts';
import { SimulatedFiles } from '../../src/hal/simulated-files.ts';
import type { ManualClock } from './manual-clock.ts';

export const FLAGS_PI4 = '/sys/devices/platform/soc/soc:firmware/get_throttled';
export const FLAGS_PI5 =
  '/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled';
export const STATE = '/var/lib/embereye';

const COMMON = {
  '/proc/meminfo': 'MemTotal:        3884396 kB\nMemFree:   2 kB\nMemAvailable:    3100000 kB',
  '/proc/loadavg': '0.52 0.58 0.59 1/189 12345',
};
const mounts = (device: string): string =>
  `proc /proc proc rw,relatime 0 0\n${device} / ext4 rw,noatime 0 0\ntmpfs /run tmpfs rw 0 0`;

const ext4 = (disk: string) => ({
  [`/sys/fs/ext4/${disk}/errors_count`]: '0',
  [`/sys/fs/ext4/${disk}/first_error_time`]: '0',
  [`/sys/fs/ext4/${disk}/first_error_func`]: '',
});
const watchdog = {
  '/sys/class/watchdog/watchdog0/state': 'inactive',
  '/sys/class/watchdog/watchdog0/timeout': '15',
};
const sdCard = {
  '/sys/block/mmcblk0/device/name': 'SC32G',
  '/sys/block/mmcblk0/device/oemid': '0x5344',
};

export const MACHINES = {
  pi4: {
    ...COMMON,
    ...ext4('mmcblk0p2'),
    ...watchdog,
    ...sdCard,
    '/proc/mounts': mounts('/dev/mmcblk0p2'),
    '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal',
    '/sys/class/thermal/thermal_zone0/temp': '48199',
    [FLAGS_PI4]: '0',
    '/sys/class/hwmon/hwmon1/name': 'rpi_volt',
    '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '0',
  },
  pi5: {
    ...COMMON,
    ...ext4('mmcblk0p2'),
    ...watchdog,
    ...sdCard,
    '/proc/mounts': mounts('/dev/mmcblk0p2'),
    '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal',
    '/sys/class/thermal/thermal_zone0/temp': '51850',
    [FLAGS_PI5]: '0',
    '/sys/class/hwmon/hwmon3/name': 'rpi_volt',
    '/sys/class/hwmon/hwmon3/in0_lcrit_alarm': '0',
  },
  jetson: {
    ...COMMON,
    ...ext4('mmcblk0p1'),
    '/proc/mounts': mounts('/dev/mmcblk0p1'),
    '/sys/class/thermal/thermal_zone0/type': 'cpu-thermal',
    '/sys/class/thermal/thermal_zone0/temp': '44500',
    '/sys/class/thermal/thermal_zone1/type': 'gpu-thermal',
    '/sys/class/thermal/thermal_zone1/temp': '',
    '/sys/block/mmcblk0/device/name': 'G1M15L',
    '/sys/block/mmcblk0/device/oemid': '0x0100',
    '/sys/block/mmcblk0/device/life_time': '0x01 0x02',
    '/sys/block/mmcblk0/device/pre_eol_info': '0x01',
  },
  pc: {
    ...COMMON,
    ...ext4('nvme0n1p2'),
    '/proc/mounts': mounts('/dev/nvme0n1p2'),
    '/sys/class/thermal/thermal_zone0/type': 'acpitz',
    '/sys/class/thermal/thermal_zone0/temp': '27800',
    '/sys/class/thermal/thermal_zone1/type': 'x86_pkg_temp',
    '/sys/class/thermal/thermal_zone1/temp': '55000',
    '/sys/block/nvme0n1/device/state': 'live',
    '/sys/class/power_supply/AC/type': 'Mains',
    '/sys/class/power_supply/AC/online': '1',
    '/sys/class/power_supply/BAT0/type': 'Battery',
    '/sys/class/power_supply/BAT0/present': '1',
    '/sys/class/power_supply/BAT0/status': 'Charging',
    '/sys/class/power_supply/BAT0/capacity': '88',
    '/sys/class/power_supply/BAT0/voltage_now': '12400000',
    '/sys/class/power_supply/hidpp_battery_0/type': 'Battery',
    '/sys/class/power_supply/hidpp_battery_0/scope': 'Device',
    '/sys/class/power_supply/hidpp_battery_0/capacity': '5',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;
export type Machine = keyof typeof MACHINES;

export const HALF_FULL: FileSystemSpace = {
  totalBytes: 32e9,
  freeBytes: 16e9,
  totalInodes: 2_000_000,
  freeInodes: 1_500_000,
};

/** A machine whose files, disk and clock a test can change. */
export class BoxModel implements BoxSources {
  readonly clock: ManualClock;
  readonly files = new SimulatedFiles();
  readonly stateDirectory = STATE;
  space: HalResult<FileSystemSpace> = done(HALF_FULL);
  time: ClockState = 'synchronised';

  constructor(machine: Machine, clock: ManualClock) {
    this.clock = clock;
    for (const [path, text] of Object.entries(MACHINES[machine])) this.set(path, text);
  }

  readonly statFileSystem = () => Promise.resolve(this.space);
  readonly clockState = () => this.time;

  set(path: string, text: string | (() => string)): void {
    this.files.files.set(path, text);
  }
}

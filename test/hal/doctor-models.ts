/** Machines for the doctor: directory models with links, owners, GPIO chips and a network. */
import type { LineInfo } from '../../src/hal/gpio/uapi.ts';
import type {
  DoctorNetwork,
  DoctorWorld,
  GpioFacts,
  PathAccess,
  Self,
  TlsFacts,
} from '../../src/hal/doctor/world.ts';
import type { HalResult } from '../../src/hal/ports.ts';
import { DONE, done, failed } from '../../src/hal/ports.ts';
import type { ProbeFinding } from '../../src/hal/probe.ts';
import type { Machine } from './box-models.ts';
import { BoxModel } from './box-models.ts';
import { ManualClock } from './manual-clock.ts';

export const FTDI = 'usb-FTDI_FT232R_USB_UART_A1-if00-port0';
export const GROUPS = { root: 0, dialout: 20, i2c: 994, spi: 995, gpio: 993 } as const;

export class DoctorModel implements DoctorWorld {
  readonly clock = new ManualClock();
  readonly #box: BoxModel;
  readonly bytes = new Map<string, Uint8Array>();
  readonly links = new Map<string, string>();
  readonly owners = new Map<string, PathAccess>();
  self: Self = {
    user: 'embereye',
    userId: 999,
    groupIds: [GROUPS.dialout, GROUPS.i2c, GROUPS.spi, GROUPS.gpio],
    nodeVersion: 'v20.20.2',
    architecture: 'arm64',
    timeZone: 'Europe/Berlin',
  };
  gpio: HalResult<GpioFacts> = failed('absent', 'no GPIO character device (/dev/gpiochip*)');
  readonly net = new NetworkModel();
  readonly network: DoctorNetwork = this.net;

  constructor(machine: Machine) {
    this.#box = new BoxModel(machine, this.clock);
    const members = 'embereye';
    this.set(
      '/etc/group',
      Object.entries(GROUPS)
        .map(([name, id]) => `${name}:x:${id}:${id === 0 ? '' : members}`)
        .join('\n'),
    );
    this.set('/proc/sys/kernel/osrelease', '6.12.47+rpt-rpi-v8');
    this.set('/proc/cmdline', 'console=tty1 root=PARTUUID=1-02 rootfstype=ext4 fsck.repair=yes');
    const auxv = Buffer.alloc(48);
    auxv.writeBigUInt64LE(33n, 0);
    auxv.writeBigUInt64LE(6n, 16);
    auxv.writeBigUInt64LE(4096n, 24);
    this.bytes.set('/proc/self/auxv', auxv);
    this.directory('/var/lib/embereye');
    this.directory('/run', false);
    this.directory('/run/embereye');
    this.directory('/');
  }

  get files() {
    return this.#box.files;
  }

  set time(state: 'synchronised' | 'unsynchronised' | 'unknown') {
    this.#box.time = state;
  }

  set(path: string, text: string): void {
    this.#box.set(path, text);
  }

  directory(path: string, writable = true, mode = 0o755): void {
    this.owners.set(path, { readable: true, writable, groupId: 0, groupMay: false, mode });
  }

  /** A device node that belongs to root and a group. */
  device(path: string, group: keyof typeof GROUPS, mode: 'group' | 'rootOnly' = 'group'): void {
    this.set(path, '');
    const groupId = GROUPS[group];
    const allowed = mode === 'group' && this.self.groupIds.includes(groupId);
    const groupMay = mode === 'group';
    const access = { readable: allowed, writable: allowed, groupId, groupMay, mode: 0o660 };
    this.owners.set(path, access);
  }

  /** A serial port with its driver, and its name under by-id where it has one. */
  serialPort(name: string, driver: string, byId: string | null): void {
    const device = `/dev/${name}`;
    this.device(device, 'dialout');
    this.links.set(`/sys/class/tty/${name}/device/driver`, `/sys/bus/usb-serial/drivers/${driver}`);
    if (byId === null) return;
    const link = `/dev/serial/by-id/${byId}`;
    this.set(link, '');
    this.links.set(link, device);
  }

  process(pid: number, name: string, ...open: string[]): void {
    this.set(`/proc/${pid}/comm`, name);
    open.forEach((target, fd) => {
      this.set(`/proc/${pid}/fd/${fd}`, '');
      this.links.set(`/proc/${pid}/fd/${fd}`, target);
    });
  }

  readonly statFileSystem = (path: string) =>
    this.owners.has(path)
      ? this.#box.statFileSystem()
      : Promise.resolve(failed('absent', `${path}: ENOENT`));
  readonly clockState = () => this.#box.clockState();

  async readBytes(path: string): Promise<HalResult<Uint8Array>> {
    const bytes = this.bytes.get(path);
    if (bytes !== undefined) return done(bytes);
    const text = await this.files.read(path);
    return text.ok ? done(Buffer.from(text.value)) : text;
  }

  resolvePath(path: string): Promise<HalResult<string>> {
    const target = this.links.get(path);
    if (target !== undefined) return Promise.resolve(done(target));
    const there = this.files.files.has(path);
    return Promise.resolve(there ? done(path) : failed('absent', `${path} leads nowhere`));
  }

  access(path: string): Promise<HalResult<PathAccess>> {
    const owner = this.owners.get(this.links.get(path) ?? path);
    return Promise.resolve(owner === undefined ? failed('absent', `${path}: ENOENT`) : done(owner));
  }

  listGpioChips = () => Promise.resolve(this.gpio);
}

export class NetworkModel implements DoctorNetwork {
  readonly names = new Map([['broker.example.net', '192.0.2.7']]);
  readonly open = new Set(['broker.example.net:8883', 'broker.example.net:1883']);
  readonly taken = new Set<number>();
  running = false;
  tlsAnswer: HalResult<TlsFacts> = done({
    authorised: true,
    why: null,
    subject: 'broker.example.net',
    validFromMs: Date.parse('2023-01-01'),
    validToMs: Date.parse('2024-12-31'),
  });

  resolve = (host: string) => {
    const address = this.names.get(host);
    const missing = failed('absent', `the name ${host} cannot be resolved: ENOTFOUND`);
    return Promise.resolve(address === undefined ? missing : done(address));
  };
  connect = (host: string, port: number) => {
    const refused = failed('other', `no connection: connect ECONNREFUSED ${host}:${port}`);
    return Promise.resolve(this.open.has(`${host}:${port}`) ? DONE : refused);
  };
  tls = () => Promise.resolve(this.tlsAnswer);
  tryPort = (host: string, port: number) => {
    const inUse = failed('busy', `${host}:${port}: listen EADDRINUSE`);
    return Promise.resolve(this.taken.has(port) ? inUse : DONE);
  };
  applianceAnswers = () => Promise.resolve(this.running);
  certificateDates = (pem: Uint8Array) => {
    const [from = '', to = ''] = Buffer.from(pem).toString().split(' ');
    if (to === '') return failed('corrupt', 'holds no certificate: no start line');
    return done({ validFromMs: Date.parse(from), validToMs: Date.parse(to) });
  };
}

export const FREE_LINE: LineInfo = {
  offset: 0,
  name: '',
  consumer: '',
  used: false,
  direction: 'in',
  activeLow: false,
  bias: 'asIs',
  edges: false,
  debounceUs: null,
};

/** A chip with `count` lines named `GPIO0`.., some of them held. */
export function chip(label: string, path: string, count: number, held: Record<number, string>) {
  const lines = Array.from({ length: count }, (_, offset): LineInfo => {
    const consumer = held[offset];
    const name = `GPIO${offset}`;
    if (consumer === undefined) return { ...FREE_LINE, offset, name };
    return { ...FREE_LINE, offset, name, consumer, used: true, direction: 'out' };
  });
  return { label, path, lines };
}

/** A Pi 4 on which everything is enabled, wired and permitted. */
export function healthyPi4(): DoctorModel {
  const pi = new DoctorModel('pi4');
  pi.set('/proc/device-tree/model', 'Raspberry Pi 4 Model B Rev 1.4\0');
  pi.set(
    '/boot/firmware/config.txt',
    [
      '# some words',
      'dtparam=i2c_arm=on,i2c_arm_baudrate=400000',
      'dtparam=spi=on',
      'dtoverlay=vc4-kms-v3d',
      '[pi5]',
      'dtparam=spi=off',
      '[all]',
      'enable_uart=1',
    ].join('\r\n'),
  );
  pi.device('/dev/i2c-1', 'i2c');
  pi.set('/sys/bus/i2c/devices/i2c-1/name', 'bcm2835 (i2c@7e804000)');
  pi.bytes.set(
    '/sys/bus/i2c/devices/i2c-1/of_node/clock-frequency',
    Buffer.from([0x00, 0x06, 0x1a, 0x80]),
  );
  pi.device('/dev/spidev0.0', 'spi');
  pi.serialPort('ttyUSB0', 'ftdi_sio', FTDI);
  pi.device('/dev/gpiochip0', 'gpio');
  pi.set('/dev/watchdog0', '');
  pi.set('/sys/class/watchdog/watchdog0/state', 'active');
  pi.gpio = done({
    chips: [
      chip('pinctrl-bcm2711', '/dev/gpiochip0', 58, {}),
      chip('raspberrypi-exp-gpio', '/dev/gpiochip1', 8, { 4: '' }),
    ],
    unreadable: [],
  });
  return pi;
}

/** The finding about a subject, or undefined. */
export function about(
  findings: readonly ProbeFinding[],
  area: string,
  subject: string,
): ProbeFinding | undefined {
  return findings.find((one) => one.area === area && one.subject === subject);
}

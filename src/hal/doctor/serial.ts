/** Serial ports: their stable names, drivers and holders, and who might take them away. */
import type { ProbeFinding } from '../probe.ts';
import { usable } from './buses.ts';
import { readConfigTxt } from './firmware.ts';
import type { DoctorWorld } from './world.ts';
import { finding, namesIn, textIn } from './world.ts';

const AREA = 'serial';
const PORTS = /^tty(USB|ACM|AMA|S|THS|mxc|RPMSG|O)\d+$/;
/** As vendors write themselves into /dev/serial/by-id. */
const MODEMS = /huawei|quectel|simcom|simtech|sierra|fibocom|telit|u-?blox|zte|longcheer|option_n/i;
const GRABBERS: Readonly<Record<string, { readonly why: string; readonly remedy: string }>> = {
  ModemManager: {
    why: 'talks to every new serial port in search of a modem',
    remedy: 'sudo systemctl disable --now ModemManager, unless a modem here needs it',
  },
  brltty: {
    why: 'takes ports with the USB ids of CP210x, CH34x and FTDI converters for Braille displays',
    remedy: 'sudo apt-get remove brltty',
  },
};

/** A serial port that the configuration or a person may name. */
export interface SerialPortFacts {
  /** `/dev/ttyUSB0` */
  readonly device: string;
  readonly byId: string | null;
  readonly byPath: string | null;
  readonly modem: boolean;
}

/** @param wanted paths that the configuration names */
export async function serialFindings(
  world: DoctorWorld,
  wanted: readonly string[],
): Promise<readonly ProbeFinding[]> {
  const ports = await serialPorts(world);
  const holders = await holdersOf(world);
  const targets = await Promise.all(wanted.map((path) => targetOf(world, path)));
  const rows = await Promise.all(
    ports.map((port) => portFinding(world, port, holders, targets.includes(port.device))),
  );
  const none = finding(AREA, 'ports', 'note', 'no serial port');
  return [
    ...(ports.length === 0 ? [none] : rows),
    ...(await consoleFindings(world, targets)),
    ...(await grabberFindings(world)),
  ];
}

/** Where a configured path leads; the path itself where there is nothing. */
async function targetOf(world: DoctorWorld, path: string): Promise<string> {
  const target = await world.resolvePath(path);
  return target.ok ? target.value : path;
}

export async function serialPorts(world: DoctorWorld): Promise<readonly SerialPortFacts[]> {
  const byId = await linksIn(world, '/dev/serial/by-id');
  const byPath = await linksIn(world, '/dev/serial/by-path');
  const names = (await namesIn(world, '/dev')).filter((name) => PORTS.test(name));
  const ports: SerialPortFacts[] = [];
  for (const name of names) {
    // The kernel keeps places for 16550 ports that nobody built in: their type is 0.
    const type = await textIn(world, `/sys/class/tty/${name}/type`);
    if (/^ttyS\d+$/.test(name) && type.ok && type.value === '0') continue;
    const device = `/dev/${name}`;
    const id = byId.get(device) ?? null;
    const modem = id !== null && MODEMS.test(id);
    ports.push({ device, byId: id, byPath: byPath.get(device) ?? null, modem });
  }
  return ports;
}

/** From a device to its link. */
async function linksIn(
  world: DoctorWorld,
  directory: string,
): Promise<ReadonlyMap<string, string>> {
  const links = new Map<string, string>();
  for (const name of await namesIn(world, directory)) {
    const target = await world.resolvePath(`${directory}/${name}`);
    if (target.ok) links.set(target.value, `${directory}/${name}`);
  }
  return links;
}

async function portFinding(
  world: DoctorWorld,
  { device, byId, byPath, modem }: SerialPortFacts,
  holders: ReadonlyMap<string, string>,
  wanted: boolean,
): Promise<ProbeFinding> {
  const name = byId ?? byPath ?? device;
  const node = device.slice('/dev/'.length);
  const driver = await world.resolvePath(`/sys/class/tty/${node}/device/driver`);
  const by = driver.ok ? `, driver ${driver.value.split('/').at(-1) ?? ''}` : '';
  const holder = holders.get(device);
  const held = holder === undefined ? '' : `, held by ${holder}`;
  const found = (name === device ? 'no stable name' : device) + by + held;
  if (modem) {
    const remedy = 'name the port of the sensor board instead; this one answers AT commands';
    return finding(AREA, name, wanted ? 'failed' : 'note', `${found}: a modem`, remedy);
  }
  const row = await usable(world, AREA, name, found);
  if (row.state !== 'ok' || name !== device || !/USB|ACM/.test(node)) return row;
  const remedy = 'it may be another device after the next start: use a path under /dev/serial';
  return { ...row, state: 'note', remedy: `${remedy}; without one, look for udev` };
}

/** From a device to `name (pid 12)`; processes of other users are seen by root only. */
async function holdersOf(world: DoctorWorld): Promise<ReadonlyMap<string, string>> {
  const holders = new Map<string, string>();
  for (const pid of (await namesIn(world, '/proc')).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await namesIn(world, `/proc/${pid}/fd`)) {
      const target = await world.resolvePath(`/proc/${pid}/fd/${fd}`);
      if (!target.ok || !PORTS.test(target.value.replace('/dev/', ''))) continue;
      const name = await textIn(world, `/proc/${pid}/comm`);
      holders.set(target.value, `${name.ok ? name.value : 'a process'} (pid ${pid})`);
    }
  }
  return holders;
}

/** The kernel writes its messages to a console, and a login waits there: no line for a board. */
async function consoleFindings(
  world: DoctorWorld,
  targets: readonly string[],
): Promise<readonly ProbeFinding[]> {
  const line = await textIn(world, '/proc/cmdline');
  if (!line.ok) return [];
  const consoles = [...line.value.matchAll(/(?:^|\s)console=([A-Za-z]+\d+)/g)];
  const isPi = (await readConfigTxt(world)) !== null;
  return Promise.all(
    consoles
      .map(([, name = '']) => name)
      .filter((name) => name === 'serial0' || PORTS.test(name))
      .map(async (name) => {
        const device = await targetOf(world, `/dev/${name}`);
        const wanted = targets.includes(device);
        const found = `the kernel's console is on ${device}: a board there would be garbled`;
        const remedy = isPi
          ? 'sudo raspi-config nonint do_serial_cons 1, then restart'
          : `remove console=${name} from the kernel's command line and restart`;
        return finding(AREA, `console ${device}`, wanted ? 'failed' : 'note', found, remedy);
      }),
  );
}

async function grabberFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const running = new Set<string>();
  for (const pid of (await namesIn(world, '/proc')).filter((name) => /^\d+$/.test(name))) {
    const name = await textIn(world, `/proc/${pid}/comm`);
    if (name.ok) running.add(name.value);
  }
  return Object.entries(GRABBERS)
    .filter(([name]) => running.has(name))
    .map(([name, { why, remedy }]) => finding(AREA, name, 'warning', `runs, and ${why}`, remedy));
}

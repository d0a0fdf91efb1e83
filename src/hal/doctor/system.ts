/** The machine, its kernel and the process itself. */
import type { ProbeFinding } from '../probe.ts';
import { groups } from './permission.ts';
import type { DoctorWorld } from './world.ts';
import { finding, textIn } from './world.ts';

const AREA = 'system';
/** Of package.json: engines. */
const NODE = { min: [20, 19], below: 27 } as const;
const AT_PAGESZ = 6n;

export async function systemFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const model = await machineModel(world);
  const kernel = await textIn(world, '/proc/sys/kernel/osrelease');
  const page = await pageBytes(world);
  const pages = page === null ? '' : `, pages of ${page / 1024} KiB`;
  return [
    finding(AREA, 'machine', 'ok', model ?? 'no model named (no device tree)'),
    finding(AREA, 'kernel', 'ok', (kernel.ok ? kernel.value : 'not known') + pages),
    architecture(world),
    node(world),
    await user(world),
    finding(AREA, 'time zone', 'ok', world.self.timeZone),
  ];
}

/** `Raspberry Pi 5 Model B Rev 1.0`; null without a device tree. */
export async function machineModel(world: DoctorWorld): Promise<string | null> {
  const model = await textIn(world, '/proc/device-tree/model');
  return model.ok && model.value !== '' ? model.value.slice(0, 80) : null;
}

function architecture({ self }: DoctorWorld): ProbeFinding {
  const known = self.architecture === 'arm64' || self.architecture === 'x64';
  const remedy = known ? null : 'install a 64-bit system: system calls here are made for those';
  return finding(AREA, 'architecture', known ? 'ok' : 'failed', self.architecture, remedy);
}

function node({ self }: DoctorWorld): ProbeFinding {
  const [, major = '0', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(self.nodeVersion) ?? [];
  const [minMajor, minMinor] = NODE.min;
  const old = Number(major) < minMajor || (Number(major) === minMajor && Number(minor) < minMinor);
  const fits = !old && Number(major) < NODE.below;
  const remedy = fits ? null : `install Node ${minMajor}.${minMinor} or newer, below ${NODE.below}`;
  return finding(AREA, 'Node', fits ? 'ok' : 'failed', self.nodeVersion, remedy);
}

async function user(world: DoctorWorld): Promise<ProbeFinding> {
  const { user: name, userId, groupIds } = world.self;
  const known = await groups(world);
  const names = groupIds.map((id) => known.find((group) => group.id === id)?.name ?? String(id));
  const found = `${name} (${userId}), groups ${names.join(', ')}`;
  const remedy = 'let the service run as a user of its own, in the groups of its devices';
  return userId === 0
    ? finding(AREA, 'user', 'note', `${found}: root sees no missing permission`, remedy)
    : finding(AREA, 'user', 'ok', found);
}

/** From the auxiliary vector that the kernel gave this process; null where it is not there. */
async function pageBytes(world: DoctorWorld): Promise<number | null> {
  const vector = await world.readBytes('/proc/self/auxv');
  if (!vector.ok) return null;
  const bytes = Buffer.from(vector.value);
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    if (bytes.readBigUInt64LE(at) === AT_PAGESZ) return Number(bytes.readBigUInt64LE(at + 8));
  }
  return null;
}

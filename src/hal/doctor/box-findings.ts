/** The readers of the box monitor, asked once. */
import type { BoxLimits } from '../box/readers.ts';
import { boxReaders } from '../box/readers.ts';
import { flagWords, isFlags, readFirmwareFlags } from '../box/firmware-flags.ts';
import type { BoxFault, BoxReading, BoxReport } from '../box/report.ts';
import { merged, shown } from '../box/report.ts';
import { worstOf } from '../box/standing.ts';
import type { ProbeFinding } from '../probe.ts';
import type { DoctorWorld } from './world.ts';
import { finding } from './world.ts';

const AREA = 'box';
const UNITS: Readonly<Record<BoxReading['unit'], string>> = {
  celsius: ' C',
  percent: ' %',
  megabytes: ' MB',
  volts: ' V',
  state: '',
  count: '',
  seconds: ' s',
  tasks: '',
};
/** With these an appliance does not do its work; the others it survives for a while. */
const SERIOUS: readonly BoxFault[] = ['diskFull', 'diskReadOnly'];

/**
 * One finding for each fault that the monitor could raise here, and one with all readings.
 * @param directory whose disk is looked at
 */
export async function boxFindings(
  world: DoctorWorld,
  limits: BoxLimits,
  directory: string,
): Promise<readonly ProbeFinding[]> {
  const { clock, files, statFileSystem, clockState } = world;
  const sources = { clock, files, statFileSystem, clockState, stateDirectory: directory };
  const looks: BoxReport[] = [];
  for (const reader of boxReaders(sources, limits)) looks.push(await reader.read());
  const { readings, conditions, unread } = merged(looks);
  return [
    finding(AREA, 'readings', 'ok', readings.filter(isTold).map(readingText).join(', ') || 'none'),
    ...worstOf(conditions).flatMap(({ fault, verdict, detail }) => {
      if (fault === 'clockUnsynchronised') return [];
      const [found, remedy] = verdict === 'bad' ? parted(detail) : [detail, null];
      const bad = SERIOUS.includes(fault) ? 'failed' : 'warning';
      return [finding(AREA, fault, verdict === 'bad' ? bad : 'ok', found, remedy)];
    }),
    ...unread.map(({ what, why }) => finding(AREA, what, 'skipped', why, 'run it with sudo')),
    clockFinding(world),
    ...(await sinceBoot(world)),
  ];
}

/** The others have rows of their own, or mean something only from look to look. */
function isTold({ name, unit }: BoxReading): boolean {
  return unit !== 'state' && name !== 'clockStepSeconds' && name !== 'watchdogTimeoutSeconds';
}

function readingText({ name, value, unit }: BoxReading): string {
  return `${name} ${shown(value)}${UNITS[unit]}`;
}

/** `what: how to mend it`, as the details of faults are written. */
function parted(detail: string): readonly [string, string | null] {
  const at = detail.lastIndexOf(': ');
  return at < 0 ? [detail, null] : [detail.slice(0, at), detail.slice(at + 2)];
}

function clockFinding({ clockState, clock }: DoctorWorld): ProbeFinding {
  const state = clockState();
  const now = new Date(clock.wallMs()).toISOString();
  if (state === 'synchronised') return finding(AREA, 'clock', 'ok', `synchronised, ${now}`);
  const remedy = 'timedatectl set-ntp true, and let the network reach a time server (UDP 123)';
  const found = state === 'unknown' ? 'no time service can be seen' : 'not synchronised';
  return finding(AREA, 'clock', 'warning', `${found}, ${now}`, remedy);
}

/** What the firmware remembers of the time before this look. */
async function sinceBoot(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const flags = await readFirmwareFlags(world.files);
  if (!isFlags(flags)) return [];
  const past = flagWords(flags.sinceBoot & ~flags.now);
  if (past.length === 0) return [];
  const remedy = 'a stronger supply or a shorter cable against undervoltage, else better cooling';
  return [finding(AREA, 'since boot', 'warning', `it was so: ${past.join(', ')}`, remedy)];
}

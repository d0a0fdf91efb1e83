/** Mains and battery, as the kernel's power supply class presents them. */
import type { KernelFiles } from '../bus-ports.ts';
import type { BoxCondition, BoxReader, BoxReading, BoxReport, Verdict } from './report.ts';
import { below, NOTHING, numberIn, shown, unreadable } from './report.ts';

const SUPPLIES = '/sys/class/power_supply';
const WHAT = 'mains and battery';
export const BATTERY_HYSTERESIS_PERCENT = 5;
/** Some batteries are kept below full on purpose; below this one that does not charge is broken. */
export const SHOULD_CHARGE_BELOW_PERCENT = 70;

interface Supply {
  readonly name: string;
  readonly type: string;
  readonly online: number | null;
  readonly present: number | null;
  /** `Charging`, `Discharging`, `Not charging`, `Full`, `Unknown`; null where it does not say. */
  readonly status: string | null;
  readonly percent: number | null;
  readonly volts: number | null;
}

/**
 * Readings `mainsOnline`, `batteryPercent`, `batteryVolts`; faults `mainsFail`, `batteryLow`,
 * `batteryMissing`, `batteryNotCharging`. Batteries of mice and the like do not count.
 * @param batteryPercent limit of `batteryLow`
 */
export function supplyReader(files: KernelFiles, batteryPercent: number): BoxReader {
  return {
    name: WHAT,
    async read() {
      const listed = await files.list(SUPPLIES);
      if (!listed.ok) return unreadable(WHAT, listed.error);
      const supplies: Supply[] = [];
      for (const name of listed.value) {
        const supply = await readSupply(files, name);
        if (supply !== null) supplies.push(supply);
      }
      return reportOf(supplies, batteryPercent);
    },
  };
}

async function readSupply(files: KernelFiles, name: string): Promise<Supply | null> {
  const at = (file: string) => files.read(`${SUPPLIES}/${name}/${file}`);
  const type = await at('type');
  if (!type.ok) return null;
  const scope = await at('scope');
  if (scope.ok && scope.value === 'Device') return null;
  const status = await at('status');
  const percent = numberIn(await at('capacity'));
  const microvolts = numberIn(await at('voltage_now'));
  return {
    name,
    type: type.value,
    online: numberIn(await at('online')),
    present: numberIn(await at('present')),
    status: status.ok ? status.value : null,
    percent: percent !== null && percent >= 0 && percent <= 100 ? percent : null,
    volts: microvolts === null ? null : microvolts / 1e6,
  };
}

function reportOf(supplies: readonly Supply[], limitPercent: number): BoxReport {
  const batteries = supplies.filter(({ type }) => type === 'Battery' || type === 'UPS');
  const mains = mainsState(supplies, batteries);
  const present = [
    ...(mains === null ? [] : ['mains state']),
    ...batteries.flatMap(({ name, percent }) =>
      percent === null ? [`battery ${name}`] : [`battery ${name}`, `charge of battery ${name}`],
    ),
  ];
  if (present.length === 0) return NOTHING;
  const lowest = lowestOf(batteries);
  return {
    present,
    readings: [...mainsReadings(mains), ...batteryReadings(lowest)],
    conditions: [
      ...mainsConditions(mains),
      ...batteries.flatMap(missingCondition),
      ...lowest.flatMap((battery) =>
        chargeConditions(battery, mains?.online ?? null, limitPercent),
      ),
    ],
    unread: [],
  };
}

interface Mains {
  readonly online: boolean;
  readonly why: string;
}

/** Inputs that say whether they are fed; without any, a battery that discharges tells. */
function mainsState(supplies: readonly Supply[], batteries: readonly Supply[]): Mains | null {
  const wired = supplies.filter(({ type, online }) => type === 'Mains' && online !== null);
  // USB inputs are ports without anything in them unless a battery shows that they feed this box.
  const usb = supplies.filter(({ type, online }) => type.startsWith('USB') && online !== null);
  const inputs = wired.length > 0 ? wired : batteries.length > 0 ? usb : [];
  if (inputs.length > 0) {
    const online = [...wired, ...usb].some((input) => input.online === 1);
    return { online, why: `${inputs.map(({ name }) => name).join(', ')} without voltage` };
  }
  const telling = batteries.filter(({ status }) => status !== null && status !== 'Unknown');
  if (telling.length === 0) return null;
  const draining = telling.find(({ status }) => status === 'Discharging');
  const why = draining === undefined ? '' : `battery ${draining.name} is being discharged`;
  return { online: draining === undefined, why };
}

function mainsReadings(mains: Mains | null): BoxReading[] {
  if (mains === null) return [];
  return [{ name: 'mainsOnline', value: mains.online ? 1 : 0, unit: 'state' }];
}

function mainsConditions(mains: Mains | null): BoxCondition[] {
  if (mains === null) return [];
  const remedy = 'look at fuse, plug and power supply; the box runs on its battery';
  const detail = mains.online ? 'mains is there' : `${mains.why}: ${remedy}`;
  return [{ fault: 'mainsFail', verdict: mains.online ? 'good' : 'bad', detail }];
}

/** The battery with the least charge, as a list of one; empty where none tells its charge. */
function lowestOf(batteries: readonly Supply[]): readonly Supply[] {
  const charged = batteries.filter(({ percent, present }) => percent !== null && present !== 0);
  return charged.sort((a, b) => (a.percent ?? 0) - (b.percent ?? 0)).slice(0, 1);
}

function batteryReadings(lowest: readonly Supply[]): BoxReading[] {
  return lowest.flatMap(({ percent, volts }): BoxReading[] => [
    ...(percent === null
      ? []
      : [{ name: 'batteryPercent', value: percent, unit: 'percent' } as const]),
    ...(volts === null ? [] : [{ name: 'batteryVolts', value: volts, unit: 'volts' } as const]),
  ]);
}

function missingCondition({ name, present }: Supply): BoxCondition[] {
  if (present === null) return [];
  const detail =
    present === 0
      ? `no battery in ${name}: put it in and look at its plug and fuse`
      : `the battery of ${name} is there`;
  return [{ fault: 'batteryMissing', verdict: present === 0 ? 'bad' : 'good', detail }];
}

function chargeConditions(
  { name, percent, volts, status }: Supply,
  mainsOnline: boolean | null,
  limitPercent: number,
): BoxCondition[] {
  if (percent === null) return [];
  const low = below(percent, limitPercent, BATTERY_HYSTERESIS_PERCENT);
  const measured =
    `battery ${name} has ${percent} %` + (volts === null ? '' : ` (${shown(volts)} V)`);
  const limit = `limit ${shown(limitPercent)} %`;
  const lowDetail = `${measured}, ${limit}: bring mains back, else replace it`;
  const idle = status === 'Discharging' || status === 'Not charging';
  const stuck: Verdict =
    mainsOnline === true && idle && percent < SHOULD_CHARGE_BELOW_PERCENT ? 'bad' : 'good';
  const remedy = 'look at the charger, its fuse and the age of the battery';
  const stuckDetail = `${measured} and is not charged although mains is there: ${remedy}`;
  return [
    { fault: 'batteryLow', verdict: low, detail: low === 'bad' ? lowDetail : measured },
    {
      fault: 'batteryNotCharging',
      verdict: stuck,
      detail: stuck === 'bad' ? stuckDetail : measured,
    },
  ];
}

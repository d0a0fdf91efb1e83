/** Whether an appliance works with a configuration as it did with the one before; pure. */
import type { PanelView, SourceView } from '../domain/view.ts';
import type { Baseline } from './state.ts';

/** How an appliance is at one moment. */
export interface Look {
  readonly view: PanelView;
  /** Whether steps end, and outputs are written. */
  readonly steps: boolean;
  /** All brokers of the configuration that runs, and those that are connected. */
  readonly brokers: readonly string[];
  readonly connected: readonly string[];
}

/**
 * Faults that a configuration can make: a new one of these speaks against it. Sensors that fall
 * silent are told by what they report no more, because a new one may not be mounted yet.
 */
export const CONFIG_FAULTS: ReadonlySet<string> = new Set([
  'sensorNotStarted',
  'arrayUnavailable',
  'busTooSlow',
  'arrayPowerUnavailable',
  'moduleGarbled',
  'serialLineDown',
  'lineGarbled',
  'notABoard',
  'adcUnavailable',
  'contactUnavailable',
  'modbusUnavailable',
  'recordingUnavailable',
  'outputFailed',
  'outputDisagrees',
  'inputFailed',
  'gpioHolderDown',
  'ringUnavailable',
  'storeUnavailable',
  'modelUnavailable',
  'blackBoxFailed',
  'ingestUnavailable',
  'controlUnavailable',
  'healthUnavailable',
  'brokerNotStarted',
  'commandKeyUnusable',
  'laneRefused',
]);

const REPORTING: ReadonlySet<SourceView['quality']> = new Set<SourceView['quality']>([
  'good',
  'learning',
  'warmingUp',
  'uncalibrated',
]);

/** What the next configuration is measured by. */
export function baselineOf({ view, connected }: Look): Baseline {
  return {
    faults: standing(view).map(({ name }) => name),
    sources: view.sources.filter(({ quality }) => REPORTING.has(quality)).map(sourceName),
    connected,
  };
}

/**
 * What is worse than it was, for people; empty: nothing.
 * @param broker the one it came by; null: it came from the machine itself.
 */
export function illnesses(baseline: Baseline, look: Look, broker: string | null): string[] {
  const { view, steps, brokers, connected } = look;
  const found: string[] = steps ? [] : ['no steps are made'];
  for (const { name, fault, detail } of standing(view)) {
    if (!CONFIG_FAULTS.has(fault) || baseline.faults.includes(name)) continue;
    found.push(`new fault ${name}: ${detail}`);
  }
  for (const source of view.sources) {
    if (REPORTING.has(source.quality) || !baseline.sources.includes(sourceName(source))) continue;
    found.push(`${sourceName(source)} reported before and does not now (${source.quality})`);
  }
  const wanted = broker === null ? baseline.connected : [broker];
  for (const name of wanted) {
    if (connected.includes(name)) continue;
    // Without a sender who must be reached, a broker may be taken out of the configuration.
    if (broker === null && !brokers.includes(name)) continue;
    found.push(`broker ${name} is not connected`);
  }
  return found;
}

/** Why nobody may restart the appliance on purpose now; null: it may be. */
export function whyNotNow(view: PanelView): string | null {
  if (view.maintenanceUntilMs !== null) return 'somebody works on the site (maintenance)';
  for (const zone of view.zones) {
    if (zone.alarm !== null) return `zone ${zone.id} is in alarm: reset it first`;
    if (zone.preAlarm !== null) return `zone ${zone.id} is in pre-alarm`;
    if (zone.verifying) return `zone ${zone.id} looks at a possible fire`;
    if (zone.testUntilMs !== null) return `zone ${zone.id} is under test`;
  }
  return null;
}

interface Standing {
  readonly name: string;
  readonly fault: string;
  readonly detail: string;
}

function standing(view: PanelView): readonly Standing[] {
  const all = [...view.faults, ...view.zones.flatMap((zone) => zone.faults)];
  return all.map(({ fault, subject, detail }) => ({ name: `${fault} ${subject}`, fault, detail }));
}

function sourceName({ sensor, channel }: SourceView): string {
  return `${sensor}/${channel}`;
}

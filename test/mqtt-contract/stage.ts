/** A state with zones and sources to look at, and a keyed store in memory. */
import type { KeyedStore, StoredKind } from '../../src/domain/ports.ts';
import { sensorId, zoneId } from '../../src/domain/units.ts';
import type { SourceView, ZoneView } from '../../src/domain/view.ts';
import type { StateSnapshot } from '../../src/uplink/payload.ts';
import { SNAPSHOT } from '../uplink/bench.ts';

export function zoneView(id: string, more: Partial<ZoneView> = {}): ZoneView {
  return {
    ...{ id: zoneId(id), name: `Zone ${id}`, condition: 'normal', alarm: null, preAlarm: null },
    ...{ verifying: false, acknowledged: false, silenced: false },
    ...{ disabledUntilMs: null, testUntilMs: null, faults: [], supervisory: [] },
    ...more,
  };
}

export function sourceView(
  zone: string,
  sensor: string,
  channel: string,
  more: Partial<SourceView> = {},
): SourceView {
  return {
    ...{ sensor: sensorId(sensor), channel, zone: zoneId(zone), role: 'smoke', value: 7.5 },
    ...{ unit: 'percent', idle: null, estimate: null, warmUpLeftMs: null },
    ...{ learningPercent: null, dosePercent: null, ageMs: 40, quality: 'good' },
    disabledUntilMs: null,
    ...more,
  };
}

export function stateOf(
  zones: readonly ZoneView[],
  sources: readonly SourceView[],
  more: Partial<StateSnapshot> = {},
): StateSnapshot {
  return { ...SNAPSHOT, zones, sources, ...more };
}

/** Two zones: smoke and heat in the kitchen, gas in the hall. */
export const TWO_ZONES = stateOf(
  [zoneView('kitchen'), zoneView('hall')],
  [
    sourceView('kitchen', 'k1', 'ADC1'),
    sourceView('kitchen', 'k1', 'thermal', { role: 'thermal', value: 22.5, unit: 'celsius' }),
    sourceView('hall', 'h1', 'ADC1', { role: 'gas', value: null, quality: 'stale' }),
  ],
);

export class MemoryStore implements KeyedStore {
  readonly values = new Map<StoredKind, Map<string, string>>();
  writes = 0;

  loadAll(kind: StoredKind): Promise<ReadonlyMap<string, string>> {
    return Promise.resolve(new Map(this.values.get(kind)));
  }

  put(kind: StoredKind, key: string, value: string): void {
    this.writes += 1;
    const of = this.values.get(kind) ?? new Map<string, string>();
    this.values.set(kind, of.set(key, value));
  }

  remove(kind: StoredKind, key: string): void {
    this.writes += 1;
    this.values.get(kind)?.delete(key);
  }
}

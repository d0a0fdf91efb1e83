/** One session with everything it needs, in memory, and what it did. */
import type { EvidenceWindow, LevelWindow } from '../../src/domain/evidence.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { BoardProfile } from '../../src/domain/line-protocol/board-profile.ts';
import { DEFAULT_TRAITS } from '../../src/domain/line-protocol/board-profile.ts';
import { BoardRegistry } from '../../src/domain/line-protocol/board-registry.ts';
import { CalibrationCache } from '../../src/domain/line-protocol/calibrations.ts';
import { createLineCounters } from '../../src/domain/line-protocol/line-counters.ts';
import type { PacketError } from '../../src/domain/line-protocol/packet-error.ts';
import { BoardSession } from '../../src/domain/line-protocol/session.ts';
import type { SharedSessionDeps } from '../../src/domain/line-protocol/session-deps.ts';
import type { KeyedStore, Random, StoredKind } from '../../src/domain/ports.ts';
import type { SensorNotice } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function memoryStore(): KeyedStore & { readonly content: Map<string, string> } {
  const content = new Map<string, string>();
  return {
    content,
    loadAll: (kind: StoredKind) => {
      const entries = [...content].filter(([key]) => key.startsWith(`${kind}/`));
      return Promise.resolve(
        new Map(entries.map(([key, value]) => [key.slice(kind.length + 1), value])),
      );
    },
    put: (kind, key, value) => void content.set(`${kind}/${key}`, value),
    remove: (kind, key) => void content.delete(`${kind}/${key}`),
  };
}

/** Always the middle of the range: no jitter. */
export const evenRandom: Random = { next: () => 0.5, uint32: () => 0x80000000 };

export interface Delivery {
  readonly sensor: string;
  readonly celsius: Float32Array;
  readonly calibrated: boolean;
  readonly taCelsius: number | null;
  readonly vddVolts: number | null;
  readonly atMs: number;
}

export interface WorldOptions {
  readonly profiles?: readonly BoardProfile[];
  readonly store?: KeyedStore;
  readonly addresses?: ReadonlyMap<string, string>;
}

export async function createWorld(options: WorldOptions = {}) {
  const bank = new EvidenceBank();
  const counters = createLineCounters();
  const notices: SensorNotice[] = [];
  const frames: Delivery[] = [];
  const commands: string[] = [];
  const errors: PacketError[] = [];
  const serials: string[] = [];
  const onNotice = (notice: SensorNotice): void => void notices.push(notice);
  const registry = new BoardRegistry({
    profiles: options.profiles ?? [],
    bank,
    locationOfAddress: (address) => options.addresses?.get(address),
    onNotice,
  });
  const shared: SharedSessionDeps = {
    bank,
    counters,
    registry,
    calibrations: await CalibrationCache.load(options.store ?? memoryStore()),
    random: evenRandom,
    onNotice,
    frameSinkOf: (sensor) => ({
      accept: (celsius, { calibrated, facts }, atMs) =>
        void frames.push({
          sensor,
          celsius: celsius.slice(),
          calibrated,
          taCelsius: facts?.taCelsius ?? null,
          vddVolts: facts?.vddVolts ?? null,
          atMs,
        }),
    }),
  };
  const openSession = (address = '10.0.0.1', nowMs = 0): BoardSession =>
    new BoardSession(
      {
        ...shared,
        address,
        send: (command) => commands.push(String.fromCharCode(...command)) > 0,
        onSerial: (serial) => serials.push(serial),
        onError: (error) => errors.push(error),
      },
      nowMs,
    );
  return {
    bank,
    counters,
    notices,
    frames,
    commands,
    errors,
    serials,
    registry,
    shared,
    openSession,
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;

export function profile(sensor: string, over: Partial<BoardProfile> = {}): BoardProfile {
  return { ...DEFAULT_TRAITS, sensor: sensorId(sensor), match: { location: sensor }, ...over };
}

/** The analog and digital windows of a drained bank, by `sensor/channel`. */
export function levelsOf(windows: readonly EvidenceWindow[]): Map<string, LevelWindow> {
  const levels = new Map<string, LevelWindow>();
  for (const window of windows) {
    if (window.kind === 'level') levels.set(`${window.sensor}/${window.channel}`, window);
  }
  return levels;
}

/** `reason` of every noData window, by sensor. */
export function reasonsOf(windows: readonly EvidenceWindow[]): string[] {
  return windows.flatMap((window) =>
    window.kind === 'noData' ? [`${window.sensor}: ${window.reason}`] : [],
  );
}

export function percent(raw: number): number {
  return (raw * 100) / 4095;
}

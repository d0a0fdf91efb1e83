/** One board as the appliance knows it, whatever connections it comes and goes by. */
import type { EvidenceBank, LevelAccumulator } from '../evidence-bank.ts';
import { FrozenWatch } from '../mlx90640/frozen-watch.ts';
import type { SensorId } from '../units.ts';
import type { BoardTraits } from './board-profile.ts';
import type { PacketError } from './packet-error.ts';

/** Different analog and digital channels of one board. */
export const MAX_CHANNELS = 16;

/**
 * Where a board's temperatures come from: `confirmed`, its own EEPROM, read on this connection;
 * `stored`, one read earlier; `refused`, its EEPROM cannot be a calibration and no other is stored.
 */
export type CalibrationStatus = 'none' | 'stored' | 'confirmed' | 'refused' | 'notNeeded';

export class Board {
  readonly sensor: SensorId;
  readonly traits: BoardTraits;
  readonly configured: boolean;
  /** Serial number, location or address by which it was first recognised. */
  readonly announced: string;
  /** Survives reconnections: a frozen array that reconnects for each frame is still frozen. */
  readonly frozen = new FrozenWatch();
  /** Address of the newest connection that delivered for it; null before the first. */
  address: string | null = null;
  lastPacketAtMs: number | null = null;
  lastFrameAtMs: number | null = null;
  packets = 0;
  framesDecoded = 0;
  framesWithheld = 0;
  errors = 0;
  lastError: PacketError | null = null;
  calibration: CalibrationStatus;
  arrayId: string | null = null;
  readonly #bank: EvidenceBank;
  readonly #levels = new Map<string, LevelAccumulator>();

  constructor(
    identity: { sensor: SensorId; announced: string; configured: boolean },
    traits: BoardTraits,
    bank: EvidenceBank,
  ) {
    this.sensor = identity.sensor;
    this.announced = identity.announced;
    this.configured = identity.configured;
    this.traits = traits;
    this.calibration = traits.decoding.kind === 'legacy' ? 'notNeeded' : 'none';
    this.#bank = bank;
  }

  /** Where readings of `channel` go; null when the board has too many channels already. */
  level(channel: string): LevelAccumulator | null {
    const known = this.#levels.get(channel);
    if (known !== undefined) return known;
    if (this.#levels.size === MAX_CHANNELS) return null;
    const level = this.#bank.level(this.sensor, channel);
    this.#levels.set(channel, level);
    return level;
  }
}

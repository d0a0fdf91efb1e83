/**
 * Keeps what the arrays have learnt of their scenes: read at the start, saved every ten minutes, at
 * the end and after an approval. Lasting changes become notices for the panel.
 *
 * A memory that cannot be read is a line in the log and a fresh start: learning takes minutes, and
 * detection does not wait for it.
 */
import type { Mount } from './domain/frame.ts';
import type { Cancel, Clock, KeyedStore, Log } from './domain/ports.ts';
import type { SensorNotice } from './domain/step.ts';
import type { SensorId } from './domain/units.ts';
import type { Approval } from './vision/pixel-memory.ts';
import { PixelMemory } from './vision/pixel-memory.ts';

export interface PixelKeeperParts {
  readonly store: KeyedStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly notify: (notice: SensorNotice) => void;
  /** Id of the array that is at a sensor, null while unknown; see `CalibrationCache.arrayAt`. */
  readonly arrayAt: (sensor: SensorId) => string | null;
}

/** Changes are looked for, and at most `SAVES_PER_ROUND` memories written, this often. */
const ROUND_MS = 10_000;
const SAVE_EVERY_MS = 10 * 60_000;
/** Writing a memory out takes 50 us: a hundred at once would hold a step up. */
const SAVES_PER_ROUND = 4;
/** Memories of sensors that are gone are forgotten beyond this. */
const MAX_STORED = 256;

interface Kept {
  readonly memory: PixelMemory;
  savedAtMs: number;
  savedText: string;
}

export class PixelKeeper {
  readonly #parts: PixelKeeperParts;
  /** As read at the start, until their sensor asks for them. */
  readonly #stored: Map<string, string>;
  readonly #kept = new Map<SensorId, Kept>();
  #cancel: Cancel = () => undefined;

  private constructor(parts: PixelKeeperParts, stored: ReadonlyMap<string, string>) {
    this.#parts = parts;
    this.#stored = new Map(stored);
  }

  /** Reads the store once and starts to look after the memories. */
  static async load(parts: PixelKeeperParts): Promise<PixelKeeper> {
    const keeper = new PixelKeeper(parts, await parts.store.loadAll('pixelMemory'));
    keeper.#startRound();
    return keeper;
  }

  /** The memory of a sensor's array, the same object for every call; fresh where none fits. */
  memoryOf(sensor: SensorId, mount: Mount): PixelMemory {
    const known = this.#kept.get(sensor);
    if (known !== undefined) return known.memory;
    const { clock, log, arrayAt } = this.#parts;
    const identity = { array: arrayAt(sensor) ?? '', mount };
    const text = this.#stored.get(sensor);
    this.#stored.delete(sensor);
    const result = text === undefined ? null : PixelMemory.fromMemory(text, identity);
    if (result?.ok === false) {
      const message = 'the learnt background is not used, it is learnt anew';
      log('warn', message, { sensor, problem: result.problem });
    }
    const memory = result?.ok === true ? result.memory : new PixelMemory(identity);
    const savedText = result?.ok === true && text !== undefined ? text : '';
    this.#kept.set(sensor, { memory, savedAtMs: clock.monotonicMs(), savedText });
    return memory;
  }

  /** Another array is at a sensor now; does nothing where it is the one that is known. */
  arrayIs(sensor: SensorId, array: string): void {
    const kept = this.#kept.get(sensor);
    if (kept === undefined || kept.memory.array === array) return;
    const isOther = kept.memory.array !== '';
    kept.memory.identify(array);
    if (!isOther) return;
    this.#parts.log('info', 'another array: its background is learnt anew', { sensor, array });
    this.#report(sensor, kept.memory);
  }

  /**
   * Makes the present scene of a sensor its background, and saves it; a person has looked at it.
   * @returns what was done, or why nothing was
   */
  approve(sensor: SensorId): Approval {
    const kept = this.#kept.get(sensor);
    if (kept === undefined) {
      const detail =
        `nothing was approved: sensor "${sensor}" has sent no thermal picture since the start; ` +
        'check its name and its connection';
      return { ok: false, detail };
    }
    const approval = kept.memory.approve(this.#parts.clock.monotonicMs());
    this.#parts.log(approval.ok ? 'info' : 'warn', 'background', {
      sensor,
      detail: approval.detail,
    });
    if (approval.ok) this.#save(sensor, kept);
    this.#report(sensor, kept.memory);
    return approval;
  }

  /** Saves what has changed and ends. */
  stop(): void {
    this.#cancel();
    for (const [sensor, kept] of this.#kept) this.#save(sensor, kept);
  }

  #startRound(): void {
    this.#cancel = this.#parts.clock.after(ROUND_MS, () => {
      this.#round();
      this.#startRound();
    });
  }

  #round(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    let saves = 0;
    for (const [sensor, kept] of this.#kept) {
      const array = this.#parts.arrayAt(sensor);
      if (array !== null) this.arrayIs(sensor, array);
      this.#report(sensor, kept.memory);
      if (saves >= SAVES_PER_ROUND || nowMs - kept.savedAtMs < SAVE_EVERY_MS) continue;
      saves += 1;
      this.#save(sensor, kept);
    }
  }

  #report(sensor: SensorId, memory: PixelMemory): void {
    const change = memory.takeChange();
    if (change === null) return;
    const { raised, detail } = change;
    this.#parts.notify({ kind: 'backgroundChanged', sensor, raised, detail });
  }

  #save(sensor: SensorId, kept: Kept): void {
    kept.savedAtMs = this.#parts.clock.monotonicMs();
    if (!kept.memory.isLearnt) return;
    const text = kept.memory.toMemory();
    if (text === kept.savedText) return;
    kept.savedText = text;
    this.#parts.store.put('pixelMemory', sensor, text);
    this.#forgetSpare();
  }

  /** Sensors come and go: those that have not been seen since the start go first. */
  #forgetSpare(): void {
    if (this.#stored.size + this.#kept.size <= MAX_STORED) return;
    const [spare] = this.#stored.keys();
    if (spare === undefined) return;
    this.#stored.delete(spare);
    this.#parts.store.remove('pixelMemory', spare);
  }
}

/** What can be wrong with the store, told once when it begins and once when it ends. */
export type StoreTroubleKind =
  /** The database cannot be used now; events are kept in memory and in the ring. */
  | 'storeUnavailable'
  /** The disk has no room for another commit. */
  | 'storeFull'
  /** The ballast for a full disk was let go, and cannot be made again yet. */
  | 'storeReserveUsed'
  /** Few hours of outage fit at the present rate. */
  | 'storeFilling'
  /** The write-ahead log cannot be folded back and grows. */
  | 'storeLogGrowing'
  /** A commit takes so long that it counts as trouble. */
  | 'storeSlow'
  /** A database was damaged and has been set aside; stands until the appliance restarts. */
  | 'storeCorrupt'
  /** Two events claimed one number; stands until the appliance restarts. */
  | 'storeClash'
  /** The alarm file cannot be written: alarms are in the database alone. */
  | 'alarmFileFailed'
  /** Part of the alarm file cannot be read; stands until the appliance restarts. */
  | 'alarmFileDamaged'
  /** A write to the alarm file was cut short at the end of the run before; over at once. */
  | 'alarmFileTorn'
  /** Alarms that the database had lost came back from the alarm file; over at once. */
  | 'alarmsRestored'
  /** Rows waiting in memory were given up. */
  | 'storeDropping'
  /** The alarm ring cannot be written: a kill of the process may lose what was just decided. */
  | 'ringUnavailable'
  /** The alarm ring gave up records that were not durable yet. */
  | 'ringFull'
  /** The ring lies on a disk, where writing to it can stall. */
  | 'ringOnDisk'
  /** The panel snapshot cannot be written. */
  | 'snapshotFailed';

export interface StoreTrouble {
  readonly kind: StoreTroubleKind;
  /** What, where, and what to do about it. */
  readonly detail: string;
  readonly raised: boolean;
}

/** A trouble that stood when the store was opened. */
export type StoreProblem = Omit<StoreTrouble, 'raised'>;

/** May be called from within an append: it must only take note. */
export type TroubleListener = (trouble: StoreTrouble) => void;

export class TroubleBoard {
  readonly #listener: TroubleListener;
  readonly #standing = new Map<StoreTroubleKind, string>();

  constructor(listener: TroubleListener) {
    this.#listener = listener;
  }

  raise(kind: StoreTroubleKind, detail: string): void {
    if (this.#standing.has(kind)) return;
    this.#standing.set(kind, detail);
    this.#listener({ kind, detail, raised: true });
  }

  restore(...kinds: readonly StoreTroubleKind[]): void {
    for (const kind of kinds) {
      const detail = this.#standing.get(kind);
      if (detail === undefined) continue;
      this.#standing.delete(kind);
      this.#listener({ kind, detail, raised: false });
    }
  }

  stands(...kinds: readonly StoreTroubleKind[]): boolean {
    return kinds.some((kind) => this.#standing.has(kind));
  }

  get standing(): readonly StoreProblem[] {
    return [...this.#standing].map(([kind, detail]) => ({ kind, detail }));
  }
}

export function brokenText(full: boolean, detail: string): string {
  return full ? `${detail}; make room on its disk` : `${detail}; check the disk and its folder`;
}

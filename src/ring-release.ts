/**
 * When the alarm ring may forget: once an event is durable in the journal and the panel's snapshot
 * on disk includes it. The journal alone is not enough: outputs are driven from snapshot and ring
 * before the journal is open, so a kill between a commit and its snapshot would start the next run
 * with a silent siren. While snapshots fail, the journal alone decides, or the ring would overflow.
 */
import type { Lane } from './domain/event.ts';
import { LANES } from './domain/event.ts';
import type { CommitReceipt } from './domain/ports.ts';

export class RingRelease {
  readonly #release: (receipt: CommitReceipt) => void;
  readonly #committed = new Map<Lane, number>();
  readonly #covered = new Map<Lane, number>();
  #snapshotsWork = true;

  /** @param release told what the ring may forget. */
  constructor(release: (receipt: CommitReceipt) => void) {
    this.#release = release;
  }

  committed(receipt: CommitReceipt): void {
    for (const lane of LANES) raise(this.#committed, lane, receipt.committed[lane]);
    this.#tell();
  }

  /** A snapshot that includes these numbers is on disk. */
  covered(lastSeq: Readonly<Record<Lane, number>>): void {
    this.#snapshotsWork = true;
    for (const lane of LANES) raise(this.#covered, lane, lastSeq[lane]);
    this.#tell();
  }

  snapshotFailed(): void {
    this.#snapshotsWork = false;
    this.#tell();
  }

  #tell(): void {
    const committed: Partial<Record<Lane, number>> = {};
    for (const [lane, seq] of this.#committed) {
      committed[lane] = this.#snapshotsWork ? Math.min(seq, this.#covered.get(lane) ?? 0) : seq;
    }
    this.#release({ committed, events: 0, commitMs: 0 });
  }
}

function raise(numbers: Map<Lane, number>, lane: Lane, seq: number | undefined): void {
  if (seq !== undefined && seq > (numbers.get(lane) ?? 0)) numbers.set(lane, seq);
}

/** One item of a lane between the lane and the network. */
import type { Entry } from './lane-queue.ts';
import type { LaneName } from './lane-source.ts';
import type { OutgoingMessage, PublishResult } from './link.ts';

/** One item on its way. */
export interface Parcel {
  readonly lane: LaneName;
  readonly message: OutgoingMessage;
  readonly suspect: boolean;
  /** Number of the item within its lane. */
  readonly seq: number;
  /** About how long the message is. */
  readonly bytes: number;
  /** @param hangUp the peer ended the connection while this parcel was alone in flight. */
  settle(result: PublishResult, hangUp: boolean): void;
}

/** A class for the reason that `Entry` has. */
export class EntryParcel implements Parcel {
  readonly lane: LaneName;
  readonly message: OutgoingMessage;
  readonly suspect: boolean;
  readonly seq: number;
  readonly bytes: number;
  readonly settle: Parcel['settle'];

  constructor(
    lane: LaneName,
    message: OutgoingMessage,
    suspect: boolean,
    { seq, bytes }: Entry<unknown>,
    settle: Parcel['settle'],
  ) {
    this.lane = lane;
    this.message = message;
    this.suspect = suspect;
    this.seq = seq;
    this.bytes = bytes;
    this.settle = settle;
  }
}

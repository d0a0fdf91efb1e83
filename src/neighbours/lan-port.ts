/** The line to the neighbours: datagrams that may be lost, doubled, late, or somebody else's. */

export interface LanAddress {
  /** Name or address. */
  readonly host: string;
  readonly port: number;
}

export interface LanPort {
  /** The port that was really taken. */
  readonly port: number;
  /** Sends or loses it; trouble is told to `onTrouble`, never thrown. */
  send(bytes: Uint8Array, to: LanAddress): void;
  close(): Promise<void>;
}

export interface LanEvents {
  onDatagram(bytes: Uint8Array): void;
  /** A datagram could not be sent; told for each. */
  onTrouble(detail: string): void;
}

export type OpenLan = (
  at: LanAddress,
  events: LanEvents,
) => Promise<
  { readonly ok: true; readonly value: LanPort } | { readonly ok: false; readonly error: string }
>;

/**
 * A board's recorded bytes, and a board made of them. The bytes are played exactly as recorded,
 * damaged packets included; only the calibration is set aside, to be sent when it is asked for.
 */
import type { PacketVisitor } from '../domain/line-protocol/framing.ts';
import { PacketScanner } from '../domain/line-protocol/framing.ts';
import { packetKindOf } from '../domain/line-protocol/packets.ts';
import type { Cancel, Clock } from '../domain/ports.ts';

/** One turn of the board: usually a frame and its sensor packet. */
export interface Cycle {
  readonly first: Uint8Array;
  /** The sensor packet that ends the cycle; null where the recording has none. */
  readonly sensor: Uint8Array | null;
}

export interface Recording {
  readonly cycles: readonly Cycle[];
  readonly eeprom: Uint8Array | null;
}

/** Cuts a byte stream into cycles; a stream without any packet gives no cycles. */
export function parseRecording(bytes: Uint8Array): Recording {
  const cutter = new Cutter(bytes);
  new PacketScanner().push(bytes, cutter);
  return cutter.finish();
}

class Cutter implements PacketVisitor {
  readonly #bytes: Uint8Array;
  readonly #cycles: Cycle[] = [];
  #eeprom: Uint8Array | null = null;
  /** Where the current cycle starts, and where its last packet has ended. */
  #cycleFrom = 0;
  #packetFrom = 0;
  #hasFrame = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  packet(_bytes: Uint8Array, start: number, end: number): void {
    const kind = packetKindOf(this.#bytes, start, end);
    const next = end + 1;
    if (kind === 'eeprom') {
      this.#endCycle(null);
      this.#eeprom ??= this.#bytes.slice(start - 1, next);
      this.#cycleFrom = next;
    } else if (kind === 'sensor') {
      this.#endCycle(this.#bytes.slice(this.#packetFrom, next));
      this.#cycleFrom = next;
    } else if (kind === 'frame') {
      if (this.#hasFrame) this.#endCycle(null);
      this.#hasFrame = true;
    }
    this.#packetFrom = next;
  }

  fault(): void {
    // What was damaged is played too: it travels with the packet after it.
  }

  finish(): Recording {
    this.#endCycle(null);
    return { cycles: this.#cycles, eeprom: this.#eeprom };
  }

  #endCycle(sensor: Uint8Array | null): void {
    const first = this.#bytes.slice(this.#cycleFrom, this.#packetFrom);
    if (first.length > 0 || sensor !== null) this.#cycles.push({ first, sensor });
    this.#cycleFrom = this.#packetFrom;
    this.#hasFrame = false;
  }
}

/** A real board's sensor packet follows its frame after 0.49 s of a 4.09 s cycle. */
const SENSOR_SHARE = 0.49 / 4.09;
/** A real board answers `EEPROM1` after 0.9 s at the earliest. */
const EEPROM_SHARE = 0.9 / 4.09;

export interface RecordedBoardOptions {
  readonly recording: Recording;
  readonly clock: Clock;
  readonly cadenceMs: number;
  readonly loop: boolean;
  readonly send: (bytes: Uint8Array) => void;
  /** The last cycle has been sent; never called when looping. */
  readonly ended: () => void;
}

/** Plays a recording as the board would: waits for `PERIOD_ON`, obeys `REQUEST1` and `EEPROM1`. */
export class RecordedBoard {
  readonly #options: RecordedBoardOptions;
  readonly #timers = new Set<Cancel>();
  #next = 0;
  #streaming = false;
  /** An EEPROM answer is on its way: the next cycle waits for it. */
  #answering = false;
  #held: (() => void) | null = null;

  constructor(options: RecordedBoardOptions) {
    this.#options = options;
  }

  /** Takes one command as the appliance sent it, with or without a terminator. */
  command(text: string): void {
    const command = text.trim();
    if (command === 'PERIOD_ON' || command === 'PERIODIC_ON') {
      if (this.#streaming) return;
      this.#streaming = true;
      this.#cycle();
    } else if (command === 'REQUEST1' && !this.#streaming) this.#cycle();
    else if (command === 'EEPROM1') this.#answerEeprom();
  }

  close(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#streaming = false;
    this.#held = null;
  }

  #cycle(): void {
    if (this.#answering) {
      this.#held = () => this.#cycle();
      return;
    }
    const { recording, cadenceMs, loop, send, ended } = this.#options;
    if (loop && this.#next >= recording.cycles.length) this.#next = 0;
    const cycle = recording.cycles[this.#next];
    if (cycle === undefined) return;
    this.#next += 1;
    const { first, sensor } = cycle;
    if (first.length > 0) send(first);
    if (sensor !== null) {
      this.#later(first.length > 0 ? cadenceMs * SENSOR_SHARE : 0, () => send(sensor));
    }
    if (!loop && this.#next === recording.cycles.length) this.#later(cadenceMs, ended);
    else if (this.#streaming) this.#later(cadenceMs, () => this.#cycle());
  }

  #answerEeprom(): void {
    const { recording, cadenceMs, send } = this.#options;
    const { eeprom } = recording;
    if (eeprom === null || this.#answering) return;
    this.#answering = true;
    this.#later(cadenceMs * EEPROM_SHARE, () => {
      this.#answering = false;
      send(eeprom);
      const held = this.#held;
      this.#held = null;
      held?.();
    });
  }

  #later(delayMs: number, run: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}

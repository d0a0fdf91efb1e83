/**
 * What one client of the load test sends, built before the clock starts: its own calibration,
 * frames that differ, readings that differ, all in one block that is written again and again.
 */
import type { Random } from '../domain/ports.ts';
import { SimulatedArray } from '../simulator/array.ts';
import {
  announcement,
  eepromPacket,
  framePacket,
  type PacketStyle,
  REAL_BOARD_STYLE,
  sensorPacket,
} from '../simulator/packets.ts';
import { Scene } from '../simulator/scene.ts';

export type TrafficKind = 'sensor' | 'mixed' | 'frames';

/** Enough for the noise and the person to make a new picture each time. */
const DISTINCT_FRAMES = 32;
/** About 100 kB, so that one write keeps the socket busy for a while. */
const DISTINCT_READINGS = 2048;

export interface Traffic {
  /** Announcements and the EEPROM packet: sent once, before the clock starts. */
  readonly preamble: Buffer;
  /** The answer to `EEPROM1`. */
  readonly eeprom: Buffer;
  /** Whole packets, one after another. */
  readonly block: Buffer;
  /** Where each packet of the block ends. */
  readonly ends: Uint32Array;
  /** Frames among the first n packets of the block, for n = 0..packets. */
  readonly framesBefore: Uint32Array;
}

/** Traffic of client `index`. Frames and readings alternate in `mixed`, as a board sends them. */
export function buildTraffic(kind: TrafficKind, seed: string, index: number): Traffic {
  const style: PacketStyle = { ...REAL_BOARD_STYLE, location: `load ${index + 1}` };
  const array = new SimulatedArray({ seed: `${seed}/${index}` });
  const scene = new Scene({ seed: `${seed}/${index}`, person: true });
  const eeprom = eepromPacket(array.eeprom, style);
  const packets: Buffer[] = [];
  const framesBefore: number[] = [0];
  const add = (packet: Buffer, frames: 0 | 1): void => {
    packets.push(packet);
    framesBefore.push((framesBefore.at(-1) ?? 0) + frames);
  };
  const cycles = kind === 'sensor' ? DISTINCT_READINGS : DISTINCT_FRAMES;
  for (let cycle = 0; cycle < cycles; cycle++) {
    if (kind !== 'sensor') {
      const sample = scene.sample(cycle / 2);
      add(framePacket(array.dump(sample.celsius, sample), style), 1);
    }
    if (kind !== 'frames') add(sensorPacket(scene.analog(cycle / 2), style), 0);
  }
  let end = 0;
  return {
    preamble: Buffer.concat([
      announcement('serialno', `LOAD-${seed}-${index + 1}`, style),
      announcement('locid', style.location, style),
      eeprom,
    ]),
    eeprom,
    block: Buffer.concat(packets),
    ends: Uint32Array.from(packets, (packet) => (end += packet.length)),
    framesBefore: Uint32Array.from(framesBefore),
  };
}

/** A seed for a run that was given none. */
export function drawSeed(random: Random): string {
  return random.uint32().toString(36);
}

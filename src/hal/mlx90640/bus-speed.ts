/**
 * Whether a bus carries what an array sends. A byte takes nine clock cycles, and a transfer also
 * the address byte of each direction and the two bytes of the register's address.
 */
import { REFRESH_HZ, subpageMs } from './registers.ts';

const CYCLES_PER_BYTE = 9;
const OVERHEAD_BYTES = 4;
/** 832 words of RAM, and the 64 last ones again. */
const DUMP_WORDS = 896;
/** Status, clearing it, status again, control register: 2 bytes of data in each. */
const REGISTER_TRANSFERS = 4;
/** A poll comes at least so often between two subpages. */
const POLLS_PER_SUBPAGE = 8;
const SHORTEST_POLL_MS = 2;
/** What is worth writing into a configuration, from the slowest. */
const USUAL_SPEEDS_HZ: readonly number[] = [100_000, 400_000, 1_000_000];
/** A bus slower than measured by this share is still the bus that was measured. */
const MEASURING_ERROR = 0.1;

/** Time between two looks at the status. */
export function pollMs(refreshHz: number): number {
  return Math.max(SHORTEST_POLL_MS, subpageMs(refreshHz) / POLLS_PER_SUBPAGE);
}

/** The speed at which `words` came in `ms`. Never above that of the bus. */
export function speedOf(words: number, ms: number): number {
  return ms > 0 ? (1000 * CYCLES_PER_BYTE * (2 * words + OVERHEAD_BYTES)) / ms : Infinity;
}

/** How long a whole dump takes on a bus of this speed that nobody else uses. */
export function dumpMs(speedHz: number): number {
  const bytes = 2 * DUMP_WORDS + 2 * OVERHEAD_BYTES + REGISTER_TRANSFERS * (2 + OVERHEAD_BYTES);
  return (1000 * CYCLES_PER_BYTE * bytes) / speedHz;
}

/** How long after the end of a subpage it has been read, on the slowest bus that carries it. */
export function readWithinMs(refreshHz: number): number {
  const [slowestHz = 0] = USUAL_SPEEDS_HZ;
  return Math.ceil(Math.min(pollMs(refreshHz) + dumpMs(slowestHz), subpageMs(refreshHz)));
}

/** Whether a dump is over before the next subpage comes, also when new data was seen late. */
export function carries(speedHz: number, refreshHz: number): boolean {
  return dumpMs(speedHz) + pollMs(refreshHz) <= subpageMs(refreshHz);
}

/** The most subpages a second that a bus carries, of those the array knows; 0 for none. */
export function highestRefreshHz(speedHz: number): number {
  return REFRESH_HZ.findLast((refreshHz) => carries(speedHz, refreshHz)) ?? 0;
}

/**
 * Why a bus is too slow and what mends it.
 * @param speedHz as measured, which is less than set when other sensors use the bus too
 */
export function tooSlowText(bus: string, speedHz: number, refreshHz: number): string {
  const table = USUAL_SPEEDS_HZ.map((hz) => `${speedText(hz)} carries ${highestRefreshHz(hz)} Hz`);
  const enough = USUAL_SPEEDS_HZ.find((hz) => carries(hz, refreshHz)) ?? 1_000_000;
  const lower = highestRefreshHz(speedHz * (1 + MEASURING_ERROR));
  const instead = lower > 0 && lower < refreshHz ? lower : refreshHz / 2;
  return (
    `${bus} is too slow for ${refreshHz} Hz: at the ${Math.round(speedHz / 1000)} kHz measured, ` +
    `reading the array takes ${Math.round(dumpMs(speedHz))} ms, and a subpage comes every ` +
    `${Math.round(subpageMs(refreshHz))} ms. An array alone on its bus: ${table.join(', ')}. Put ` +
    `dtparam=i2c_arm_baudrate=${enough} into /boot/firmware/config.txt and restart, or set ` +
    `refreshHz to ${Math.max(instead, 0.5)}`
  );
}

/**
 * Why a bus that is fast enough by itself is not, and what mends it.
 * @param aloneHz its speed while nobody else uses it
 * @param speedHz as measured now
 */
export function tooBusyText(
  bus: string,
  aloneHz: number,
  speedHz: number,
  refreshHz: number,
): string {
  const faster = USUAL_SPEEDS_HZ.find((hz) => hz > aloneHz * (1 + MEASURING_ERROR));
  const line = faster === undefined ? '' : ` (dtparam=i2c_arm_baudrate=${faster})`;
  return (
    `${bus} is too busy for ${refreshHz} Hz: reading the array takes ` +
    `${Math.round(dumpMs(aloneHz))} ms by itself and ${Math.round(dumpMs(speedHz))} ms at the ` +
    `${Math.round(speedHz / 1000)} kHz measured now, a subpage comes every ` +
    `${Math.round(subpageMs(refreshHz))} ms, and other sensors use this bus too. Read them less ` +
    `often, move some to another bus, make it faster${line}, or set refreshHz to ` +
    `${Math.max(refreshHz / 2, 0.5)}`
  );
}

function speedText(hz: number): string {
  return hz < 1_000_000 ? `${hz / 1000} kHz` : `${hz / 1_000_000} MHz`;
}

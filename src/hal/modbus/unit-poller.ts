/**
 * Reads the poll groups of one unit, each at its own pace, for as long as it is wanted. A group has
 * one request under way at most: where the line is slow its readings come later and never pile up.
 */
import type { Cancel, Clock, Random } from '../../domain/ports.ts';
import { Backoff } from '../backoff.ts';
import type { ModbusAddress, ModbusBackend, ModbusLine, ModbusTable } from '../bus-ports.ts';
import type { HalError } from '../ports.ts';

const REOPEN = { firstMs: 500, longestMs: 30_000 };
/** A silent unit costs the others on its line the most time: it is asked less often. */
const SILENT_EVERY_MS = 5000;
/**
 * While there is no line, that is said so often: a sensor that says nothing for 30 s would be one
 * more fault, and one that comes and goes with each attempt.
 */
const DOWN_EVERY_MS = 10_000;

export interface PolledGroup {
  readonly table: ModbusTable;
  readonly address: number;
  readonly count: number;
  readonly cadenceSeconds: number;
}

export interface UnitPollerOptions<G extends PolledGroup> {
  readonly modbus: ModbusBackend;
  readonly address: ModbusAddress;
  readonly unit: number;
  readonly timeoutMs: number;
  readonly groups: readonly G[];
  readonly clock: Clock;
  readonly random: Random;
  readonly words: (group: G, words: Uint16Array, atMs: number) => void;
  /** Also for every group where the line cannot be opened. */
  readonly failed: (group: G, error: HalError, atMs: number) => void;
  /** After each round of the two above. */
  readonly told: () => void;
}

export class UnitPoller<G extends PolledGroup> {
  readonly #options: UnitPollerOptions<G>;
  readonly #backoff: Backoff;
  readonly #waits = new Set<Cancel>();
  #line: ModbusLine | null = null;
  #opening: Promise<void>;
  #closed = false;

  constructor(options: UnitPollerOptions<G>) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#opening = this.#open();
  }

  /** Never rejects; nothing is told afterwards. Harmless when repeated. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
    await this.#opening;
    const line = this.#line;
    this.#line = null;
    await line?.close();
  }

  async #open(): Promise<void> {
    const { modbus, address, groups, clock } = this.#options;
    const opened = await modbus.open(address);
    if (this.#closed) {
      if (opened.ok) await opened.value.close();
      return;
    }
    if (opened.ok) {
      const line = opened.value;
      this.#line = line;
      for (const group of groups) void this.#poll(line, group, clock.monotonicMs());
      return;
    }
    this.#waitDown(opened.error, this.#backoff.nextMs());
  }

  /** Until the next attempt. */
  #waitDown(error: HalError, leftMs: number): void {
    const { groups, clock, failed, told } = this.#options;
    const atMs = clock.monotonicMs();
    for (const group of groups) failed(group, error, atMs);
    told();
    const pauseMs = Math.min(leftMs, DOWN_EVERY_MS);
    this.#after(pauseMs, () => {
      if (leftMs > pauseMs) this.#waitDown(error, leftMs - pauseMs);
      else this.#opening = this.#open();
    });
  }

  async #poll(line: ModbusLine, group: G, dueMs: number): Promise<void> {
    const { unit, timeoutMs, clock } = this.#options;
    const { table, address, count, cadenceSeconds } = group;
    const result = await line.read({ unit, timeoutMs, table, address, count });
    if (this.#closed) return;
    const atMs = clock.monotonicMs();
    if (result.ok) this.#options.words(group, result.value, atMs);
    else this.#options.failed(group, result.error, atMs);
    this.#options.told();
    const silent = !result.ok && result.error.kind === 'timeout';
    const everyMs = Math.max(1000 * cadenceSeconds, silent ? SILENT_EVERY_MS : 0);
    // What was missed is left out: the next reading is due at the next beat, not at once.
    const beats = Math.max(1, Math.ceil((atMs - dueMs) / everyMs));
    const nextMs = dueMs + beats * everyMs;
    this.#after(nextMs - atMs, () => void this.#poll(line, group, nextMs));
  }

  #after(delayMs: number, run: () => void): void {
    const cancel = this.#options.clock.after(Math.max(0, delayMs), () => {
      this.#waits.delete(cancel);
      run();
    });
    this.#waits.add(cancel);
  }
}

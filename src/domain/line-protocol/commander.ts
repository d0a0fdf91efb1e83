/** The commands of one connection: the scheduler's state, and what it takes to say something. */
import type { Random } from '../ports.ts';
import { type BoardTraits, commandBytes, schedulerOptionsOf } from './board-profile.ts';
import type { LineCounters } from './line-counters.ts';
import type { Received, SchedulerEvent, SchedulerState } from './schedule.ts';
import { createScheduler, stepScheduler, withOptions } from './scheduler.ts';

export interface CommanderDeps {
  readonly random: Random;
  readonly counters: LineCounters;
  readonly send: (command: Uint8Array) => boolean;
}

export class Commander {
  readonly #deps: CommanderDeps;
  #traits: BoardTraits;
  #state: SchedulerState;
  #dueMs: number;

  constructor(deps: CommanderDeps, traits: BoardTraits, nowMs: number) {
    this.#deps = deps;
    this.#traits = traits;
    this.#state = createScheduler(schedulerOptionsOf(traits), nowMs);
    this.#dueMs = nowMs;
  }

  get dueMs(): number {
    return this.#dueMs;
  }

  get traits(): BoardTraits {
    return this.#traits;
  }

  /** The board turned out to be another one than assumed: other pace, other spelling. */
  set traits(traits: BoardTraits) {
    if (traits === this.#traits) return;
    this.#traits = traits;
    this.#state = withOptions(this.#state, schedulerOptionsOf(traits));
    this.#dueMs = 0;
  }

  /** @returns whether a command went out */
  received(received: Received, nowMs: number): boolean {
    return this.#step({ ...received, chance: this.#deps.random.next() }, nowMs);
  }

  /** @returns whether a command went out */
  tick(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    return this.#step({ kind: 'tick', chance: this.#deps.random.next() }, nowMs);
  }

  #step(event: SchedulerEvent, nowMs: number): boolean {
    const { state, send, nextDueMs } = stepScheduler(this.#state, event, nowMs);
    this.#state = state;
    this.#dueMs = nextDueMs;
    if (send === null) return false;
    const { counters } = this.#deps;
    if (this.#deps.send(commandBytes(send, this.#traits))) counters.commandsSent[send] += 1;
    else counters.commandsDropped += 1;
    return true;
  }
}

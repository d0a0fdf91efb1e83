/**
 * The step: drain, decide, remember, act, journal, tell. Its order is the product's promise
 * (docs/decisions/0002): alarm ring on tmpfs, then outputs, then the durable journal.
 *
 * Drivers only leave evidence and notices; nothing outside a step changes the panel.
 */
import { disabledOutputsOf, outputsOf, stepPanel, viewOf } from './alarm/panel.ts';
import type { Panel } from './alarm/panel.ts';
import type { CommandOutcome, CommandRequest } from './domain/command.ts';
import type { DomainEvent, JournalEvent } from './domain/event.ts';
import type { EvidenceBank } from './domain/evidence-bank.ts';
import { Mailbox } from './domain/mailbox.ts';
import type { Cancel, Clock } from './domain/ports.ts';
import type { FaultNotice, Hours, InputSignal, SensorNotice, StepInputs } from './domain/step.ts';
import type { DisabledOutput, OutputLevels, PanelView } from './domain/view.ts';
import { Refusals } from './refusals.ts';
import type { RefusedAttempt } from './refusals.ts';

/** A step runs at least this often, input or not. */
export const TICK_MS = 100;
/** Commands wait here between two steps; more than a crowd of operators can send. */
const COMMAND_CAPACITY = 16;

export interface StepReport {
  readonly nowMs: number;
  readonly startedMs: number;
  readonly inputs: StepInputs;
  readonly events: readonly JournalEvent[];
  readonly panel: Panel;
}

export interface RuntimeParts {
  readonly clock: Clock;
  readonly bank: EvidenceBank;
  readonly panel: Panel;
  /** Gives events their number, id and time. */
  readonly stamp: (events: readonly DomainEvent[]) => readonly JournalEvent[];
  /** The site's hours, where it has any. */
  readonly hours?: () => Hours | null;
  /** Keeps events through the death of this process; never blocks, tells its trouble itself. */
  readonly remember: (events: readonly JournalEvent[]) => void;
  /** Drives the outputs, disabled lines apart; never blocks. Trouble comes as notices. */
  readonly drive: (
    levels: OutputLevels,
    nowMs: number,
    disabled: readonly DisabledOutput[],
  ) => readonly FaultNotice[];
  /** Hands events to the writer thread; never blocks. */
  readonly journal: (events: readonly JournalEvent[]) => void;
  /** Told after each step; must not throw. */
  readonly observe: (report: StepReport) => void;
}

export interface Progress {
  readonly steps: number;
  readonly slips: number;
  /** When the last step ended. */
  readonly lastStepMs: number;
}

export class Runtime {
  readonly #parts: RuntimeParts;
  #panel: Panel;
  #notices: SensorNotice[] = [];
  #faults: FaultNotice[] = [];
  #signals: InputSignal[] = [];
  #records: DomainEvent[] = [];
  readonly #commands = new Mailbox<CommandRequest>({
    capacity: COMMAND_CAPACITY,
    overflow: 'reject',
  });
  readonly #refusals: Refusals;
  readonly #answers = new Map<string, ((outcome: CommandOutcome) => void)[]>();
  #steps = 0;
  #slips = 0;
  #lastStepMs: number;
  #cancelTick: Cancel = () => undefined;

  constructor(parts: RuntimeParts) {
    this.#parts = parts;
    this.#panel = parts.panel;
    this.#refusals = new Refusals(parts.clock);
    this.#lastStepMs = parts.clock.monotonicMs();
  }

  /** Drives the restored outputs at once, before any input is looked at; then ticks. */
  start(): void {
    this.step();
    const tick = (dueMs: number): void => {
      this.#cancelTick = this.#parts.clock.after(TICK_MS, () => {
        const lateMs = this.#parts.clock.monotonicMs() - dueMs;
        if (lateMs > TICK_MS) this.#slips += 1;
        this.step();
        tick(this.#parts.clock.monotonicMs() + TICK_MS);
      });
    };
    tick(this.#parts.clock.monotonicMs() + TICK_MS);
  }

  stop(): void {
    this.#cancelTick();
  }

  /** News about a sensor, for the next step. */
  notify(notice: SensorNotice): void {
    this.#notices.push(notice);
  }

  /** A fault raised or restored, for the next step. */
  fault(notice: FaultNotice): void {
    this.#faults.push(notice);
  }

  /** A digital input changed; decided at once. */
  signal(signal: InputSignal): void {
    this.#signals.push(signal);
    this.step();
  }

  /** Something that happened outside the panel, for the journal of the next step. */
  record(event: DomainEvent): void {
    this.#records.push(event);
  }

  /** Executed in the next step and answered after it; refused when too many wait. */
  submit(request: CommandRequest): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      if (!this.#commands.offer(request)) {
        const detail = `${COMMAND_CAPACITY} commands are waiting; send it again`;
        const { requestId, origin, command } = request;
        const error = 'overloaded';
        this.refused({ origin, requestId, command: command.kind, error, detail });
        resolve({ requestId, ok: false, error, detail });
        return;
      }
      const waiting = this.#answers.get(request.requestId) ?? [];
      this.#answers.set(request.requestId, [...waiting, resolve]);
    });
  }

  /** An attempt that the panel never saw: journalled all the same, a flood of them as a number. */
  refused(attempt: RefusedAttempt): void {
    const event = this.#refusals.event(attempt);
    if (event !== null) this.#records.push(event);
  }

  /** What the panel refuses is as bounded as what never reached it. */
  #bounded(events: readonly DomainEvent[]): readonly DomainEvent[] {
    if (!events.some(({ type }) => type === 'commandRefused')) return events;
    return events.flatMap((event) => {
      const kept = event.type === 'commandRefused' ? this.#refusals.event(event.data) : event;
      return kept ?? [];
    });
  }

  /** Called at the end of each batch of input, and by the tick. */
  step(): void {
    const { clock, bank, stamp, remember, drive, journal, observe } = this.#parts;
    const startedMs = clock.monotonicMs();
    const inputs: StepInputs = {
      windows: bank.drain(),
      notices: this.#notices,
      faults: this.#faults,
      signals: this.#signals,
      commands: this.#commands.drain(),
      hours: this.#parts.hours?.() ?? null,
    };
    this.#notices = [];
    this.#faults = [];
    this.#signals = [];
    const { panel, events, outcomes } = stepPanel(this.#panel, inputs, startedMs);
    this.#panel = panel;
    const told = this.#bounded(events);
    const all = this.#records.length === 0 ? told : [...this.#records, ...told];
    this.#records = [];
    const stamped = all.length === 0 ? [] : stamp(all);
    if (stamped.length > 0) remember(stamped);
    const disabled = disabledOutputsOf(panel);
    this.#faults.push(...drive(outputsOf(panel, startedMs), startedMs, disabled));
    if (stamped.length > 0) journal(stamped);
    this.#steps += 1;
    this.#lastStepMs = clock.monotonicMs();
    for (const outcome of outcomes) this.#answer(outcome);
    observe({ nowMs: this.#lastStepMs, startedMs, inputs, events: stamped, panel });
  }

  /** What others may see, as of now. */
  view(): PanelView {
    return viewOf(this.#panel, this.#parts.clock.monotonicMs());
  }

  get panel(): Panel {
    return this.#panel;
  }

  get progress(): Progress {
    return { steps: this.#steps, slips: this.#slips, lastStepMs: this.#lastStepMs };
  }

  /** Two senders may use one id: outcomes come in the order of the requests, one for each. */
  #answer(outcome: CommandOutcome): void {
    const [resolve, ...others] = this.#answers.get(outcome.requestId) ?? [];
    if (others.length === 0) this.#answers.delete(outcome.requestId);
    else this.#answers.set(outcome.requestId, others);
    resolve?.(outcome);
  }
}

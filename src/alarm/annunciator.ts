/**
 * Drives the output lines: on change at once, and all of them again each second, so that a line
 * that was disturbed comes back. Trouble is a notice, raised once and restored once, never an
 * exception.
 */
import type { FaultNotice } from '../domain/step.ts';
import type { OutputLevels, OutputRole } from '../domain/view.ts';
import type { DigitalInput, DigitalOutput, HalError } from '../hal/ports.ts';
import { patternLevel } from './pattern.ts';
import type { Pattern } from './plan.ts';

export interface OutputBinding {
  /** Names the output in faults: `output:<id>`. */
  readonly id: string;
  readonly role: OutputRole;
  readonly output: DigitalOutput;
  readonly pattern: Pattern;
  /** Reads back what the line or the relay behind it does; null where nothing is wired. */
  readonly feedback: DigitalInput | null;
  /** How long a relay may take until its feedback must agree. */
  readonly settleMs: number;
}

const REFRESH_MS = 1_000;
/** A failed write is tried again, and a feedback read, at most this often. */
const RETRY_MS = 100;

/**
 * What can be said of a line at a level: `settling` is no answer yet; `failed`: it does not open or
 * cannot be written; `noFeedback`: it was written, and nothing is wired that reads it back.
 */
export type LineCheck = 'settling' | 'agrees' | 'disagrees' | 'failed' | 'noFeedback';

interface Line {
  readonly binding: OutputBinding;
  commanded: boolean;
  commandedSinceMs: number;
  /** Energised for a proof, without an alarm. */
  pulsed: boolean;
  /** What a keeper was told that the line is to show if this process is lost. */
  intended: boolean | null;
  /** Level of the last attempt; null before the first one. */
  tried: boolean | null;
  triedAtMs: number;
  /** Level of the last attempt if it succeeded. */
  written: boolean | null;
  changedAtMs: number;
  comparedAtMs: number;
  writeFailed: boolean;
  /**
   * The level at which the feedback said otherwise; null while all is well. Only agreement at this
   * level mends it: a siren that does not start is not cured by being silent on command.
   */
  disagreedAt: boolean | null;
}

export class Annunciator {
  readonly #lines: readonly Line[];
  #writes = 0;
  /** When a pulse of a proof ends; null while there is none. */
  #pulseUntilMs: number | null = null;

  constructor(bindings: readonly OutputBinding[]) {
    this.#lines = bindings.map((binding) => ({
      binding,
      commanded: false,
      commandedSinceMs: 0,
      pulsed: false,
      intended: null,
      tried: null,
      triedAtMs: -Infinity,
      written: null,
      changedAtMs: -Infinity,
      comparedAtMs: -Infinity,
      writeFailed: false,
      disagreedAt: null,
    }));
  }

  /**
   * Brings every line to what the panel wants. Call it after each step, at least every 100 ms.
   * @param disabled lines that are at rest whatever their role has to show; never the fault relay
   * @returns faults raised and restored: `outputFailed` (the line does not open, or a write failed)
   *   and `outputDisagrees` (the feedback says otherwise, or cannot be read).
   */
  drive(
    levels: OutputLevels,
    nowMs: number,
    disabled: readonly { readonly output: string }[] = [],
  ): readonly FaultNotice[] {
    const notices: FaultNotice[] = [];
    const isAlarm = levels.siren || levels.strobe || levels.alarmRelay;
    if (this.#pulseUntilMs !== null && (isAlarm || nowMs >= this.#pulseUntilMs)) this.endPulse();
    for (const line of this.#lines) {
      const { id, role } = line.binding;
      const rests = role !== 'faultRelay' && disabled.some(({ output }) => output === id);
      this.#write(line, levels[role] && !rests, rests, nowMs, notices);
    }
    return notices;
  }

  /** The lines there are, and how long each takes until its feedback must agree. */
  get wired(): readonly Pick<OutputBinding, 'id' | 'role' | 'settleMs'>[] {
    return this.#lines.map(({ binding }) => binding);
  }

  /**
   * Energises lines for a proof, from the next `drive` on. An alarm ends it, and drives them
   * itself; what is driven already stays as it is. If this process is lost meanwhile, they drop.
   * @param ids never a fault relay's
   */
  pulse(ids: readonly string[], untilMs: number): void {
    for (const line of this.#lines) {
      const { id, role } = line.binding;
      line.pulsed = role !== 'faultRelay' && ids.includes(id);
    }
    this.#pulseUntilMs = untilMs;
  }

  /** Ends a pulse with the next `drive`; harmless when there is none. */
  endPulse(): void {
    this.#pulseUntilMs = null;
    for (const line of this.#lines) line.pulsed = false;
  }

  /** Whether a line is what it was last told to be; reads its feedback, where it has settled. */
  check(id: string, level: boolean, nowMs: number): LineCheck {
    const line = this.#lines.find(({ binding }) => binding.id === id);
    if (line === undefined || line.writeFailed) return 'failed';
    if (line.written !== level) return 'settling';
    const { feedback, settleMs } = line.binding;
    if (feedback === null) return 'noFeedback';
    if (nowMs - line.changedAtMs < settleMs) return 'settling';
    const read = feedback.read();
    return read.ok && read.value === level ? 'agrees' : 'disagrees';
  }

  /** Successful writes since the start: the proof of work for the watchdog. */
  get writes(): number {
    return this.#writes;
  }

  /**
   * After the last step: the fault relay drops, because nobody watches any longer, and what sounds
   * in pulses goes on without them. Nothing may be driven afterwards.
   * @returns what could not be written
   */
  rest(): readonly HalError[] {
    return this.#lines.flatMap(({ binding, commanded, pulsed }) => {
      const { role, pattern, output } = binding;
      if (role !== 'faultRelay' && pattern === 'steady' && !pulsed) return [];
      const rested = output.write(role !== 'faultRelay' && commanded);
      return rested.ok ? [] : [rested.error];
    });
  }

  #write(
    line: Line,
    commanded: boolean,
    rests: boolean,
    nowMs: number,
    notices: FaultNotice[],
  ): void {
    const { pattern, output } = line.binding;
    if (commanded !== line.commanded) {
      line.commanded = commanded;
      line.commandedSinceMs = nowMs;
    }
    // What was once said of a line must be kept true, whatever its pattern.
    const differs = pattern !== 'steady' || line.pulsed || line.intended !== null;
    if (differs && line.intended !== commanded) {
      line.intended = commanded;
      output.intend?.(commanded);
    }
    const active = commanded
      ? patternLevel(pattern, line.commandedSinceMs, nowMs)
      : line.pulsed && !rests;
    const againAfterMs = line.writeFailed ? RETRY_MS : REFRESH_MS;
    if (active !== line.tried || nowMs - line.triedAtMs >= againAfterMs) {
      const result = output.write(active);
      const why = result.ok ? '' : result.error.message;
      if (result.ok) {
        if (active !== line.written) line.changedAtMs = nowMs;
        line.written = active;
        this.#writes += 1;
      } else {
        line.written = null;
      }
      line.tried = active;
      line.triedAtMs = nowMs;
      if (line.writeFailed === result.ok) {
        line.writeFailed = !result.ok;
        notices.push(notice(line, 'outputFailed', line.writeFailed, why));
      }
    }
    this.#compare(line, nowMs, notices);
  }

  /** Command against feedback, once the line has had time to settle. */
  #compare(line: Line, nowMs: number, notices: FaultNotice[]): void {
    const { feedback, settleMs } = line.binding;
    if (feedback === null || line.written === null || nowMs - line.changedAtMs < settleMs) return;
    if (nowMs - line.comparedAtMs < RETRY_MS) return;
    line.comparedAtMs = nowMs;
    const read = feedback.read();
    const disagrees = !read.ok || read.value !== line.written;
    const standing = line.disagreedAt !== null;
    if (disagrees === standing) return;
    if (!disagrees && line.disagreedAt !== line.written) return;
    line.disagreedAt = disagrees ? line.written : null;
    const why = read.ok
      ? `commanded ${String(line.written)}, feedback ${feedback.name} says ${String(read.value)}`
      : read.error.message;
    notices.push(notice(line, 'outputDisagrees', disagrees, why));
  }
}

function notice(line: Line, fault: string, raised: boolean, why: string): FaultNotice {
  const { id, role, output } = line.binding;
  const detail = raised ? `${role} on ${output.name}: ${why}` : `${role} on ${output.name} works`;
  return { fault, subject: `output:${id}`, raised, detail };
}

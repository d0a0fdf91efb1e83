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

interface Line {
  readonly binding: OutputBinding;
  commanded: boolean;
  commandedSinceMs: number;
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

  constructor(bindings: readonly OutputBinding[]) {
    this.#lines = bindings.map((binding) => ({
      binding,
      commanded: false,
      commandedSinceMs: 0,
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
   * @returns faults raised and restored: `outputFailed` (the line does not open, or a write failed)
   *   and `outputDisagrees` (the feedback says otherwise, or cannot be read).
   */
  drive(levels: OutputLevels, nowMs: number): readonly FaultNotice[] {
    const notices: FaultNotice[] = [];
    for (const line of this.#lines) {
      this.#write(line, levels[line.binding.role], nowMs, notices);
    }
    return notices;
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
    return this.#lines.flatMap(({ binding, commanded }) => {
      const { role, pattern, output } = binding;
      if (role !== 'faultRelay' && pattern === 'steady') return [];
      const rested = output.write(role !== 'faultRelay' && commanded);
      return rested.ok ? [] : [rested.error];
    });
  }

  #write(line: Line, commanded: boolean, nowMs: number, notices: FaultNotice[]): void {
    const { pattern, output } = line.binding;
    if (commanded !== line.commanded) {
      line.commanded = commanded;
      line.commandedSinceMs = nowMs;
    }
    if (pattern !== 'steady' && line.intended !== commanded) {
      line.intended = commanded;
      output.intend?.(commanded);
    }
    const active = commanded && patternLevel(pattern, line.commandedSinceMs, nowMs);
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

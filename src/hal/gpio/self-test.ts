/**
 * Moves an output for a moment and looks at its feedback, for `embereye doctor --outputs`. The line
 * is put back to its previous level whatever happens, as long as this process lives: whoever calls
 * it hears signals meanwhile, and cuts the pulse short.
 */
import type { Clock } from '../../domain/ports.ts';
import type { DigitalInput, DigitalOutput, HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';

/**
 * `agreed`: the feedback showed the pulse and the level after it. `disagreed`: it did not. `none`:
 * nothing is wired that could show it. `cutShort`: it was put back before its time.
 */
export interface PulseResult {
  readonly feedback: 'agreed' | 'disagreed' | 'none' | 'cutShort';
}

/**
 * @param ms length of the pulse, and of the look at the level after it: longer than the relay and
 *   the debounce of its feedback take
 * @param restingActive the level that the output was opened with; the pulse is the other one
 * @param cut ends the pulse early: somebody wants this process to end
 *
 * Errors: what the output says to a write, or the feedback to a reading. Where even the write back
 * fails, the error says so.
 */
export async function pulseOutput(
  output: DigitalOutput,
  feedback: DigitalInput | null,
  ms: number,
  clock: Clock,
  restingActive = false,
  cut: AbortSignal | null = null,
): Promise<HalResult<PulseResult>> {
  const pulsed = output.write(!restingActive);
  if (pulsed.ok) await pause(clock, ms, cut);
  const during = pulsed.ok ? look(feedback, !restingActive) : pulsed;
  const back = output.write(restingActive);
  if (!back.ok) {
    const { kind, message } = back.error;
    const level = restingActive ? 'active' : 'inactive';
    return failed(kind, `${output.name} could not be put back to ${level}: ${message}`, back.error);
  }
  if (!during.ok) return during;
  if (cut?.aborted === true) return done({ feedback: 'cutShort' });
  if (during.value === null) return done({ feedback: 'none' });
  await pause(clock, ms, cut);
  const after = look(feedback, restingActive);
  if (!after.ok) return after;
  return done({ feedback: during.value && after.value === true ? 'agreed' : 'disagreed' });
}

/** Whether the feedback shows this level; null without feedback. */
function look(feedback: DigitalInput | null, active: boolean): HalResult<boolean | null> {
  if (feedback === null) return done(null);
  const read = feedback.read();
  return read.ok ? done(read.value === active) : read;
}

function pause(clock: Clock, ms: number, cut: AbortSignal | null): Promise<void> {
  return new Promise((resolve) => {
    if (cut?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      cancel();
      cut?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    cut?.addEventListener('abort', end);
  });
}

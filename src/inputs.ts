/** Follows the open inputs: first levels, changes, and lines that stop working and come back. */
import type { Cancel, Clock } from './domain/ports.ts';
import type { FaultNotice, InputSignal } from './domain/step.ts';
import type { OpenedLines } from './outputs.ts';

/** A line that died without an edge is noticed within this. */
const LOOK_MS = 1000;
/** One that chattered must have rested so long: a loose contact is one fault, not one a minute. */
const RESTED_MS = 60_000;

export interface InputEars {
  readonly clock: Clock;
  readonly signal: (signal: InputSignal) => void;
  readonly fault: (notice: FaultNotice) => void;
}

/**
 * A contact that is active from the start is signalled at once: nobody will press it again. Fault
 * `inputFailed`, subject `input:<id>`: raised once, restored when the line can be read again; one
 * that chattered is restored by the next clean change, or when it has rested for a minute.
 * @returns what ends it
 */
export function followInputs(inputs: OpenedLines['inputs'], ears: InputEars): Cancel {
  const ends = inputs.map((one) => followInput(one, ears));
  return () => {
    for (const end of ends) end();
  };
}

type Trouble = 'none' | 'unreadable' | 'restless';

function followInput(
  { input, signal }: OpenedLines['inputs'][number],
  { clock, ...ears }: InputEars,
): Cancel {
  const subject = `input:${input.name}`;
  let trouble: Trouble = 'none';
  let restlessAtMs = -Infinity;
  const told = { itself: false };
  const turn = (to: Trouble, detail: string): void => {
    const isNews = (to === 'none') !== (trouble === 'none');
    trouble = to;
    if (isNews) ears.fault({ fault: 'inputFailed', subject, raised: to !== 'none', detail });
  };
  let cancel: Cancel = () => undefined;
  const look = (): boolean => {
    cancel = clock.after(LOOK_MS, look);
    const read = input.read();
    if (!read.ok) turn('unreadable', read.error.message);
    else if (input.isRestless === true) restlessAtMs = clock.monotonicMs();
    else if (trouble === 'unreadable' || clock.monotonicMs() - restlessAtMs >= RESTED_MS) {
      turn('none', `${input.name} works`);
    }
    return read.ok && read.value;
  };
  input.onChange((active) => {
    told.itself = true;
    turn('none', `${input.name} works`);
    ears.signal(signal(active));
  });
  input.onError(({ message }) => {
    restlessAtMs = clock.monotonicMs();
    turn('restless', message);
  });
  // A line that opens only now has told its level itself.
  if (look() && !told.itself) ears.signal(signal(true));
  return () => cancel();
}

/** Output lines at which a process can die in mid-step, and a seam for planted bugs. */
import { DONE, type GpioBackend } from '../../src/hal/ports.ts';
import type { WriteLine } from './seams.ts';

/** @param passing called before a level changes; may throw `ProcessKilled`. */
export function killableBackend(
  gpio: GpioBackend,
  line: WriteLine,
  passing: () => void,
): GpioBackend {
  return {
    kind: gpio.kind,
    openInput: (name, at, debounceMs) => gpio.openInput(name, at, debounceMs),
    close: () => gpio.close(),
    openOutput: (name, at, initialActive, onLoss) => {
      const opened = gpio.openOutput(name, at, initialActive, onLoss);
      if (!opened.ok) return opened;
      const { value: output } = opened;
      let last = initialActive;
      return {
        ok: true,
        value: {
          name,
          close: () => output.close(),
          write: (active) => {
            if (active !== last) passing();
            last = active;
            return line(name, active) === 'write' ? output.write(active) : DONE;
          },
        },
      };
    },
  };
}

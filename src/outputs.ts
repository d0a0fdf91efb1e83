/** Opens what the configuration wires; a line that does not open is a fault, not a failed start. */
import type { OutputBinding } from './alarm/annunciator.ts';
import type { Config } from './config-schema.ts';
import type { FaultNotice, InputSignal } from './domain/step.ts';
import { zoneId } from './domain/units.ts';
import type { DigitalInput, GpioBackend } from './hal/ports.ts';

export interface OpenedLines {
  readonly outputs: readonly OutputBinding[];
  readonly inputs: readonly {
    readonly input: DigitalInput;
    readonly signal: (active: boolean) => InputSignal;
  }[];
  readonly faults: readonly FaultNotice[];
}

/** Relays get this long before their feedback must agree. */
const SETTLE_MS = 250;

/**
 * @param restored what each role has to show from the first moment on, so that a restart does not
 *   drop a siren that stays on.
 */
export function openLines(
  config: Config,
  gpio: GpioBackend,
  restored: Readonly<Record<string, boolean>>,
): OpenedLines {
  const faults: FaultNotice[] = [];
  const outputs: OutputBinding[] = [];
  for (const { id, role, chip, line, activeLow, pattern } of config.gpio.outputs) {
    const opened = gpio.openOutput(id, { chip, line, activeLow }, restored[role] === true);
    if (opened.ok) {
      const output = opened.value;
      outputs.push({ id, role, output, pattern, feedback: null, settleMs: SETTLE_MS });
    } else faults.push(unopened(`output:${id}`, 'outputFailed', opened.error.message));
  }
  const inputs: OpenedLines['inputs'][number][] = [];
  for (const { id, role, chip, line, activeLow, debounceMs, zone } of config.gpio.inputs) {
    const opened = gpio.openInput(id, { chip, line, activeLow }, debounceMs);
    if (opened.ok) {
      const inZone = zone === null ? null : zoneId(zone);
      const signal = (active: boolean): InputSignal => ({ input: id, role, zone: inZone, active });
      inputs.push({ input: opened.value, signal });
    } else faults.push(unopened(`input:${id}`, 'inputFailed', opened.error.message));
  }
  return { outputs, inputs, faults };
}

function unopened(subject: string, fault: string, detail: string): FaultNotice {
  return { fault, subject, raised: true, detail };
}

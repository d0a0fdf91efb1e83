/** Opens what the configuration wires; a line that does not open is a fault, not a failed start. */
import type { OutputBinding } from './alarm/annunciator.ts';
import type { Config } from './config-schema.ts';
import type { FaultNotice, InputSignal } from './domain/step.ts';
import { zoneId } from './domain/units.ts';
import type { DigitalInput, GpioBackend, OnLoss } from './hal/ports.ts';

type InputConfig = Config['gpio']['inputs'][number];
type OutputConfig = Config['gpio']['outputs'][number];

export interface OpenedLines {
  /** With their feedback, where one is wired and open. */
  readonly outputs: readonly OutputBinding[];
  /** Inputs that tell the panel something; feedback inputs belong to their outputs. */
  readonly inputs: readonly {
    readonly input: DigitalInput;
    readonly signal: (active: boolean) => InputSignal;
  }[];
  readonly faults: readonly FaultNotice[];
}

/** An open feedback input and how late its debounce makes it. */
interface Feedback {
  readonly input: DigitalInput;
  readonly debounceMs: number;
}

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
  const feedbacks = openFeedbacks(config, gpio, faults);
  const outputs: OutputBinding[] = [];
  for (const wired of config.gpio.outputs) {
    const active = restored[wired.role] === true;
    const opened = gpio.openOutput(wired.id, addressOf(wired), active, onLossOf(wired.role));
    if (opened.ok) {
      const feedback = wired.feedback === null ? undefined : feedbacks.get(wired.feedback);
      outputs.push({
        id: wired.id,
        role: wired.role,
        output: opened.value,
        pattern: wired.pattern,
        feedback: feedback?.input ?? null,
        settleMs: wired.settleMs + (feedback?.debounceMs ?? 0),
      });
    } else faults.push(unopened(`output:${wired.id}`, 'outputFailed', opened.error.message));
  }
  const inputs: OpenedLines['inputs'][number][] = [];
  for (const wired of config.gpio.inputs) {
    const { id, role, zone } = wired;
    if (role === 'feedback') continue;
    const opened = gpio.openInput(id, addressOf(wired), wired.debounceMs);
    if (opened.ok) {
      const inZone = zone === null ? null : zoneId(zone);
      const signal = (active: boolean): InputSignal => ({ input: id, role, zone: inZone, active });
      inputs.push({ input: opened.value, signal });
    } else faults.push(unopened(`input:${id}`, 'inputFailed', opened.error.message));
  }
  return { outputs, inputs, faults };
}

/**
 * What a line does when this process is lost: the fault relay tells of it, everything else keeps
 * warning people.
 */
function onLossOf(role: OutputConfig['role']): OnLoss {
  return role === 'faultRelay' ? 'drop' : 'keep';
}

/** Before the outputs, so that each of them is compared from its first write on. */
function openFeedbacks(
  config: Config,
  gpio: GpioBackend,
  faults: FaultNotice[],
): ReadonlyMap<string, Feedback> {
  const feedbacks = new Map<string, Feedback>();
  for (const wired of config.gpio.inputs) {
    if (wired.role !== 'feedback') continue;
    const { id, debounceMs } = wired;
    const opened = gpio.openInput(id, addressOf(wired), debounceMs);
    if (opened.ok) feedbacks.set(id, { input: opened.value, debounceMs });
    else {
      const users = config.gpio.outputs.filter(({ feedback }) => feedback === id);
      const names = users.map((output) => `"${output.id}"`).join(', ');
      const detail = `${opened.error.message}; output ${names || '(none)'} works without feedback`;
      faults.push(unopened(`input:${id}`, 'inputFailed', detail));
    }
  }
  return feedbacks;
}

function addressOf({ chip, line, activeLow, bias }: InputConfig | OutputConfig) {
  return { chip, line, activeLow, bias };
}

function unopened(subject: string, fault: string, detail: string): FaultNotice {
  return { fault, subject, raised: true, detail };
}

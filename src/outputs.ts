/**
 * Opens what the configuration wires. A line that does not open keeps nobody from starting: it is
 * asked for again until it does, and whoever uses it tells the fault meanwhile.
 */
import type { OutputBinding } from './alarm/annunciator.ts';
import type { Config } from './config-schema.ts';
import type { InputSignal } from './domain/step.ts';
import { zoneId } from './domain/units.ts';
import type { PatientTools } from './hal/gpio/patient-lines.ts';
import { PatientInput, PatientOutput } from './hal/gpio/patient-lines.ts';
import type { DigitalInput, GpioBackend, OnLoss } from './hal/ports.ts';

type InputConfig = Config['gpio']['inputs'][number];
type OutputConfig = Config['gpio']['outputs'][number];

export interface OpenedLines {
  /** With their feedback, where one is wired. */
  readonly outputs: readonly OutputBinding[];
  /** Inputs that tell the panel something; feedback inputs belong to their outputs. */
  readonly inputs: readonly {
    readonly input: DigitalInput;
    readonly signal: (active: boolean) => InputSignal;
  }[];
  /**
   * Whether a keeper may release what was not asked for by now. Not while an output is missing: its
   * line may be kept since the last run, and sound. One that is busy may be held by that very
   * keeper, for an earlier configuration, and opens once it is released.
   */
  readonly isSettled: () => boolean;
}

/**
 * @param restored what each role has to show from the first moment on, so that a restart does not
 *   drop a siren that stays on.
 * @param disabled lines that show nothing all the same; never the fault relay.
 */
export function openLines(
  config: Config,
  gpio: GpioBackend,
  restored: Readonly<Record<string, boolean>>,
  tools: PatientTools,
  disabled: readonly { readonly output: string }[] = [],
): OpenedLines {
  const openInput = (wired: InputConfig): DigitalInput => {
    const { id, debounceMs } = wired;
    return new PatientInput(id, tools, () => gpio.openInput(id, addressOf(wired), debounceMs));
  };
  const { inputs, outputs } = config.gpio;
  // Before the outputs, so that each of them is compared from its first write on.
  const feedbacks = new Map(
    inputs
      .filter(({ role }) => role === 'feedback')
      .map((wired) => [wired.id, { input: openInput(wired), debounceMs: wired.debounceMs }]),
  );
  const opened = outputs.map((wired) => {
    const { id, role, pattern, settleMs } = wired;
    const onLoss = onLossOf(role);
    const rests = role !== 'faultRelay' && disabled.some((each) => each.output === id);
    const output = new PatientOutput(id, tools, restored[role] === true && !rests, (active) =>
      gpio.openOutput(id, addressOf(wired), active, onLoss),
    );
    const feedback = wired.feedback === null ? undefined : feedbacks.get(wired.feedback);
    const afterMs = settleMs + (feedback?.debounceMs ?? 0);
    return { id, role, output, pattern, feedback: feedback?.input ?? null, settleMs: afterMs };
  });
  const followed = inputs.flatMap((wired) => {
    const { id, role, zone } = wired;
    if (role === 'feedback') return [];
    const inZone = zone === null ? null : zoneId(zone);
    const signal = (active: boolean): InputSignal => ({ input: id, role, zone: inZone, active });
    return [{ input: openInput(wired), signal }];
  });
  const isSettled = (): boolean =>
    opened.every(({ output: { trouble } }) => trouble === null || trouble.kind === 'busy');
  return { outputs: opened, inputs: followed, isSettled };
}

/**
 * What a line does when this process is lost: the fault relay tells of it, everything else keeps
 * warning people.
 */
function onLossOf(role: OutputConfig['role']): OnLoss {
  return role === 'faultRelay' ? 'drop' : 'keep';
}

function addressOf({ chip, line, activeLow, bias }: InputConfig | OutputConfig) {
  return { chip, line, activeLow, bias };
}

/** `embereye doctor --outputs`: each output once, so that people hear, see and measure it. */
import type { Config } from '../config-schema.ts';
import type { Clock } from '../domain/ports.ts';
import { finding } from '../hal/doctor/world.ts';
import { pulseOutput } from '../hal/gpio/self-test.ts';
import type { DigitalInput, GpioBackend, HalResult, LineAddress } from '../hal/ports.ts';
import type { ProbeFinding } from '../hal/probe.ts';

/** Long enough to hear a siren and to read a meter. */
export const PULSE_MS = 1000;

export interface OutputParts {
  readonly config: Config;
  readonly gpio: GpioBackend;
  readonly clock: Clock;
  /** Whether an appliance runs here, or may run: it drives the outputs. */
  readonly running: boolean;
  /** Asks a person; null where nobody needs to be asked. */
  readonly confirm: ((question: string) => Promise<boolean>) | null;
  /** Aborted when this process is asked to end: the pulse is cut short and nothing more moves. */
  readonly cut: AbortSignal;
  /**
   * Whether sysfs has a line exported. Only one program at a time gets a line of the character
   * device; a line of sysfs goes to whoever asks.
   */
  readonly exported: (at: LineAddress) => boolean;
}

type Output = Config['gpio']['outputs'][number];

/** One output after another; nothing is opened while an appliance runs. */
export async function outputFindings(parts: OutputParts): Promise<readonly ProbeFinding[]> {
  const { config, running } = parts;
  if (config.gpio.outputs.length === 0) {
    return [finding('outputs', 'pulse', 'note', 'the configuration has no outputs')];
  }
  if (config.gpio.backend === 'simulated') {
    const found = 'not moved: gpio.backend is simulated, so there is no line to move';
    return [finding('outputs', 'pulse', 'skipped', found, 'set gpio.backend to cdev')];
  }
  if (running) {
    const found = 'not moved: an appliance is running here, or what has its ports';
    const remedy = 'stop it first (sudo systemctl stop embereye), then ask again';
    return [finding('outputs', 'pulse', 'failed', found, remedy)];
  }
  const findings: ProbeFinding[] = [];
  for (const output of config.gpio.outputs) findings.push(await pulseOne(parts, output));
  return findings;
}

async function pulseOne(parts: OutputParts, output: Output): Promise<ProbeFinding> {
  const { gpio, clock, confirm, config, cut, exported } = parts;
  const isCut = (): boolean => cut.aborted;
  const area = `output:${output.id}`;
  if (isCut()) return finding(area, 'pulse', 'skipped', 'not moved: interrupted');
  if (config.gpio.backend === 'onoff' && exported(addressOf(output))) {
    return finding(area, 'pulse', 'failed', EXPORTED, EXPORTED_REMEDY);
  }
  const question = `make ${output.id} (${output.role}) active for ${PULSE_MS / 1000} s?`;
  if (confirm !== null && !(await confirm(question))) {
    return finding(area, 'pulse', 'skipped', 'not moved: not confirmed');
  }
  if (isCut()) return finding(area, 'pulse', 'skipped', 'not moved: interrupted');
  const feedback = openFeedback(config, gpio, output);
  if (feedback !== null && !feedback.ok) {
    const remedy = 'mend the line of its feedback, or take feedback out of the configuration';
    return finding(area, 'pulse', 'failed', `not moved: ${feedback.error.message}`, remedy);
  }
  const opened = gpio.openOutput(output.id, addressOf(output), false);
  if (!opened.ok) {
    feedback?.value.close();
    const { kind, message } = opened.error;
    const remedy =
      kind === 'busy'
        ? 'stop what holds it: an appliance, or the holder that one left behind'
        : 'see the findings about gpio';
    return finding(area, 'pulse', 'failed', `not moved: ${message}`, remedy);
  }
  const contact = feedback?.value ?? null;
  const pulsed = await pulseOutput(opened.value, contact, PULSE_MS, clock, false, cut);
  opened.value.close();
  feedback?.value.close();
  if (!pulsed.ok) return finding(area, 'pulse', 'failed', pulsed.error.message, RELAY_REMEDY);
  switch (pulsed.value.feedback) {
    case 'agreed':
      return finding(area, 'pulse', 'ok', 'commanded, and the feedback followed');
    case 'disagreed':
      return finding(area, 'pulse', 'failed', 'the feedback did not follow', RELAY_REMEDY);
    case 'cutShort':
      return finding(area, 'pulse', 'failed', 'cut short by a signal, and put back', AGAIN);
    case 'none':
      return finding(area, 'pulse', 'note', 'commanded; no feedback: did you hear or see it?');
  }
}

const AGAIN = 'ask again, and let each pulse end';
const EXPORTED =
  'not moved: sysfs has this line exported: an appliance drives it, or one that has ended left ' +
  'it as it was';
const EXPORTED_REMEDY =
  'where no appliance runs and no alarm stands, write its number into /sys/class/gpio/unexport';
const RELAY_REMEDY = 'look at the relay, its supply and the wire from its feedback contact';

/** Null where none is wired. */
function openFeedback(
  config: Config,
  gpio: GpioBackend,
  output: Output,
): HalResult<DigitalInput> | null {
  const wired = config.gpio.inputs.find(({ id }) => id === output.feedback);
  if (wired === undefined) return null;
  return gpio.openInput(wired.id, addressOf(wired), wired.debounceMs);
}

function addressOf(wired: Pick<Output, 'chip' | 'line' | 'activeLow' | 'bias'>) {
  const { chip, line, activeLow, bias } = wired;
  return { chip, line, activeLow, bias };
}

/** Looks at an array on I2C without changing anything of it: for `embereye doctor`. */
import type { I2cBus } from '../bus-ports.ts';
import type { FindingState, ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import { carries, highestRefreshHz, speedOf, tooSlowText } from './bus-speed.ts';
import { Mlx90640Chip, placeOf } from './chip.ts';
import { CONTROL_AT, hex, RAM_AT } from './registers.ts';
import { readArrayId } from './setup.ts';
import type { Outcome } from './trouble.ts';
import { got, remedyOf } from './trouble.ts';
import { Waits } from './waits.ts';

const FIRST_ADDRESS = 0x08;
const LAST_ADDRESS = 0x77;
const RAM_WORDS = 832;

interface ProbedArray {
  readonly bus: string;
  readonly address: number;
  readonly refreshHz: number;
}

/** Never rejects. Reads only; a second reader does not disturb one that runs. */
export async function probeArray(
  { bus: path, address, refreshHz }: ProbedArray,
  host: ProbeHost,
): Promise<readonly ProbeFinding[]> {
  const area = `sensor:${host.sensor}`;
  const finding = (
    subject: string,
    state: FindingState,
    found: string,
    remedy: string | null = null,
  ): ProbeFinding => ({ area, subject, state, found, remedy });
  const opened = await host.i2c.open(path);
  if (!opened.ok) {
    const { kind, message } = opened.error;
    return [finding(path, 'failed', message, remedyOf(kind))];
  }
  const bus = opened.value;
  const chip = new Mlx90640Chip(bus, address, host.clock, new Waits(host.clock));
  const subject = `MLX90640 at ${placeOf(path, address)}`;
  const looked = await look(chip);
  const others = looked.ok ? '' : `; addresses that answer: ${await answering(bus)}`;
  await bus.close();
  if (!looked.ok) {
    const { kind, message } = looked.trouble;
    return [finding(subject, 'failed', `${message}${others}`, remedyOf(kind))];
  }
  const { arrayId, control, speedHz } = looked.value;
  const carried = highestRefreshHz(speedHz);
  const speed = `about ${Math.round(speedHz / 1000)} kHz, which carry ${carried} Hz`;
  return [
    finding(subject, 'ok', `array ${arrayId}, control register ${hex(control)}`),
    carries(speedHz, refreshHz)
      ? finding(`speed of ${path}`, 'ok', speed)
      : finding(`speed of ${path}`, 'warning', speed, tooSlowText(path, speedHz, refreshHz)),
  ];
}

async function look(
  chip: Mlx90640Chip,
): Promise<
  Outcome<{ readonly arrayId: string; readonly control: number; readonly speedHz: number }>
> {
  const arrayId = await readArrayId(chip);
  if (!arrayId.ok) return arrayId;
  const status = await chip.status();
  if (!status.ok) return status;
  const control = await chip.read(CONTROL_AT, 1);
  if (!control.ok) return control;
  const ram = await chip.read(RAM_AT, RAM_WORDS);
  if (!ram.ok) return ram;
  const speedHz = speedOf(RAM_WORDS, chip.lastTransferMs);
  return got({ arrayId: arrayId.value, control: control.value[0] ?? 0, speedHz });
}

/** Addresses of the bus at which a byte can be read. */
async function answering(bus: I2cBus): Promise<string> {
  const found: string[] = [];
  for (let address = FIRST_ADDRESS; address <= LAST_ADDRESS; address++) {
    const read = await bus.transfer(address, new Uint8Array(0), 1);
    if (read.ok) found.push(`0x${address.toString(16)}`);
    else if (read.error.kind === 'absent' || read.error.kind === 'timeout') break;
  }
  return found.length === 0 ? 'none' : found.join(', ');
}

/** Listens to a GY-MCU90640 module for a moment: for `embereye doctor`. */
import { ModuleFrameDecoder, START_OUTPUT } from '../../domain/mlx90640/module-frame.ts';
import type { FindingState, ProbeFinding } from '../probe.ts';
import type { ProbeHost } from '../sensor-driver.ts';
import type { ModuleOptions } from './module-keeper.ts';

const LISTENED_PERIODS = 3;
const LISTENED_LONGEST_MS = 4000;

/** Never rejects; ends within a few seconds. */
export async function probeModule(
  { path, baudRate, periodMs, startOutput }: ModuleOptions,
  host: ProbeHost,
): Promise<readonly ProbeFinding[]> {
  const finding = (state: FindingState, found: string, remedy: string | null): ProbeFinding => ({
    area: `sensor:${host.sensor}`,
    subject: `GY-MCU90640 on ${path}`,
    state,
    found,
    remedy,
  });
  const opened = await host.serial.open({ path, baudRate });
  if (!opened.ok) {
    const { kind, message } = opened.error;
    if (kind === 'busy') return [finding('note', message, 'stop the service to look at it')];
    const remedy = kind === 'permission' ? 'usermod -aG dialout embereye' : 'ls /dev/serial/by-id';
    return [finding('failed', message, remedy)];
  }
  const line = opened.value;
  let pictures = 0;
  let damaged = 0;
  let bytes = 0;
  const decoder = new ModuleFrameDecoder({
    picture: () => (pictures += 1),
    damaged: () => (damaged += 1),
  });
  line.onData((piece) => {
    bytes += piece.length;
    decoder.receive(piece);
  });
  if (startOutput) line.write(START_OUTPUT);
  const listenedMs = Math.min(LISTENED_LONGEST_MS, LISTENED_PERIODS * periodMs + 1000);
  await new Promise<void>((resolve) => host.clock.after(listenedMs, resolve));
  await line.close();
  const heard = `${pictures} pictures, ${damaged} wrong checksums in ${bytes} bytes`;
  if (pictures > 0) return [finding('ok', heard, null)];
  if (bytes === 0) return [finding('failed', 'nothing was sent', 'check its supply, TX and RX')];
  return [finding('failed', heard, `set baudRate to the module's: 9600, 115200 or 460800`)];
}

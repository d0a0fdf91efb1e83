/** A recorded byte stream played as if its board were connected: for tests, demos, inquiries. */
import type { BoardTraits } from '../../domain/line-protocol/board-profile.ts';
import { DEFAULT_TRAITS, EEPROM_STRETCH_MS } from '../../domain/line-protocol/board-profile.ts';
import type { Cancel } from '../../domain/ports.ts';
import { Backoff } from '../backoff.ts';
import { flag, number, text } from '../option-fields.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { Recording } from '../recording.ts';
import { parseRecording, RecordedBoard } from '../recording.ts';
import type { DriverHost } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';
import { thermalFields, thermalTraits } from '../thermal-options.ts';
import { SessionRunner } from '../session-runner.ts';

const RETRY = { firstMs: 1000, longestMs: 60_000 };

interface Playing {
  readonly file: string;
  readonly loop: boolean;
}

export const replay = defineSensorDriver({
  kind: 'replay',
  summary: 'Recorded bytes of a sensor board, played at their own or another pace',
  options: {
    file: text('The recorded byte stream'),
    cadenceSeconds: number('Cycle of the recorded board', { min: 0.02, max: 3600 }, 4.09),
    speed: number('How much faster than the board', { min: 0.01, max: 1000 }, 1),
    loop: flag('Start again at the end; else the sensor falls silent', false),
    ...thermalFields,
  },
  timing: ({ cadenceSeconds, speed }) => ({
    cadenceMs: (cadenceSeconds * 1000) / speed,
    delayMs: 0,
    cycleStretchMs: EEPROM_STRETCH_MS / speed,
  }),
  probe: async ({ file }, host) => {
    const recording = await load(file, host);
    const [state, found] = recording.ok
      ? (['ok', 'can be played'] as const)
      : (['failed', recording.error.message] as const);
    const remedy = recording.ok ? null : 'name a recorded byte stream that this user may read';
    return [{ area: `sensor:${host.sensor}`, subject: file, state, found, remedy }];
  },
  open(options, host) {
    const traits: BoardTraits = {
      ...DEFAULT_TRAITS,
      ...thermalTraits(options),
      cadenceMs: (options.cadenceSeconds * 1000) / options.speed,
    };
    const backoff = new Backoff(RETRY, host.random);
    let raised = false;
    let cancelRetry: Cancel | null = null;
    let stop: (() => void) | null = null;
    let closed = false;
    const report = (isRaised: boolean, detail: string): void => {
      if (raised === isRaised) return;
      raised = isRaised;
      const subject = host.sensor;
      host.fault({ fault: 'recordingUnavailable', subject, raised: isRaised, detail });
    };
    const start = async (): Promise<void> => {
      const recording = await load(options.file, host);
      if (closed) return;
      if (recording.ok) {
        report(false, `${options.file} is being played`);
        stop = play(recording.value, options, traits, host);
        return;
      }
      report(true, recording.error.message);
      cancelRetry = host.clock.after(backoff.nextMs(), () => {
        starting = start();
      });
    };
    let starting = start();
    return {
      close: async () => {
        closed = true;
        cancelRetry?.();
        await starting;
        stop?.();
      },
    };
  },
});

async function load(
  file: string,
  host: Pick<DriverHost, 'readFile'>,
): Promise<HalResult<Recording>> {
  const bytes = await host.readFile(file);
  if (!bytes.ok) return bytes;
  const recording = parseRecording(bytes.value);
  if (recording.cycles.length > 0) return done(recording);
  return failed('corrupt', `${file} holds no packet of a sensor board: is it the right file?`);
}

/** @returns what ends the playing. */
function play(
  recording: Recording,
  { file, loop }: Playing,
  traits: BoardTraits,
  host: DriverHost,
): () => void {
  const decoder = new TextDecoder('latin1');
  const underWay = new Set<Cancel>();
  const session = host.openSession(file, traits, (command) => {
    // A command reaches the board later: the session is not called back from within itself.
    const cancel = host.clock.soon(() => {
      underWay.delete(cancel);
      board.command(decoder.decode(command));
    });
    underWay.add(cancel);
    return true;
  });
  const runner = new SessionRunner(host.clock, session, () => host.requestStep());
  const board = new RecordedBoard({
    recording,
    clock: host.clock,
    cadenceMs: traits.cadenceMs,
    loop,
    send: (bytes) => runner.receive(bytes),
    ended: () => host.log('info', 'recording has ended', { sensor: host.sensor, file }),
  });
  return () => {
    for (const cancel of underWay) cancel();
    board.close();
    runner.close();
  };
}

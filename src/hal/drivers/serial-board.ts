/** A sensor board on a serial line: the same packets and commands as over TCP. */
import { choice, number, text } from '../option-fields.ts';
import { thermalFields, thermalTraits } from '../thermal-options.ts';
import { defineSensorDriver } from '../sensor-driver.ts';
import { SerialKeeper } from '../serial-keeper.ts';
import { SessionRunner } from '../session-runner.ts';

const TERMINATORS = { none: '', lf: '\n', crlf: '\r\n' } as const;

export const serialBoard = defineSensorDriver({
  kind: 'serial-board',
  summary: 'Sensor board with the ASCII line protocol on a serial line',
  options: {
    path: text('Serial port; a name under /dev/serial/by-id survives replugging'),
    baudRate: number('Bits per second', { min: 300, max: 4_000_000, whole: true }, 115_200),
    mode: choice('Whether the board streams or is asked', ['continuous', 'onDemand'], 'continuous'),
    pollSeconds: number('On-demand boards: time between two requests', { min: 1, max: 3600 }, 3),
    cadenceSeconds: number('Continuous boards: their cycle', { min: 0.02, max: 3600 }, 4.09),
    terminator: choice('What ends a command', ['none', 'lf', 'crlf'], 'none'),
    periodCommand: choice('What starts the stream', ['PERIOD_ON', 'PERIODIC_ON'], 'PERIOD_ON'),
    ...thermalFields,
  },
  open(options, host) {
    let runner: SessionRunner | null = null;
    const end = (): void => {
      runner?.close();
      runner = null;
    };
    const traits = {
      mode: options.mode,
      pollMs: options.pollSeconds * 1000,
      cadenceMs: options.cadenceSeconds * 1000,
      terminator: TERMINATORS[options.terminator],
      periodCommand: options.periodCommand,
      ...thermalTraits(options),
    };
    const keeper = new SerialKeeper({
      serial: host.serial,
      path: options.path,
      baudRate: options.baudRate,
      clock: host.clock,
      random: host.random,
      subject: host.sensor,
      fault: (notice) => host.fault(notice),
      opened: () => {
        const session = host.openSession(options.path, traits, (command) => keeper.write(command));
        runner = new SessionRunner(host.clock, session, () => host.requestStep());
      },
      data: (bytes) => runner?.receive(bytes),
      lost: end,
    });
    return {
      close: async () => {
        end();
        await keeper.close();
      },
    };
  },
});

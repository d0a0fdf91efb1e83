/** A sensor board on a serial line: the same packets and commands as over TCP. */
import { EEPROM_STRETCH_MS } from '../../domain/line-protocol/board-profile.ts';
import { probeBoard } from '../board-probe.ts';
import { choice, number, text } from '../option-fields.ts';
import { thermalFields, thermalTraits } from '../thermal-options.ts';
import type { WatchedSessionPort } from '../sensor-driver.ts';
import { defineSensorDriver } from '../sensor-driver.ts';
import { LineWatch } from '../line-watch.ts';
import { SerialKeeper } from '../serial-keeper.ts';
import { SessionRunner } from '../session-runner.ts';

const TERMINATORS = { none: '', lf: '\n', crlf: '\r\n' } as const;

export const serialBoard = defineSensorDriver({
  kind: 'serial-board',
  summary: 'Sensor board with the ASCII line protocol on a serial line',
  options: {
    path: text('Serial port: its name under /dev/serial/by-id, or by-path for twin adapters'),
    baudRate: number('Bits per second', { min: 300, max: 4_000_000, whole: true }, 115_200),
    mode: choice('Whether the board streams or is asked', ['continuous', 'onDemand'], 'continuous'),
    pollSeconds: number('On-demand boards: time between two requests', { min: 1, max: 3600 }, 3),
    cadenceSeconds: number('Continuous boards: their cycle', { min: 0.02, max: 3600 }, 4.09),
    terminator: choice('What ends a command', ['none', 'lf', 'crlf'], 'none'),
    periodCommand: choice('What starts the stream', ['PERIOD_ON', 'PERIODIC_ON'], 'PERIOD_ON'),
    ...thermalFields,
  },
  timing: (options) => ({
    cadenceMs: cycleMsOf(options),
    delayMs: 0,
    cycleStretchMs: EEPROM_STRETCH_MS,
  }),
  claims: ({ path }) => [`serial:${path}`],
  probe: (options, host) =>
    probeBoard(
      {
        ...options,
        cycleMs: cycleMsOf(options),
        ask: options.mode === 'onDemand' ? 'REQUEST1' : options.periodCommand,
        terminator: TERMINATORS[options.terminator],
      },
      host,
    ),
  open(options, host) {
    const { path, baudRate } = options;
    let board: { session: WatchedSessionPort; runner: SessionRunner } | null = null;
    const end = (): void => {
      board?.runner.close();
      board = null;
    };
    const watch = new LineWatch({ path, baudRate, cycleMs: cycleMsOf(options) }, host);
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
      path,
      baudRate,
      clock: host.clock,
      random: host.random,
      subject: host.sensor,
      fault: (notice) => host.fault(notice),
      opened: () => {
        const session = host.openSession(path, traits, (command) => keeper.write(command));
        const runner = new SessionRunner(host.clock, session, () => host.requestStep());
        board = { session, runner };
        watch.opened();
      },
      data: (bytes) => {
        if (board === null) return;
        board.runner.receive(bytes);
        watch.received(bytes, board.session.bytesSinceGoodPacket === 0);
      },
      lost: end,
    });
    return {
      close: async () => {
        end();
        await watch.close();
        await keeper.close();
      },
    };
  },
});

/** Time between two readings of a board that works. */
function cycleMsOf(options: {
  readonly mode: 'continuous' | 'onDemand';
  readonly pollSeconds: number;
  readonly cadenceSeconds: number;
}): number {
  return 1000 * (options.mode === 'onDemand' ? options.pollSeconds : options.cadenceSeconds);
}

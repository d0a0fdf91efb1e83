/** The serial board driver on real terminals, with real time and the real package. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { serialBoard } from '../../src/hal/drivers/serial-board.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import { atSpeed, REAL_BOARD_TIMING } from '../../src/simulator/board-timing.ts';
import { BoardPlayer } from './board-player.ts';
import { type DriverBench, driverBench, SENSOR } from './driver-bench.ts';
import { hasSocat, PtyBoard } from './pty.ts';

const SPEED = 5;
const PATIENT = { timeout: 20_000, interval: 50 };

describe.skipIf(!hasSocat)('a board on a pseudo-terminal (needs socat)', () => {
  const clock = systemClock();
  let line: PtyBoard;
  let player: BoardPlayer;
  let bench: DriverBench;
  let handle: SensorHandle;

  beforeEach(async () => {
    line = await PtyBoard.create();
    const timing = atSpeed(REAL_BOARD_TIMING, SPEED);
    player = new BoardPlayer(clock, (bytes) => line.send(bytes), timing);
    line.onReceive = (bytes) => player.hear(bytes);
    const serial = createSerialPorts({ clock, checkEveryMs: 100 });
    bench = await driverBench(clock, systemRandom(), serial);
    const cadenceSeconds = REAL_BOARD_TIMING.cycleMs / SPEED / 1000;
    const prepared = serialBoard.prepare({ path: line.path, cadenceSeconds });
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    await plug();
    handle = prepared.open(bench.host);
  });
  afterEach(async () => {
    await handle.close();
    player.linkDown();
    await line.close();
  });

  async function plug(): Promise<void> {
    await line.plug();
    player.linkUp();
  }

  it('streams after PERIOD_ON; its levels and temperatures reach the bank', async () => {
    const channels = new Set<string>();
    await vi.waitFor(() => {
      for (const window of bench.drain()) {
        expect(window.sensor).toBe(SENSOR);
        if (window.kind === 'level') channels.add(window.channel);
      }
      expect(channels).toContain('ADC1');
      expect(bench.hottest.length).toBeGreaterThan(0);
    }, PATIENT);
    expect(player.board.streaming).toBe(true);
    expect(player.board.counts.unknownCommands).toBe(0);
    expect(player.board.counts.eeproms).toBe(1);
    for (const celsius of bench.hottest) expect(celsius).toBeGreaterThan(0);
    for (const celsius of bench.hottest) expect(celsius).toBeLessThan(60);
    expect(bench.faults).toEqual([]);
  });

  it('goes on at the same path after it was unplugged and replugged', async () => {
    await vi.waitFor(() => expect(bench.counters.packets.sensor).toBeGreaterThan(0), PATIENT);
    player.linkDown();
    await line.unplug();
    await vi.waitFor(() => expect(bench.faults).toHaveLength(1), PATIENT);
    expect(bench.faults[0]).toMatchObject({
      fault: 'serialLineDown',
      subject: SENSOR,
      raised: true,
    });
    const before = bench.counters.packets.sensor;
    await plug();
    await vi.waitFor(() => expect(bench.faults).toHaveLength(2), PATIENT);
    expect(bench.faults[1]).toMatchObject({ raised: false });
    await vi.waitFor(() => {
      expect(bench.counters.packets.sensor).toBeGreaterThan(before);
    }, PATIENT);
  });
});

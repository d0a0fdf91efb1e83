/** The serial board driver: line faults by the test's clock, and boards on real terminals. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { serialBoard } from '../../src/hal/drivers/serial-board.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import { createSerialPorts } from '../../src/hal/serial-port.ts';
import type { SimulatedBoardEnd } from '../../src/hal/simulated.ts';
import { atSpeed, REAL_BOARD_TIMING } from '../../src/simulator/board-timing.ts';
import { BoardPlayer } from './board-player.ts';
import { type DriverBench, driverBench, SENSOR } from './driver-bench.ts';
import { hasSocat, PtyBoard } from './pty.ts';
import { seededRandom } from './manual-clock.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const BY_ID = '/dev/serial/by-id';
const PATH = `${BY_ID}/usb-board-if00`;

describe('a serial port without a board', () => {
  let world: SensorWorld;
  let handle: SensorHandle;
  let player: BoardPlayer;
  let end: SimulatedBoardEnd;

  beforeEach(async () => {
    world = await sensorWorld();
    end = world.serial.plug(PATH);
    player = new BoardPlayer(world.clock, (bytes) => end.send(bytes));
    const prepared = serialBoard.prepare({ path: PATH });
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    handle = prepared.open(world.bench.host);
  });
  afterEach(async () => {
    player.linkDown();
    await handle.close();
    expect(world.clock.pending).toBe(0);
  });

  const faults = () => world.bench.faults.map(({ fault, raised }) => `${fault} ${raised}`);

  /** Sends `bytes` every second. */
  async function chatter(bytes: () => Uint8Array, seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      end.send(bytes());
      await world.clock.run(1000);
    }
  }

  it('that is a modem is named, with the ports there are, until packets come', async () => {
    world.files.files.set(`${BY_ID}/usb-FTDI_A-if00`, '');
    world.files.files.set(`${BY_ID}/usb-modem-if01`, '');
    const modem = (): Uint8Array => Buffer.from('AT+CREG?\r\r\nERROR\r\n');
    await chatter(modem, 60);
    expect(faults()).toEqual(['notABoard true']);
    const { detail, subject } = world.bench.faults[0] ?? {};
    expect(subject).toBe(SENSOR);
    expect(detail).toContain(`${PATH} answers like a modem`);
    expect(detail).toContain(`${BY_ID}/usb-FTDI_A-if00, ${BY_ID}/usb-modem-if01`);
    end.onReceive((bytes) => player.hear(bytes));
    player.linkUp();
    await world.clock.run(30_000);
    expect(faults()).toEqual(['notABoard true', 'notABoard false']);
  });

  it('with a wrong baud rate is named, then another trouble in its place', async () => {
    const random = seededRandom(8);
    const noise = (): Uint8Array => Uint8Array.from({ length: 90 }, () => random.uint32() & 0xff);
    await chatter(noise, 60);
    expect(faults()).toEqual(['lineGarbled true']);
    expect(world.bench.faults[0]?.detail).toMatch(/% no text: is the baud rate 115200 right/);
    end.unplug();
    await world.clock.run(20_000);
    end.replug();
    await world.clock.run(60_000);
    await chatter(() => Buffer.from('\r\nlogin: '), 60);
    expect(faults()).toEqual([
      'lineGarbled true',
      'serialLineDown true',
      'serialLineDown false',
      'lineGarbled false',
      'notABoard true',
    ]);
  });

  it('that has a board after all is never doubted, though half of its bytes are lost', async () => {
    const random = seededRandom(9);
    end.mangle = (bytes) => (random.next() < 0.3 ? bytes.subarray(bytes.length >> 1) : bytes);
    end.onReceive((bytes) => player.hear(bytes));
    player.linkUp();
    await world.clock.run(600_000);
    expect(world.bench.counters.packets.sensor).toBeGreaterThan(50);
    expect(faults()).toEqual([]);
  });
});

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
    bench = await driverBench(clock, systemRandom(), { ...(await sensorWorld()).hardware, serial });
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

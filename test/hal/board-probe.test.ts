/** What the doctor finds out about a board on a serial line. */
import { beforeEach, describe, expect, it } from 'vitest';
import { serialBoard } from '../../src/hal/drivers/serial-board.ts';
import { replay } from '../../src/hal/drivers/replay.ts';
import type { ProbeFinding } from '../../src/hal/probe.ts';
import type { SensorDriver } from '../../src/hal/sensor-driver.ts';
import { BoardPlayer } from './board-player.ts';
import { syntheticRecording } from './fixtures/replay.ts';
import type { SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';
import { heardAt } from './uart.ts';

const PATH = '/dev/serial/by-id/usb-board-if00';
/** The doctor gives each probe ten seconds. */
const WITHIN_MS = 9000;

describe('the probe of a serial board', () => {
  let world: SensorWorld;
  beforeEach(async () => {
    world = await sensorWorld();
  });

  async function probed(
    driver: SensorDriver = serialBoard,
    options: object = { path: PATH },
  ): Promise<ProbeFinding | undefined> {
    const prepared = driver.prepare(options);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
    let findings: readonly ProbeFinding[] = [];
    void prepared.probe(world.bench.host).then((found) => (findings = found));
    await world.clock.run(WITHIN_MS);
    expect(findings).toHaveLength(1);
    return findings[0];
  }

  it.each(['continuous', 'onDemand'])('hears a %s board that waits to be asked', async (mode) => {
    const end = world.serial.plug(PATH);
    const player = new BoardPlayer(world.clock, (bytes) => end.send(bytes));
    end.onReceive((bytes) => player.hear(bytes));
    player.linkUp();
    const found = await probed(serialBoard, { path: PATH, mode });
    expect(found).toMatchObject({ state: 'ok', subject: `board on ${PATH}`, remedy: null });
    player.linkDown();
    expect(end.isOpen).toBe(false);
  });

  it('says nothing to a board that streams already', async () => {
    const end = world.serial.plug(PATH);
    const heard: Uint8Array[] = [];
    end.onReceive((bytes) => heard.push(bytes));
    world.clock.after(1000, () => end.send(Buffer.from('#Sensor:ADC1=290,ADC2=1310!')));
    const found = await probed();
    expect(found).toMatchObject({ state: 'ok' });
    expect(found?.found).toBe('27 bytes at 115200 baud: "#Sensor:ADC1=290,ADC2=1310!"');
    expect(heard).toEqual([]);
  });

  it('names what a silent board may want', async () => {
    world.serial.plug(PATH);
    const found = await probed();
    expect(found).toMatchObject({ state: 'failed', found: 'nothing came, also after PERIOD_ON' });
    expect(found?.remedy).toMatch(/RX and TX.*115200 baud.*terminator/);
  });

  it('names the rate where it is wrong', async () => {
    const end = world.serial.plug(PATH);
    const packet = heardAt(Buffer.from('#Sensor:ADC1=290,ADC2=1310!'), 9600, 115_200);
    world.clock.after(1000, () => end.send(packet));
    const found = await probed();
    expect(found).toMatchObject({ state: 'failed' });
    expect(found?.found).toMatch(/bytes at 115200 baud.*no word of a board/);
    expect(found?.remedy).toMatch(/baudRate/);
  });

  it('names a port that is not there, is in use, or goes away', async () => {
    expect(await probed()).toMatchObject({ state: 'failed' });
    const end = world.serial.plug(PATH);
    end.openFault = 'permission';
    expect((await probed())?.remedy).toMatch(/usermod -aG dialout/);
    end.openFault = 'busy';
    expect((await probed())?.remedy).toMatch(/end the program/);
    end.openFault = null;
    world.clock.after(500, () => end.unplug());
    expect((await probed())?.remedy).toMatch(/plug/);
  });

  it('of a recording reads the file', async () => {
    const options = { file: '/var/lib/embereye/hall.bin' };
    expect(await probed(replay, options)).toMatchObject({ state: 'failed' });
    world.bench.files.set(options.file, syntheticRecording(2));
    expect(await probed(replay, options)).toMatchObject({ state: 'ok', remedy: null });
  });
});

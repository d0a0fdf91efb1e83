/**
 * Every kind of wired sensor, unplugged and plugged in again a hundred times while all the others
 * are at work: nothing is left behind, and each fault and each restoration reaches the journal.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { createPanel, stepPanel } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { sensorId } from '../../src/domain/units.ts';
import { sensorDrivers } from '../../src/hal/drivers/index.ts';
import type { SensorHandle } from '../../src/hal/sensor-driver.ts';
import { SENSOR } from './driver-bench.ts';
import type { AttachedHardware, SensorFixture, SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const ROUNDS = 100;
/** Longer than the longest wait between two attempts to open. */
const APART_MS = 40_000;
/** Rounds after which memory has taken its shape. */
const WARM_ROUNDS = 30;
const MEMORY_SLACK_BYTES = 3e6;
/** Beyond the time in which the panel holds back what chatters. */
const PANEL_APART_MS = 11 * 60_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function fixtureOf(kind: string): Promise<SensorFixture> {
  const loaded = (await import(`./fixtures/${kind}.ts`)) as { fixture: SensorFixture };
  return loaded.fixture;
}

/** Opens a driver under a name of its own in a world that others share. */
async function start(
  world: SensorWorld,
  kind: string,
  sensor: string,
): Promise<{ handle: SensorHandle; attached: AttachedHardware; fixture: SensorFixture }> {
  const fixture = await fixtureOf(kind);
  const prepared = sensorDrivers.find((one) => one.kind === kind)?.prepare(fixture.options);
  if (prepared?.ok !== true) throw new Error(`${kind}: ${JSON.stringify(prepared)}`);
  const attached = fixture.attach(world);
  const handle = prepared.open({ ...world.bench.host, sensor: sensorId(sensor) });
  return { handle, attached, fixture };
}

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** What the panel writes into the journal about these notices, told far apart. */
function journalled(notices: readonly FaultNotice[]): DomainEvent[] {
  let panel = createPanel(makePlan({ zones: [] }), 0);
  return notices.flatMap((notice, i) => {
    const nowMs = (i + 1) * PANEL_APART_MS;
    const { panel: next, events } = stepPanel(panel, { ...NO_INPUTS, faults: [notice] }, nowMs);
    panel = next;
    return events;
  });
}

const openHandles = ({ i2c, spi, modbus }: SensorWorld): number =>
  i2c.handles + spi.handles + modbus.handles;

describe.each(sensorDrivers.map(({ kind }) => kind))('%s', (kind) => {
  it(`is unplugged and replugged ${ROUNDS} times`, { timeout: 120_000 }, async () => {
    const world = await sensorWorld();
    const others = [];
    for (const other of sensorDrivers) {
      if (other.kind === kind) continue;
      others.push(await start(world, other.kind, `other-${other.kind}`));
    }
    const { handle, attached, fixture } = await start(world, kind, SENSOR);
    await world.clock.run(fixture.withinMs);
    let now = attached;
    let warmBytes = 0;
    const mine = (): FaultNotice[] =>
      world.bench.faults.filter(({ subject }) => subject === SENSOR);
    expect(mine()).toEqual([]);
    for (let round = 0; round < ROUNDS && now.detach !== null; round++) {
      if (round === WARM_ROUNDS) warmBytes = heapBytes();
      now.detach();
      await world.clock.run(APART_MS);
      now = fixture.attach(world);
      await world.clock.run(APART_MS);
      world.bench.drain();
      world.bench.hottest.length = 0;
    }
    if (attached.detach !== null) {
      expect(heapBytes() - warmBytes).toBeLessThan(MEMORY_SLACK_BYTES);
      const faults = mine();
      expect(faults.map(({ raised }) => raised)).toEqual(
        Array.from({ length: 2 * ROUNDS }, (_, i) => i % 2 === 0),
      );
      const types = journalled(faults).map(({ type }) => type);
      expect(types.filter((type) => type === 'faultRaised')).toHaveLength(ROUNDS);
      expect(types.filter((type) => type === 'faultRestored')).toHaveLength(ROUNDS);
    }
    for (const one of [...others, { handle, attached: now }]) {
      await one.handle.close();
      one.attached.stop();
    }
    await world.clock.run(APART_MS);
    expect(world.clock.pending).toBe(0);
    expect(openHandles(world)).toBe(0);
  });
});

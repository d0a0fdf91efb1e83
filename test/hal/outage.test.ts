/**
 * Hardware that stays away for hours, as the panel hears of it: one fault of the driver and one of
 * each channel, told once; and the same sensor is never silent as well, let alone now and then.
 */
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { createPanel, stepPanel } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { Role } from '../../src/domain/evidence.ts';
import { NO_INPUTS } from '../../src/domain/step.ts';
import { zoneId } from '../../src/domain/units.ts';
import { sensorDrivers } from '../../src/hal/drivers/index.ts';
import type { SensorDriver } from '../../src/hal/sensor-driver.ts';
import { SENSOR } from './driver-bench.ts';
import type { SensorFixture, SensorWorld } from './sensor-fixture.ts';
import { sensorWorld } from './sensor-fixture.ts';

const HOURS_MS = 3 * 3_600_000;
/** Boards and recordings that do not speak say nothing: there is nobody who could. */
const SPEECHLESS = ['serial-board', 'replay'];
const kinds = sensorDrivers.map(({ kind }) => kind).filter((kind) => !SPEECHLESS.includes(kind));

async function fixtureOf(kind: string): Promise<SensorFixture> {
  const loaded = (await import(`./fixtures/${kind}.ts`)) as { fixture: SensorFixture };
  return loaded.fixture;
}

/** A connection that is refused only after a while, as one to a machine that is switched off. */
function openSlowly({ modbus, clock }: SensorWorld, afterMs: number): void {
  const open = modbus.open.bind(modbus);
  modbus.open = async (address) => {
    await new Promise<void>((resolve) => clock.after(afterMs, resolve));
    return open(address);
  };
}

/** Runs the driver and the panel together; returns what the panel writes into the journal. */
async function journalOf(
  driver: SensorDriver,
  { options, channels }: SensorFixture,
  world: SensorWorld,
  ms: number,
): Promise<DomainEvent[]> {
  const prepared = driver.prepare(options);
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const { clock, bench } = world;
  const role = (channel: string): Role => (channel === 'thermal' ? 'thermal' : 'smoke');
  const sources = channels.map((channel) => ({ sensor: SENSOR, channel, role: role(channel) }));
  const plan = makePlan({
    zones: [{ id: zoneId('hall'), name: 'Hall', sources }],
    sensors: [{ sensor: SENSOR, ...prepared.timing }],
  });
  let panel = createPanel(plan, clock.monotonicMs());
  const handle = prepared.open(bench.host);
  const journal: DomainEvent[] = [];
  const untilMs = clock.monotonicMs() + ms;
  while (clock.monotonicMs() < untilMs) {
    await clock.run(500);
    const faults = bench.faults.splice(0);
    const inputs = { ...NO_INPUTS, windows: bench.drain(), faults };
    const stepped = stepPanel(panel, inputs, clock.monotonicMs());
    panel = stepped.panel;
    journal.push(...stepped.events);
  }
  await handle.close();
  expect(clock.pending).toBe(0);
  return journal;
}

function told(journal: readonly DomainEvent[]): string[] {
  return journal.map(({ type, data }) => {
    const { fault, zone } = data as { readonly fault?: string; readonly zone?: string | null };
    return `${type} ${fault ?? ''} in ${zone ?? 'no zone'}`;
  });
}

describe.each(kinds)('%s without its hardware', (kind) => {
  const driver = sensorDrivers.find((one) => one.kind === kind);
  if (driver === undefined) throw new Error(kind);

  it.each([0, 6000])('is told once, when each attempt takes %s ms', async (afterMs) => {
    const fixture = await fixtureOf(kind);
    const world = await sensorWorld();
    openSlowly(world, afterMs);
    const journal = told(await journalOf(driver, fixture, world, HOURS_MS));
    const ofChannels = fixture.channels.map(() => 'faultRaised noData in hall');
    // Nothing else watches the hall, which is told once, too.
    const expected = [`faultRaised ${fixture.fault} in hall`, 'faultRaised zoneBlind in hall'];
    expect(journal.sort()).toEqual([...expected, ...ofChannels].sort());
  });
});

/** Episodes of people at work: maintenance, tests, delays, call points, other configurations. */
import { between } from '../../src/simulator/random.ts';
import { failSiren, PLAIN, pressCallPoint, putHot } from './duty-deadlines.ts';
import type { Episode } from './faults.ts';
import type { Room } from './room.ts';
import { AREA_ROOM, HOOD, HOURS_ROOM, isWorking, MASK, type Setup, USUAL } from './site.ts';
import { burn, expectLearnt, killSoon, later, type Stage } from './stage.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
const DELAYED: Setup = { ...USUAL, delaySeconds: { siren: 20, strobe: 10, alarmRelay: 40 } };
/** With other delays: what waits already, waits by them. */
const OTHER_DELAYS: Setup = { ...USUAL, delaySeconds: { siren: 15, strobe: 0, alarmRelay: 30 } };
/** Until a start is over: boards are back, and idle levels are learnt again. */
const STARTED_SECONDS = 66;
/** In these episodes fires go out in time for the reset that follows. */
const SHORT_FIRE_MS = 75_000;

/** Alarms of this episode need not sound within 10 s: its own promises are judged. */
function onDuty({ world }: Stage): void {
  world.troubles.note('duty', 240_000);
}

/** Two rooms in which fires grow fast. */
function quickRooms({ world }: Stage): readonly [Room, Room] {
  return [world.room('hall'), world.room('workshop')];
}

/** Starts with another configuration, and with the usual one again at the end. */
function under(stage: Stage, setup: Setup): void {
  onDuty(stage);
  stage.world.restart(setup);
  later(stage.world, 222, () => stage.world.restart(USUAL));
}

function maintained(stage: Stage, forMs: number): void {
  onDuty(stage);
  later(stage.world, 10, () => stage.world.order({ kind: 'maintenance', forMs }));
  burn(stage, stage.room);
}

/** With the delay running, somebody does something. */
function delayed(stage: Stage, then: (world: World) => void): void {
  under(stage, DELAYED);
  const [room] = quickRooms(stage);
  burn(stage, room, STARTED_SECONDS, SHORT_FIRE_MS);
  stage.world.onceAlarmed(between(stage.random, 1_000, 9_000), () => then(stage.world));
}

function switchedOff(stage: Stage, off: (world: World, forMs: number) => void): void {
  onDuty(stage);
  const forMs = 95_000;
  later(stage.world, 8, () => off(stage.world, forMs));
  burn(stage, stage.room);
}

/** Between two steps, whatever is decided then. */
function killBetween({ world, random }: Stage, fromSeconds: number, toSeconds: number): void {
  later(world, between(random, fromSeconds, toSeconds), () => {
    world.troubles.note('appliance', 100_000);
    world.kill('idle', { cut: false });
  });
}

/** The site's clock is set so that people are at work, or have gone home. */
function setHour({ clock }: World, working: boolean): void {
  if (isWorking(clock.wallMs()) !== working) clock.stepWall(60 * MINUTE_MS);
  // Not within the last minutes of its hour.
  clock.stepWall(5 * MINUTE_MS - (clock.wallMs() % (60 * MINUTE_MS)));
}

export const DUTY_EPISODES = {
  maintained: (stage) => maintained(stage, 110_000),
  maintainedKilled: (stage) => {
    maintained(stage, 110_000);
    killSoon(stage, false);
  },
  maintainedWhileDown: (stage) => {
    maintained(stage, 100_000);
    // It ends while the appliance is down, or just before or after.
    killBetween(stage, 104, 111);
  },
  maintainedRenewed: (stage) => {
    maintained(stage, 60_000);
    later(stage.world, 50, () => stage.world.order({ kind: 'maintenance', forMs: 60_000 }));
  },
  delayed: (stage) => {
    under(stage, DELAYED);
    burn(stage, quickRooms(stage)[0], STARTED_SECONDS, SHORT_FIRE_MS);
  },
  delayedKilled: (stage) => {
    under(stage, DELAYED);
    burn(stage, quickRooms(stage)[0], STARTED_SECONDS, SHORT_FIRE_MS);
    stage.world.killAfterAlarm(between(stage.random, 0, 30_000), { cut: false });
  },
  delayedOverride: (stage) => delayed(stage, (world) => world.order({ kind: 'sound' })),
  delayedCallPoint: (stage) =>
    delayed(stage, (world) => pressCallPoint(world, quickRooms(stage)[1])),
  delayedSecondZone: (stage) => {
    under(stage, DELAYED);
    for (const room of quickRooms(stage)) burn(stage, room, STARTED_SECONDS, SHORT_FIRE_MS);
  },
  delayedReconfigured: (stage) => {
    delayed(stage, (world) => world.restart(OTHER_DELAYS));
  },
  callPoint: (stage) => {
    later(stage.world, 20, () => pressCallPoint(stage.world, stage.room));
    burn(stage, stage.other, 60, SHORT_FIRE_MS);
  },
  callPointKilled: (stage) => {
    later(stage.world, 20, () => {
      stage.world.troubles.note('appliance', 150_000);
      pressCallPoint(stage.world, stage.room);
      later(stage.world, between(stage.random, 0, 0.5), () =>
        stage.world.kill('idle', { cut: false }),
      );
    });
  },
  callPointWhileDown: (stage) => {
    later(stage.world, 20, () => {
      stage.world.troubles.note('appliance', 150_000);
      stage.world.kill('idle', { cut: false });
      pressCallPoint(stage.world, stage.room);
    });
  },
  sensorDisabled: (stage) =>
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'disableSensor', sensor: stage.room.sensor, forMs }),
    ),
  sensorDisabledKilled: (stage) => {
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'disableSensor', sensor: stage.room.sensor, forMs }),
    );
    killBetween(stage, 35, 70);
  },
  zoneDisabled: (stage) =>
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'disable', zone: stage.room.zone, forMs }),
    ),
  outputDisabled: (stage) =>
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'disableOutput', output: 'siren', forMs }),
    ),
  outputDisabledKilled: (stage) => {
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'disableOutput', output: 'siren', forMs }),
    );
    killBetween(stage, 70, 90);
  },
  sirenFails: (stage) => {
    onDuty(stage);
    burn(stage, stage.room);
    later(stage.world, 30, () => failSiren(stage.world, 75_000));
  },
  walkTest: (stage) =>
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'test', zone: stage.room.zone, forMs }),
    ),
  walkTestKilled: (stage) => {
    switchedOff(stage, (world, forMs) =>
      world.order({ kind: 'test', zone: stage.room.zone, forMs }),
    );
    killSoon(stage, false);
  },
  hotInAreas: (stage) => {
    const { world } = stage;
    const room = world.room(AREA_ROOM);
    const promise = 'areasJudged';
    const hot = { promise, forMs: 40_000, alarms: false } as const;
    later(world, 10, () => putHot(world, room, { ...hot, at: inside(MASK), celsius: 250 }));
    later(world, 60, () => putHot(world, room, { ...hot, at: inside(HOOD), celsius: 140 }));
    const above = { at: inside(HOOD), celsius: 230, alarms: true };
    later(world, 110, () => putHot(world, room, { ...hot, ...above }));
  },
  heldBack: (stage) => {
    const { world, room } = stage;
    onDuty(stage);
    world.model.lie = 'hotObject';
    // Hot enough and rising like a fire, and never critical: only the bound ends the hold-back.
    const rising = { celsius: 116, celsiusPerMinute: 115, forMs: 70_000 } as const;
    const due = { alarms: true, promise: 'heldBackInBound' } as const;
    later(world, 10, () => putHot(world, room, { at: PLAIN, ...rising, ...due }));
    later(world, 90, () => {
      world.model.lie = null;
    });
  },
  heldBackCritical: (stage) => {
    const { world, room } = stage;
    onDuty(stage);
    world.model.lie = 'hotObject';
    // Without smoke, flame or sign of fire: only what is critical alarms, here after 95 s.
    const rising = { celsius: 150, celsiusPerMinute: 60, forMs: 112_000 } as const;
    const due = { alarms: true, promise: 'criticalNotHeld' } as const;
    later(world, 10, () => putHot(world, room, { at: PLAIN, ...rising, ...due }));
    later(world, 130, () => {
      world.model.lie = null;
    });
  },
  offHours: (stage) => {
    const { world } = stage;
    const room = world.room(HOURS_ROOM);
    const hot = { at: PLAIN, celsius: 56, forMs: 40_000, promise: 'offHoursJudged' } as const;
    setHour(world, true);
    later(world, 10, () => putHot(world, room, { ...hot, alarms: false }));
    later(world, 75, () => {
      if (stage.random.next() < 0.5) setHour(world, false);
      else world.clockQuality = 'unsynchronised';
      putHot(world, room, { ...hot, alarms: true });
    });
    later(world, 200, () => {
      world.clockQuality = 'synchronised';
    });
  },
  zoneRemoved: (stage) => {
    const { world, room } = stage;
    onDuty(stage);
    burn(stage, room, 5, SHORT_FIRE_MS);
    // Its board goes with it: one that nobody knows any more would be another story.
    later(world, 95, () => {
      world.troubles.note(room.id, 240_000);
      room.unplug(100_000);
      world.restart({ ...USUAL, rooms: USUAL.rooms.filter((id) => id !== room.id) });
    });
    later(world, 195, () => world.restart(USUAL));
  },
  areasChanged: (stage) => {
    const { world } = stage;
    world.restart({ ...USUAL, areas: false });
    const promise = 'areasJudged';
    const hot = { at: inside(HOOD), celsius: 140, forMs: 40_000, alarms: true, promise } as const;
    later(world, 138, () => putHot(world, world.room(AREA_ROOM), hot));
    later(world, 222, () => world.restart(USUAL));
  },
  stopped: (stage) => {
    burn(stage, stage.room);
    later(stage.world, between(stage.random, 60, 110), () => {
      stage.world.restart(USUAL);
      expectLearnt(stage.world);
    });
  },
} as const satisfies Record<string, Episode>;

/** Not at the edge: the lens spreads what is hot. */
function inside({ rows, columns }: typeof HOOD | typeof MASK) {
  return {
    rows: [rows[0] + 1, rows[1] - 1],
    columns: [columns[0] + 1, columns[1] - 2],
  } as const;
}

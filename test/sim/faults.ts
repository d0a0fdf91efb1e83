/**
 * What happens to the site, one episode at a time: fires, and trouble of every kind, alone and
 * together. An episode only sets things in motion; invariants look at what comes of it.
 */
import { between } from '../../src/simulator/random.ts';
import { expectFault } from './deadlines.ts';
import { DUTY_EPISODES } from './faults-duty.ts';
import { AREA_ROOM } from './site.ts';
import {
  later,
  burn,
  killSoon,
  spoil,
  brokerTrouble,
  fated,
  diskTrouble,
  killInCommit,
  slowDisk,
  goneDisk,
  lyingModel,
  modelTrouble,
  type Stage,
} from './stage.ts';

/** Long enough for a fire, its end, and the reset after it. */
export const EPISODE_MS = 240_000;

export type Episode = (stage: Stage) => void;

const NOTHING = (): void => undefined;

function freeze(stage: Stage): void {
  const { room, world } = stage;
  spoil(
    stage,
    100,
    () => {
      room.frozen = true;
      expectFault(world, room, 'frozen');
    },
    () => {
      room.frozen = false;
    },
  );
}

export const EPISODES = {
  harmless: NOTHING,
  fire: (stage) => burn(stage, stage.room),
  twoFires: (stage) => {
    burn(stage, stage.room, 10);
    later(stage.world, 85, () => stage.world.operator.ask('silence'));
    burn(stage, stage.other, 75);
  },
  resetWhileBurning: (stage) => {
    burn(stage, stage.room);
    later(stage.world, 110, () => stage.world.operator.ask('reset'));
  },
  killed: (stage) => {
    burn(stage, stage.room);
    killSoon(stage, false);
  },
  killedTwice: (stage) => {
    burn(stage, stage.room);
    killSoon(stage, false);
    later(stage.world, 90, () => killSoon(stage, false));
  },
  powerCut: (stage) => {
    burn(stage, stage.room);
    killSoon(stage, true);
  },
  mute: (stage) => {
    const { room, world } = stage;
    spoil(
      stage,
      100,
      () => {
        room.mute = true;
        expectFault(world, room, 'silent');
      },
      () => {
        room.mute = false;
      },
    );
  },
  frozen: (stage) => freeze(stage),
  frozenAreas: (stage) => freeze({ ...stage, room: stage.world.room(AREA_ROOM) }),
  unplugged: (stage) => {
    const { room, world } = stage;
    spoil(
      stage,
      100,
      () => {
        room.unplug(100_000);
        expectFault(world, room, 'silent');
      },
      NOTHING,
    );
    burn(stage, stage.other);
  },
  garbage: (stage) => {
    const { room } = stage;
    spoil(
      stage,
      60,
      () => {
        room.garbage = 0.3;
      },
      () => {
        room.garbage = 0;
      },
    );
    burn(stage, stage.other);
  },
  modelLate: (stage) => modelTrouble(stage, 'late'),
  modelDies: (stage) => modelTrouble(stage, 'dies'),
  modelHangs: (stage) => modelTrouble(stage, 'hangs'),
  modelSaysNaN: (stage) => modelTrouble(stage, 'nan'),
  modelAlwaysFire: (stage) => lyingModel(stage, 'fire'),
  modelAlwaysHarmless: (stage) => lyingModel(stage, 'hotObject'),
  rebooted: (stage) => spoil(stage, 5, () => stage.room.reboot(), NOTHING),
  lingering: (stage) => spoil(stage, 5, () => stage.room.abandon(), NOTHING),
  brokerDown: (stage) => {
    const { broker } = stage.world;
    brokerTrouble(
      stage,
      200,
      () => broker.goDown(),
      () => broker.comeUp(),
    );
    burn(stage, stage.room);
  },
  halfOpen: (stage) => {
    const { faults } = stage.world.broker;
    brokerTrouble(
      stage,
      150,
      () => {
        faults.halfOpen = true;
      },
      () => {
        faults.halfOpen = false;
      },
    );
    burn(stage, stage.room);
  },
  acksLost: (stage) => {
    fated(stage, 'loseAck', 0.2);
    burn(stage, stage.room);
  },
  duplicated: (stage) => {
    fated(stage, 'duplicate', 0.5);
    burn(stage, stage.room);
  },
  broken: (stage) => {
    fated(stage, 'breakAfter', 0.3);
    burn(stage, stage.room);
    killSoon(stage, false);
  },
  hungUp: (stage) => {
    fated(stage, 'hangUp', 0.4);
    burn(stage, stage.room);
  },
  diskFull: (stage) => {
    const { disk } = stage.world;
    diskTrouble(
      stage,
      150,
      () => {
        disk.full = true;
      },
      () => {
        disk.full = false;
      },
    );
    burn(stage, stage.room);
    if (stage.random.next() < 0.5) killSoon(stage, false);
  },
  diskFullCut: (stage) => {
    const { disk } = stage.world;
    diskTrouble(
      stage,
      100,
      () => {
        disk.full = true;
      },
      () => {
        disk.full = false;
      },
    );
    burn(stage, stage.room);
    later(stage.world, 18, () => killInCommit(stage));
  },
  diskGone: (stage) => {
    goneDisk(stage);
    burn(stage, stage.room);
  },
  diskGoneKilled: (stage) => {
    goneDisk(stage);
    burn(stage, stage.room);
    killSoon(stage, false);
  },
  slowDiskKilled: (stage) => slowDisk(stage, false),
  slowDiskCut: (stage) => slowDisk(stage, true),
  wallStepped: (stage) => {
    const { world, random } = stage;
    later(world, 40, () => world.clock.stepWall(between(random, -3_600_000, 3_600_000)));
    burn(stage, stage.room);
  },
  ...DUTY_EPISODES,
} as const satisfies Record<string, Episode>;

export type EpisodeName = keyof typeof EPISODES;

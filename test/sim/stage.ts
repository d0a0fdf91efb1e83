/** Tools of episodes: each sets one thing in motion, and notes the trouble that it makes. */
import { between, integerBetween, type SeededRandom } from '../../src/simulator/random.ts';
import type { SceneKind } from '../../src/domain/opinion.ts';
import type { SimulatedModelTrouble } from '../../src/model-simulated.ts';
import type { TextMessage } from '../../src/uplink/link.ts';
import type { Fate } from '../../src/uplink/simulated-link.ts';
import { expectSound } from './deadlines.ts';
import { expectNotLearnt } from './learnt.ts';
import { KILL_POINTS } from './kill-points.ts';
import type { Room } from './room.ts';
import type { World } from './world.ts';

/** That often one message has bad luck. */
const MOST_OFTEN = 2;
const BURNS_MS = 100_000;
/** Until boards have redialled, boots are over and retries have come round. */
const RECOVERY_MS = 30_000;

export { expectLearnt } from './learnt.ts';

export interface Stage {
  readonly world: World;
  readonly random: SeededRandom;
  /** Where it happens. */
  readonly room: Room;
  readonly other: Room;
}

export function later(world: World, seconds: number, run: () => void): void {
  world.clock.after(seconds * 1000, run);
}

export function burn(
  { world, random }: Stage,
  room: Room,
  fromSeconds = 20,
  forMs = BURNS_MS,
): void {
  later(world, between(random, fromSeconds, fromSeconds + 15), () => {
    expectNotLearnt(world, room, forMs);
    expectSound(world, room, room.ignite(forMs));
  });
}

/** While a fire grows: in the middle of deciding, or a little after it, or just so. */
export function killSoon({ world, random }: Stage, cut: boolean): void {
  later(world, between(random, 25, 80), () => {
    world.troubles.note('appliance', 150_000);
    const kind = random.next();
    if (kind < 0.1) {
      world.kill('idle', { cut });
      return;
    }
    if (kind < 0.4) world.killAfterAlarm(between(random, 0, 60), { cut });
    else if (kind < 0.5) world.killAfterAlarm(between(random, 0, 6_000), { cut });
    else world.kill(pick(random, KILL_POINTS), { cut });
    // In a quiet house nothing is decided: then it dies between two steps.
    const { process } = world;
    later(world, 60, () => {
      if (world.process === process && process !== null) world.kill('idle', { cut });
    });
  });
}

function pick<T>(random: SeededRandom, from: readonly T[]): T {
  return from[integerBetween(random, 0, from.length - 1)]!;
}

/** Something is wrong with a board for a while. */
export function spoil(stage: Stage, seconds: number, begin: () => void, end: () => void): void {
  const { world, room } = stage;
  later(world, 30, () => {
    world.troubles.note(room.id, seconds * 1000 + RECOVERY_MS);
    begin();
    later(world, seconds, end);
  });
}

export function brokerTrouble(
  stage: Stage,
  seconds: number,
  begin: () => void,
  end: () => void,
): void {
  later(stage.world, 10, () => {
    stage.world.troubles.note('broker', seconds * 1000 + 60_000);
    begin();
    later(stage.world, seconds, end);
  });
}

export function fated(stage: Stage, fate: Fate, share: number): void {
  const { world, random } = stage;
  const { faults } = world.broker;
  const chance = random.fork('fate');
  // A message that meets the same fate again and again counts as poison and is set aside.
  const met = new Map<string, number>();
  const decide = (message: TextMessage): Fate => {
    const { id } = JSON.parse(message.payload) as { id?: string };
    if (id === undefined || !message.topic.includes('/event/')) return 'deliver';
    const times = met.get(id) ?? 0;
    if (times === MOST_OFTEN || chance.next() >= share) return 'deliver';
    met.set(id, times + 1);
    return fate;
  };
  brokerTrouble(
    stage,
    180,
    () => {
      faults.fate = decide;
    },
    () => {
      faults.fate = () => 'deliver';
    },
  );
}

export function diskTrouble(
  stage: Stage,
  seconds: number,
  begin: () => void,
  end: () => void,
): void {
  later(stage.world, 15, () => {
    stage.world.troubles.note('disk', seconds * 1000 + 60_000);
    begin();
    later(stage.world, seconds, end);
  });
}

/** The model fails while a fire burns: the rules decide alone, and a fault says so. */
export function modelTrouble(stage: Stage, trouble: SimulatedModelTrouble): void {
  const { world, room } = stage;
  later(world, 10, () => {
    // A process that is started again is waited for, and then tried.
    world.troubles.note('model', 240_000);
    world.model.process.trouble = trouble;
    later(world, 110, () => {
      world.model.process.trouble = 'none';
    });
  });
  burn(stage, room);
}

/** The model is sure of one thing, whatever it is shown. */
export function lyingModel(stage: Stage, lie: SceneKind): void {
  const { world, room, other } = stage;
  world.model.lie = lie;
  if (lie !== 'fire') world.troubles.note('modelThatLies', 240_000);
  burn(stage, lie === 'fire' ? other : room);
  later(world, 200, () => {
    world.model.lie = null;
  });
}

export function goneDisk(stage: Stage): void {
  const { disk } = stage.world;
  diskTrouble(
    stage,
    130,
    () => {
      disk.gone = true;
    },
    () => {
      disk.gone = false;
    },
  );
}

export function slowDisk(stage: Stage, cut: boolean): void {
  const { disk } = stage.world;
  diskTrouble(
    stage,
    120,
    () => {
      disk.slowMs = between(stage.random, 1_000, 6_000);
    },
    () => {
      disk.slowMs = 0;
    },
  );
  burn(stage, stage.room);
  if (!cut) killSoon(stage, false);
  else later(stage.world, 18, () => killInCommit(stage));
}

/** The power goes while an alarm is decided, perhaps told, and not yet on the disk. */
export function killInCommit({ world, random }: Stage): void {
  world.troubles.note('appliance', 150_000);
  world.killAfterAlarm(between(random, 100, 5_500), { cut: true });
}

/** Promises with a date: set when their cause begins, judged when the time is up. */
import type { Room, RoomFire } from './room.ts';
import { expectAreasSilent } from './duty-deadlines.ts';
import { AREA_ROOM, CHIP, LINES } from './site.ts';
import type { World } from './world.ts';

/** Time from passing a limit to the siren (decisions.md of the design: 10 s for growing fires). */
const SOUND_WITHIN_MS = 10_000;
/** The quiet time before, in which boards and evidence have settled. */
const HEALTHY_BEFORE_MS = 60_000;
/** 30 s of silence, one cycle with an EEPROM answer in it, one step. */
const SILENT_WITHIN_MS = 36_000;
/** Four equal frames of at most 4.89 s, then three reports and 10 s, and one more cycle. */
const FROZEN_WITHIN_MS = 50_000;
const TOLD_WITHIN_MS = 2_000;
/** A database that does not answer is waited for a minute, then events come from memory. */
const TOLD_ANYWAY_WITHIN_MS = 75_000;
const FRAMES_WITHIN_MS = 12_000;
const RECOVERED_AFTER_MS = 60_000;

/** A fire has begun: judged 10 s after its peak passes the limit that counts for its growth. */
export function expectSound(world: World, room: Room, fire: RoomFire): void {
  if (world.ledger.latched.has(room.id)) return;
  const isQuick = fire.growth === 'fast' || fire.growth === 'ultraFast';
  // A model that takes every fire for harmless may hold back until the region is critical.
  const isLiedAbout = !world.troubles.calm(['modelThatLies'], fire.ignitedMs, Infinity);
  const passesMs = room.passesMs(isQuick && !isLiedAbout ? 60 : 120, fire);
  if (passesMs === Infinity) return;
  const deadlineMs = passesMs + SOUND_WITHIN_MS;
  world.clock.after(deadlineMs - world.clock.monotonicMs(), () => {
    const subjects = [room.id, 'appliance', 'duty'];
    if (!world.troubles.calm(subjects, passesMs - HEALTHY_BEFORE_MS, deadlineMs)) return;
    const soundedMs = world.watch.soundedMs.get(room.id);
    const holds = soundedMs !== undefined && soundedMs >= fire.ignitedMs;
    const when = `${Math.round((passesMs - fire.ignitedMs) / 1000)} s after ignition`;
    const detail = `${room.id} (${fire.growth}) passed its limit ${when}: no siren 10 s later`;
    world.score.expect('fireSounds', holds, () => detail);
    if (isLiedAbout) world.score.expect('criticalNotHeld', holds, () => detail);
  });
}

/** A board has died or frozen: judged when its deadline is over. */
export function expectFault(world: World, room: Room, kind: 'silent' | 'frozen'): void {
  const fromMs = world.clock.monotonicMs();
  const withinMs = kind === 'silent' ? SILENT_WITHIN_MS : FROZEN_WITHIN_MS;
  if (room.id === AREA_ROOM && kind === 'frozen') expectAreasSilent(world, withinMs - 1_000);
  world.clock.after(withinMs, () => {
    const untilMs = world.clock.monotonicMs();
    const core = world.process?.core;
    if (core == null || !world.troubles.calm(['appliance'], fromMs, untilMs)) return;
    const { zones, outputs } = core.runtime.view();
    const isTold = zones.some(({ faults }) =>
      faults.some(({ subject }) => subject === room.id || subject.startsWith(`${room.id}/`)),
    );
    const isReleased = !outputs.faultRelay && !world.isLineActive(CHIP, LINES.faultRelay);
    const detail = `${room.id} is ${kind}: fault ${isTold}, relay released ${isReleased}`;
    world.score.expect('deadSensorFaults', isTold && isReleased, () => detail);
  });
}

/** An alarm event was decided: judged once with a disk that works, and once with any disk. */
export function expectTold(world: World, id: string): void {
  const fromMs = world.clock.monotonicMs();
  const judge = (withinMs: number, subjects: readonly string[]): void => {
    world.clock.after(withinMs, () => {
      const untilMs = world.clock.monotonicMs();
      if (!world.troubles.calm(subjects, fromMs - HEALTHY_BEFORE_MS, untilMs)) return;
      world.centre.read();
      const detail = (): string => `${id} has not arrived after ${withinMs / 1000} s`;
      world.score.expect('alarmsReachCentre', world.centre.events.has(id), detail);
    });
  };
  judge(TOLD_WITHIN_MS, ['broker', 'appliance', 'disk']);
  judge(TOLD_ANYWAY_WITHIN_MS, ['broker', 'appliance']);
}

/** At the end of an episode: who has been left alone for a while must be heard. */
export function expectFrames(world: World): void {
  const nowMs = world.clock.monotonicMs();
  for (const room of world.rooms) {
    const sinceMs = nowMs - RECOVERED_AFTER_MS;
    if (!world.troubles.calm([room.id, 'appliance'], sinceMs, nowMs)) continue;
    const frameMs = world.watch.lastFrameMs.get(room.id) ?? -Infinity;
    const detail = (): string => `${room.id}: last frame ${nowMs - frameMs} ms ago`;
    world.score.expect('boardsRecover', nowMs - frameMs <= FRAMES_WITHIN_MS, detail);
  }
}

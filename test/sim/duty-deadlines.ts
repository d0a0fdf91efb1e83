/** Promises with a date about what is held off, switched off or pressed. */
import type { JournalEvent } from '../../src/domain/event.ts';
import { DELAYED_ROLES } from '../../src/domain/view.ts';
import type { InvariantId } from './invariants.ts';
import type { Room } from './room.ts';
import type { HotThing } from './room-source.ts';
import { AREA_ROOM, CALL_POINTS, CHIP, LINES } from './site.ts';
import type { World } from './world.ts';

/** Down, up again, and lines driven from memory. */
const RESTARTED_WITHIN_MS = 12_000;
/** A heat that stands there alarms within this. */
const JUDGED_WITHIN_MS = 15_000;
/** Lines are written again each second. */
const LINE_BACK_MS = 2_000;
const PRESSED_FOR_MS = 10_000;
/** Up for so long, a process hears its inputs. */
const HEARS_AFTER_MS = 6_000;
const SURELY_HOT_CELSIUS = 125;
/** Far from all fires, and from the areas that are judged on their own. */
export const PLAIN = { rows: [8, 11], columns: [2, 7] } as const;

/** Something was ordered for a limited time: what is true at its end is looked at. */
export function expectEnds(world: World, event: JournalEvent): void {
  if (event.lane !== 'operator') return;
  if (event.type === 'maintenanceStarted') expectMaintenanceEnds(world, event.data.forMs);
  else if (event.type === 'sensorDisabled') {
    expectJudgedAgain(world, event.data.sensor, event.data.forMs, 'disabledRests');
  } else if (event.type === 'disabled') {
    expectJudgedAgain(world, event.data.zone, event.data.forMs, 'disabledRests');
  } else if (event.type === 'testStarted') {
    expectJudgedAgain(world, event.data.zone, event.data.forMs, 'walkTestTells');
  }
}

function expectMaintenanceEnds(world: World, forMs: number): void {
  const { ledger, clock, score } = world;
  const { duty } = ledger;
  const untilMs = clock.monotonicMs() + forMs;
  clock.after(forMs + RESTARTED_WITHIN_MS, () => {
    const core = world.process?.core;
    if (core == null || (duty.maintenanceUntilMs ?? untilMs) > untilMs) return;
    const isOver = core.runtime.view().maintenanceUntilMs === null;
    const quiet = DELAYED_ROLES.filter((role) => {
      if (duty.isOutputDisabled(role.toLowerCase(), clock.monotonicMs())) return false;
      const warns = role === 'siren' ? ledger.siren : ledger.latched.size > 0;
      return warns && !world.isLineActive(CHIP, LINES[role]);
    });
    const zones = [...ledger.latched.keys()].join();
    const detail = (): string => `over ${isOver}; "${zones}" is in alarm, quiet: ${quiet.join()}`;
    score.expect('maintenanceEnds', isOver && quiet.length === 0, detail);
  });
}

/** Whether the room burns well above every limit from some time before then until after it. */
function isHotAt(room: Room, atMs: number): boolean {
  const fire = room.fires.at(-1);
  if (fire === undefined || fire.extinguishedMs < atMs) return false;
  return room.passesMs(SURELY_HOT_CELSIUS, fire) + JUDGED_WITHIN_MS < atMs;
}

function expectJudgedAgain(
  world: World,
  subject: string,
  forMs: number,
  whileOff: 'disabledRests' | 'walkTestTells',
): void {
  const { ledger, clock, score, troubles, watch } = world;
  const room = world.rooms.find(({ id }) => id === subject);
  if (room === undefined || ledger.latched.has(room.id)) return;
  const fromMs = clock.monotonicMs();
  clock.after(forMs - 1_000, () => {
    if (!isHotAt(room, clock.monotonicMs())) return;
    const isQuiet = !ledger.latched.has(room.id);
    const isCalm = troubles.calm(['appliance'], fromMs, clock.monotonicMs());
    const isTold = watch.walkTestToldMs.get(room.id) ?? -Infinity;
    const holds = isQuiet && (whileOff === 'disabledRests' || !isCalm || isTold >= fromMs);
    score.expect(whileOff, holds, () => `${room.id}: quiet ${isQuiet}, told at ${isTold}`);
  });
  const dueMs = forMs + JUDGED_WITHIN_MS;
  clock.after(dueMs, () => {
    const nowMs = clock.monotonicMs();
    const isUp = (world.process?.clock.monotonicMs() ?? 0) > 2 * JUDGED_WITHIN_MS;
    const isCalm = troubles.calm([room.id], nowMs - 2 * JUDGED_WITHIN_MS, nowMs);
    if (!isHotAt(room, nowMs) || !isUp || !isCalm) return;
    const detail = (): string => `${room.id} burns, and nothing has alarmed since it is back`;
    score.expect('backInService', ledger.latched.has(room.id), detail);
  });
}

/** The siren's line fails: that is a fault, and afterwards it shows what it should. */
export function failSiren(world: World, forMs: number): void {
  const { clock, ledger, score, troubles } = world;
  const subject = 'output:siren';
  troubles.note(subject, forMs + LINE_BACK_MS);
  world.failLine('siren', forMs);
  const judge = (afterMs: number, isFailed: boolean): void => {
    clock.after(afterMs, () => {
      const core = world.process?.core;
      if (core == null) return;
      const { faults } = core.runtime.view();
      const isTold = faults.some((each) => each.subject === subject);
      const isRight = isFailed || world.isLineActive(CHIP, LINES.siren) === ledger.siren;
      const holds = isRight && (isTold || !isFailed);
      const detail = (): string => `fails ${isFailed}, told ${isTold}, level right ${isRight}`;
      score.expect('lineFaultTold', holds, detail);
    });
  };
  judge(LINE_BACK_MS, true);
  judge(forMs + LINE_BACK_MS, false);
}

/** A person presses the manual call point of a room. */
export function pressCallPoint(world: World, room: Room): void {
  const { clock, ledger, score } = world;
  const line = CALL_POINTS[room.id as keyof typeof CALL_POINTS];
  room.endanger(PRESSED_FOR_MS);
  world.press(line, PRESSED_FOR_MS);
  const { process } = world;
  const hears = process?.core != null && process.clock.monotonicMs() > HEARS_AFTER_MS;
  const isServed = world.setup.rooms.includes(room.id);
  clock.after(hears ? 300 : PRESSED_FOR_MS - 500, () => {
    const nowMs = clock.monotonicMs();
    const now = world.process;
    const { duty } = ledger;
    if (!isServed || now?.core == null || (hears && now !== process)) return;
    if (!hears && now.clock.monotonicMs() < HEARS_AFTER_MS / 3) return;
    if (duty.isMaintained(nowMs)) return;
    const quiet = DELAYED_ROLES.filter(
      (role) =>
        !world.isLineActive(CHIP, LINES[role]) && !duty.isOutputDisabled(role.toLowerCase(), nowMs),
    );
    const holds = ledger.latched.has(room.id) && quiet.length === 0;
    score.expect('callPointSounds', holds, () => `${room.id}: ${quiet.join()} is quiet`);
  });
}

export interface Hot {
  readonly at: Pick<HotThing, 'rows' | 'columns'>;
  readonly celsius: number;
  readonly celsiusPerMinute?: number;
  readonly forMs: number;
  /** Whether it has to alarm. */
  readonly alarms: boolean;
  readonly promise: InvariantId;
}

/** Something hot stands in a room for a while: judged by the limits of its place and of the hour. */
export function putHot(world: World, room: Room, hot: Hot): void {
  const { clock, ledger, score, troubles } = world;
  const { at, celsius, celsiusPerMinute = null, forMs, alarms, promise } = hot;
  if (ledger.latched.has(room.id)) return;
  room.heat({ rows: at.rows, columns: at.columns, celsius, celsiusPerMinute }, forMs);
  if (alarms) room.endanger(forMs);
  const fromMs = clock.monotonicMs();
  clock.after(forMs - 1_000, () => {
    const isCalm = troubles.calm([room.id, 'appliance'], fromMs - 60_000, clock.monotonicMs());
    if (!isCalm) return;
    const isThere = ledger.latched.has(room.id);
    const detail = (): string => `${celsius} C in ${room.id}: alarm ${isThere}, due ${alarms}`;
    score.expect(promise, isThere === alarms, detail);
  });
}

/** An array is frozen: what is no data of its picture is no data of its areas. */
export function expectAreasSilent(world: World, withinMs: number): void {
  const fromMs = world.clock.monotonicMs();
  world.clock.after(withinMs, () => {
    const core = world.process?.core;
    if (core == null || !world.setup.areas) return;
    if (!world.troubles.calm(['appliance'], fromMs, world.clock.monotonicMs())) return;
    const channels = core.runtime
      .view()
      .sources.filter(({ sensor, role }) => sensor === AREA_ROOM && role === 'thermal');
    const well = channels.filter(({ quality }) => quality !== 'frozen');
    const holds = channels.length > 1 && well.length === 0;
    const names = well.map(({ channel, quality }) => `${channel} is ${quality}`).join();
    world.score.expect('areasShareFaults', holds, () => `frozen, and ${names}`);
  });
}

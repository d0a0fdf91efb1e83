/** SIGKILL of the appliance, most of the time within milliseconds of its output. */
import { monotonicMs } from '../../line-file.ts';
import type { Kind } from '../kind.ts';
import type { Blow } from '../probe.ts';
import type { Round } from '../round.ts';

/** Kills come up to this long after the siren rose, most of them sooner. */
const LONGEST_DELAY_MS = 4;
const AT_OUTPUT = 0.75;
const BEFORE_OUTPUT = 0.1;
const DURING_START = 0.15;
/** A start takes about this long until it is healthy. */
const START_MS = 800;

export const kill: Kind = {
  name: 'kill',
  what: 'SIGKILL of the appliance',
  missing: () => null,
  betweenShare: 0.3,
  mayDestroy: false,
  prepare: () => ({ setting: {}, round: killRound }),
};

async function killRound(round: Round): Promise<void> {
  await round.quiet(2);
  const latched = await killed(round, aim(round));
  if (round.chance(DURING_START)) await killAgain(round);
  // Half of the time nothing is left of the fire but what was remembered of it.
  if (round.chance(0.5)) {
    await round.stage.probe.air();
    round.note('restarted without smoke');
  }
  await round.restart(latched);
}

function aim(round: Round): Omit<Blow, 'kill'> {
  const where = round.random.next();
  if (where < AT_OUTPUT) {
    return { from: 'rise', delayMs: LONGEST_DELAY_MS * round.random.next() ** 2 };
  }
  if (where < AT_OUTPUT + BEFORE_OUTPUT) return { from: 'sent', delayMs: round.between(0, 2) };
  return { from: 'rise', delayMs: round.between(4, 150) };
}

/**
 * One alarm and a kill beside it.
 * @returns whether an alarm is on record, which must sound again.
 */
export async function killed(round: Round, at: Omit<Blow, 'kill'>): Promise<boolean> {
  const { stage } = round;
  const crossing = await round.cross({ ...at, kill: stage.unit.pid });
  if (crossing.crossed.refused !== null) {
    await stage.unit.end('SIGKILL');
    round.collect();
    return false;
  }
  await stage.unit.gone();
  const left = round.collect();
  round.moment(crossing, crossing.crossed.blewMs ?? monotonicMs(), left);
  // The siren is silenced before each crossing: without a new alarm it stays silent.
  const { zone, aboveSeq } = crossing;
  return stage.ledger.alarmOf(zone, aboveSeq) !== null;
}

/** Once more, while what the first kill left behind is being taken over. */
async function killAgain(round: Round): Promise<void> {
  const { unit } = round.stage;
  unit.launch();
  await round.rest(0, START_MS);
  if (!unit.running) round.fail('the appliance ended by itself during its start');
  await unit.end('SIGKILL');
  round.collect();
  round.note('killed again during the start');
}

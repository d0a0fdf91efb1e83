/** kill -9 of the broker beside an alarm, with alarms while it is away, and its return. */
import type { Kind } from '../kind.ts';
import type { Round } from '../round.ts';
import { until } from '../../kill/children.ts';
import { lookAtLive } from '../live.ts';

/** Written down after each change, once a second. */
const DURABLE = [
  'persistence true',
  'autosave_on_changes true',
  'autosave_interval 1',
  'max_inflight_messages 0',
];
const FORGETFUL = ['persistence false', 'max_inflight_messages 0'];

/** @param keeps whether the broker has its sessions on disk. */
function brokerKind(name: string, what: string, keeps: boolean): Kind {
  return {
    name,
    what,
    missing: () => null,
    betweenShare: 0,
    mayDestroy: false,
    prepare: () => ({
      setting: { brokerKeeps: keeps ? DURABLE : FORGETFUL },
      round: (round) => brokerRound(round, keeps),
    }),
  };
}

export const broker = brokerKind('broker', 'kill -9 of a broker that keeps sessions', true);
export const brokerForgets = brokerKind('brokerForgets', 'kill -9 of one that keeps none', false);

async function brokerRound(round: Round, keeps: boolean): Promise<void> {
  const { stage } = round;
  await round.quiet(1);
  const at = round.chance(0.7)
    ? { from: 'rise' as const, delayMs: 6 * round.random.next() ** 2 }
    : { from: 'sent' as const, delayMs: round.between(0, 2) };
  const subscribed = stage.subscribed;
  const crossing = await round.cross({ ...at, kill: stage.broker.pid });
  const { blewMs } = crossing.crossed;
  await stage.broker.gone();
  if (blewMs !== null) round.moment(crossing, blewMs);
  const alarms = round.random.uint32() % 3;
  for (let left = alarms; left > 0; left -= 1) await round.cross();
  if (alarms > 0) round.note('alarms while the broker was away');
  await round.rest(0, 300);
  // A broker that kept no session forgets what it gets before the subscriber is there again.
  if (!keeps) stage.tap.hold(true);
  await stage.broker.start();
  await until('the subscriber is back', () => stage.subscribed > subscribed);
  stage.tap.hold(false);
  if (round.chance(0.5)) await round.cross();
  await countLosses(round);
}

/**
 * What the broker acknowledged and took with it is not the appliance's loss as long as its journal
 * still holds it: central servers miss the number and can ask for it. Counted, and shown.
 */
async function countLosses(round: Round): Promise<void> {
  const { stage } = round;
  await until('everything is delivered', () => stage.unit.drained());
  await round.rest(50, 50);
  stage.hear();
  const missing = [...stage.tap.acknowledged].filter((id) => !stage.ledger.hasReceived(id));
  if (missing.length === 0) return;
  const journal = lookAtLive(stage.unit.stateFolder);
  stage.ledger.know(journal.events);
  for (const id of missing) {
    if (stage.ledger.lostByBroker.has(id) || !journal.events.some((one) => one.id === id)) continue;
    stage.ledger.lostByBroker.add(id);
    round.note('acknowledged by the killed broker, never passed on by it, still in the journal');
  }
}

/** A link to the broker that goes dead without a word, and comes back. */
import { missingFor } from '../cleanup.ts';
import type { Kind } from '../kind.ts';
import { DEAD, type Dead, Namespace } from '../network.ts';
import type { Round } from '../round.ts';

/** A share of the links stays dead until the appliance has noticed it: 1.5 keep-alives of 5 s. */
const LONG = 0.03;
const LONG_MS = 9000;
/** To cut a wire takes some 15 ms, to tell an alarm some 5. */
const ALARM_WITHIN_MS = 24;

export const halfOpen: Kind = {
  name: 'halfOpen',
  what: 'dead link without FIN (nft drop, wrong permanent neighbour)',
  missing: () => missingFor(['ip', 'nft']),
  betweenShare: 0,
  mayDestroy: false,
  prepare(_folders, cleanup) {
    const net = new Namespace(cleanup);
    const manner = {
      ...{ host: net.inside, brokerHost: net.brokerSide, through: net.through },
      broker: { keepAliveSeconds: 5 },
    };
    return {
      setting: { manner, tapHost: net.brokerSide },
      round: (round) => halfOpenRound(round, net),
    };
  },
};

async function halfOpenRound(round: Round, net: Namespace): Promise<void> {
  await round.quiet(1);
  const how: Dead = DEAD[round.random.uint32() % DEAD.length] ?? 'dropBoth';
  round.note(how);
  await round.crossBeside(() => net.cut(how), ALARM_WITHIN_MS);
  try {
    for (let left = round.random.uint32() % 3; left > 0; left -= 1) {
      await round.cross();
      round.note('alarms on the dead link');
    }
    if (round.chance(LONG)) {
      round.note('dead until the appliance noticed');
      await round.rest(LONG_MS, LONG_MS);
    } else await round.rest(50, 700);
  } finally {
    await net.mend(how);
  }
}

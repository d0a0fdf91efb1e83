/** What the node says of a broker that does not take its data. */
import type { FaultNotice } from '../../domain/step.ts';
import type { AsideState } from '../lane.ts';
import type { LaneName } from '../lane-source.ts';

/** @param subject of the node, `uplink:<name>`. */
export function heldFault(subject: string, lane: LaneName, raised: boolean): FaultNotice {
  const detail = raised
    ? `the broker refuses all Sparkplug data of ${lane}: check its access rules and quotas`
    : 'the broker accepts the lane again';
  return { fault: 'laneRefused', subject: `${subject}:${lane}`, raised, detail };
}

/** An alarm that the broker does not take, or none any more. */
export function asideFault(subject: string, lane: LaneName, aside: AsideState): FaultNotice {
  const { count, seq, reason } = aside;
  const detail =
    count === 0
      ? 'the broker has taken every alarm'
      : `the broker does not take alarm ${seq ?? '?'} as Sparkplug data: ${reason ?? 'unsaid'}; ` +
        'it is kept and offered again: check the access rules and size limits of the broker';
  return { fault: 'alarmQuarantined', subject: `${subject}:${lane}`, raised: count > 0, detail };
}

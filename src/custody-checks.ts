/** Checks of what depends on the confirmation of central servers. */
import type { Finding } from './config-problems.ts';
import type { Config } from './config-schema.ts';

/** What would never be used because nobody is waited for, and brokers that would get nothing. */
export function custodyFindings({ uplink, gpio }: Config): readonly Finding[] {
  const { acknowledgement, brokers } = uplink;
  if (acknowledgement.withinSeconds !== null) {
    const ordinary = brokers.some(({ onlyEscalated }) => !onlyEscalated);
    if (ordinary || uplink.embeddedBroker.enabled) return [];
    return [
      {
        path: ['uplink', 'acknowledgement', 'withinSeconds'],
        problem: 'no broker gets the alarms that a central server is to confirm',
        remedy: 'name a broker under uplink.brokers without onlyEscalated, or set it to null',
      },
    ];
  }
  const remedy = 'set uplink.acknowledgement.withinSeconds, for example to 60';
  const problem = 'nothing is ever escalated, because no central server is waited for';
  const reserved = brokers.flatMap(({ onlyEscalated }, i): Finding[] =>
    onlyEscalated ? [{ path: ['uplink', 'brokers', i, 'onlyEscalated'], problem, remedy }] : [],
  );
  const outputs = gpio.outputs.flatMap(({ role }, i): Finding[] =>
    role === 'escalation' ? [{ path: ['gpio', 'outputs', i, 'role'], problem, remedy }] : [],
  );
  return [...reserved, ...outputs];
}

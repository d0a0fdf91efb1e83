/** What the schema does not see of the section `proof`. */
import type { Finding } from './config-problems.ts';
import type { Config } from './config-schema.ts';
import { isTimezone } from './hours.ts';

/** A timezone that does not exist, and witnesses that nobody could be. */
export function proofFindings({ proof, uplink }: Config): readonly Finding[] {
  const findings: Finding[] = [];
  if (proof.timezone !== null && !isTimezone(proof.timezone)) {
    findings.push({
      path: ['proof', 'timezone'],
      problem: 'no such timezone',
      remedy: 'use a name of the IANA list, such as Europe/Berlin, America/New_York or UTC',
    });
  }
  const hasBroker = uplink.brokers.length > 0 || uplink.embeddedBroker.enabled;
  for (const witness of ['broker', 'central'] as const) {
    if (hasBroker || proof[witness] !== 'required') continue;
    findings.push({
      path: ['proof', witness],
      problem: 'required, and there is no broker: every proof would fail',
      remedy: 'configure a broker under uplink.brokers, or use optional or off',
    });
  }
  return findings;
}

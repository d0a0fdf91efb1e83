/** Checks of what is told to Home Assistant and Sparkplug hosts. */
import type { Finding } from './config-problems.ts';
import type { Config } from './config-schema.ts';

/** Brokers that are named and do not exist, and names that would be used twice. */
export function discoveryFindings({ uplink }: Config): readonly Finding[] {
  const { brokers, embeddedBroker, homeAssistant, sparkplug } = uplink;
  const ids = brokers.map(({ id }) => id);
  const announcing = embeddedBroker.enabled ? [...ids, 'embedded'] : ids;
  const findings: Finding[] = [];
  const unknown = (section: string, broker: string | null, known: readonly string[]): void => {
    if (broker === null || known.includes(broker)) return;
    findings.push({
      path: ['uplink', section, 'broker'],
      problem: `there is no broker "${broker}"`,
      remedy: 'name the id of an entry of uplink.brokers, or leave it out',
    });
  };
  if (homeAssistant.enabled) unknown('homeAssistant', homeAssistant.broker, announcing);
  if (!sparkplug.enabled) return findings;
  unknown('sparkplug', sparkplug.broker, ids);
  if (ids.length === 0) {
    findings.push({
      path: ['uplink', 'sparkplug', 'enabled'],
      problem: 'there is no broker for Sparkplug',
      remedy: 'name a broker under uplink.brokers; the embedded one does not count',
    });
  }
  const name = `${sparkplug.broker ?? ids[0] ?? ''}-sparkplug`;
  if (ids.includes(name)) {
    findings.push({
      path: ['uplink', 'brokers', ids.indexOf(name), 'id'],
      problem: `"${name}" is what the Sparkplug connection is called`,
      remedy: 'choose another id for the broker',
    });
  }
  return findings;
}

/** The link of an appliance that knows every node of the cluster, as its configuration says. */
import { parseConfig } from '../../src/config.ts';
import { brokerLink } from '../../src/links.ts';
import type { Link } from '../../src/uplink/link.ts';
import type { LinkDeps } from '../../src/uplink/reconnecting-link.ts';

/** @param hosts of the nodes, the preferred one first; the others are its alternatives. */
export function linkTo(
  deviceId: string,
  broker: string,
  hosts: readonly string[],
  port: number,
  deps: LinkDeps,
): Link {
  const [url = '', ...others] = hosts.map((host) => `mqtt://${host}:${port}`);
  const brokers = [{ id: broker, url, alternatives: others.map((other) => ({ url: other })) }];
  // JSON is YAML too.
  const text = JSON.stringify({ device: { id: deviceId }, uplink: { brokers } });
  const parsed = parseConfig(text, {});
  const made = parsed.ok ? parsed.config.uplink.brokers[0] : undefined;
  if (!parsed.ok || made === undefined) throw new Error(`no configuration: ${text}`);
  return brokerLink(parsed.config, made, deps);
}

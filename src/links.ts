/** From the configuration to links; nothing connects before the core says so. */
import type { Config } from './config-schema.ts';
import { DEFAULT_FAILOVER, FailoverTransport } from './uplink/failover.ts';
import type { Link } from './uplink/link.ts';
import type { MqttLinkOptions } from './uplink/mqtt-link.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS, mqttTransport } from './uplink/mqtt-link.ts';
import { connectProbe, handshakeProbe } from './uplink/probes.ts';
import type { LinkDeps } from './uplink/reconnecting-link.ts';
import { ReconnectingLink } from './uplink/reconnecting-link.ts';

export type Broker = Config['uplink']['brokers'][number];
type Alternative = Broker['alternatives'][number];

const DEFAULT_PORTS = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;
/** A probe that has no answer by then found nothing. */
const PROBE_TIMEOUT_MS = 10_000;

/** The link to one broker, by one address or several. */
export function brokerLink(config: Config, broker: Broker, deps: LinkDeps): Link {
  const [first, ...others] = addressesOf(config, broker);
  if (others.length === 0) return createMqttLink(first, deps);
  const addresses = [first, ...others].map((options) => ({
    transport: mqttTransport(options, deps),
    probe: probeOf(broker, options, deps),
  }));
  const { afterSeconds } = broker.failBack;
  const transport = new FailoverTransport(addresses, deps, {
    ...DEFAULT_FAILOVER,
    failBackAfterMs: afterSeconds * 1000,
    failBackMaxMs: Math.max(DEFAULT_FAILOVER.failBackMaxMs, afterSeconds * 1000),
  });
  return new ReconnectingLink(transport, deps, first);
}

function probeOf({ failBack }: Broker, options: MqttLinkOptions, deps: LinkDeps) {
  if (failBack.probe === 'handshake') return handshakeProbe(options, deps.clock, PROBE_TIMEOUT_MS);
  const own = { ...options, clientId: `${options.clientId}-probe` };
  return connectProbe(mqttTransport(own, deps), deps.clock, PROBE_TIMEOUT_MS);
}

/** How each address of a broker is reached, the first one first. */
export function addressesOf(
  config: Config,
  broker: Broker,
): readonly [MqttLinkOptions, ...MqttLinkOptions[]] {
  const others = broker.alternatives.map((each) => inherited(broker, each));
  const make = (way: Omit<Broker, 'alternatives'>) => linkOptions(config, way);
  return [make(broker), ...others.map(make)];
}

/**
 * What an alternative does not name it takes from the first address: name and password as a whole,
 * certificate and key as a whole, the rest one by one. The server's name belongs to an address.
 */
function inherited(broker: Broker, own: Alternative): Broker {
  const { url, serverName, verifyServer } = own;
  const { username, usernameFile, passwordFile, tokenFile } = own;
  const { certificateFile, keyFile, keyPassphraseFile } = own;
  const named = { username, usernameFile, passwordFile, tokenFile };
  const proven = { certificateFile, keyFile, keyPassphraseFile };
  const isGiven = (group: object) => Object.values(group).some((value) => value !== undefined);
  return {
    ...broker,
    ...{ url, serverName },
    verifyServer: verifyServer ?? broker.verifyServer,
    caFile: own.caFile ?? broker.caFile,
    alpn: own.alpn ?? broker.alpn,
    ...(isGiven(named) ? named : {}),
    ...(isGiven(proven) ? proven : {}),
  };
}

function linkOptions(config: Config, broker: Omit<Broker, 'alternatives'>): MqttLinkOptions {
  const { protocol, hostname, port } = new URL(broker.url);
  const secure = protocol === 'mqtts:';
  return {
    ...DEFAULT_MQTT_OPTIONS,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? DEFAULT_PORTS[secure ? 'mqtts:' : 'mqtt:'] : Number(port),
    clientId: `embereye-${config.device.id}-${broker.id}`,
    username: broker.username ?? null,
    usernameFile: broker.usernameFile ?? null,
    passwordFile: broker.passwordFile ?? null,
    tokenFile: broker.tokenFile ?? null,
    keepaliveSeconds: broker.keepAliveSeconds,
    tls: secure
      ? {
          caFile: broker.caFile ?? null,
          certFile: broker.certificateFile ?? null,
          keyFile: broker.keyFile ?? null,
          passphraseFile: broker.keyPassphraseFile ?? null,
          verify: broker.verifyServer,
          serverName: broker.serverName ?? null,
          alpn: broker.alpn ?? [],
        }
      : null,
  };
}

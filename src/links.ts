/** From the configuration to links; nothing connects before the core says so. */
import type { Config } from './config-schema.ts';
import type { Link } from './uplink/link.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from './uplink/mqtt-link.ts';
import type { LinkDeps } from './uplink/reconnecting-link.ts';

type Broker = Config['uplink']['brokers'][number];

const DEFAULT_PORTS = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;

/** The link to one broker. */
export function brokerLink(config: Config, broker: Broker, deps: LinkDeps): Link {
  const { protocol, hostname, port } = new URL(broker.url);
  const secure = protocol === 'mqtts:';
  return createMqttLink(
    {
      ...DEFAULT_MQTT_OPTIONS,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? DEFAULT_PORTS[secure ? 'mqtts:' : 'mqtt:'] : Number(port),
      clientId: `embereye-${config.device.id}-${broker.id}`,
      username: broker.username ?? null,
      passwordFile: broker.passwordFile ?? null,
      keepaliveSeconds: broker.keepAliveSeconds,
      tls: secure
        ? {
            caFile: broker.caFile ?? null,
            certFile: broker.certificateFile ?? null,
            keyFile: broker.keyFile ?? null,
            verify: broker.verifyServer,
            serverName: null,
          }
        : null,
    },
    deps,
  );
}

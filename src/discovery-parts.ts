/** From the configuration to what tells others of the appliance: Home Assistant, Sparkplug B. */
import type { Config } from './config-schema.ts';
import type { CoreParts } from './core.ts';
import type { Clock, KeyedStore } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import { brokerLink } from './links.ts';
import { HomeAssistantDesk } from './uplink/home-assistant-desk.ts';
import type { DiscoveryPlan } from './uplink/home-assistant.ts';
import type { Link } from './uplink/link.ts';
import type { StateSnapshot } from './uplink/payload.ts';
import { topicsOf } from './uplink/payload.ts';
import type { LinkDeps } from './uplink/reconnecting-link.ts';
import { Remembered } from './uplink/remembered.ts';
import { SparkplugNode } from './uplink/sparkplug/node.ts';

/** What earlier runs have told others, which this one must know, and the ways to them. */
export interface DiscoveryParts {
  readonly announced: Remembered;
  readonly sessions: Remembered;
  /** Null: Sparkplug is off. */
  readonly sparkplug: BrokerWay | null;
}

interface BrokerWay {
  /** Of its connection, its positions in the journal, its faults and metrics. */
  readonly name: string;
  readonly link: Link;
}

/** Reads what is remembered. @throws what the store throws when it cannot be read. */
export async function openDiscovery(
  config: Config,
  keyed: KeyedStore,
  deps: LinkDeps,
): Promise<DiscoveryParts> {
  return {
    announced: await Remembered.load(keyed, 'announced'),
    sessions: await Remembered.load(keyed, 'sparkplug'),
    sparkplug: sparkplugWay(config, deps),
  };
}

/** What Sparkplug's positions in the journal are called; null where it is off. */
export function sparkplugName({ uplink }: Config): string | null {
  const broker = sparkplugBroker(uplink);
  return broker === null ? null : `${broker.id}-sparkplug`;
}

type Uplink = Config['uplink'];

function sparkplugBroker({ sparkplug, brokers }: Uplink): Uplink['brokers'][number] | null {
  if (!sparkplug.enabled) return null;
  const wanted = sparkplug.broker ?? brokers[0]?.id;
  return brokers.find(({ id }) => id === wanted) ?? null;
}

/** A second connection to the same broker: a client has one will, and this one needs its own. */
function sparkplugWay(config: Config, deps: LinkDeps): BrokerWay | null {
  const broker = sparkplugBroker(config.uplink);
  const name = sparkplugName(config);
  if (broker === null || name === null) return null;
  return { name, link: brokerLink(config, { ...broker, id: name }, deps) };
}

interface NodeSide {
  state(): StateSnapshot;
  fault(notice: FaultNotice): void;
}

/** The appliance as a Sparkplug node; null where it is off. */
export function sparkplugNode(parts: CoreParts, side: NodeSide): SparkplugNode | null {
  const { config, discovery, bootId, version, configHash, clock, log, journal } = parts;
  if (discovery === undefined || discovery.sparkplug === null) return null;
  const { name, link } = discovery.sparkplug;
  const { group, node, valueSeconds } = config.uplink.sparkplug;
  const options = {
    ...{ name, group, node: node ?? config.device.id, valueMs: valueSeconds * 1000 },
    identity: { deviceId: config.device.id, bootId },
    facts: { version, configHash },
  };
  return new SparkplugNode(options, {
    ...{ clock, log, journal, link, remembered: discovery.sessions },
    state: () => side.state(),
    onFault: (notice) => side.fault(notice),
  });
}

/** What a desk needs of the uplink whose announcements it makes. */
interface Announced {
  announce(): void;
  stateChanged(): void;
}

export interface HomeAssistantWorld {
  readonly config: Config;
  readonly clock: Clock;
  readonly version: string;
  readonly root: string;
  readonly broker: string;
  readonly announced: Remembered;
  readonly state: () => StateSnapshot;
  readonly uplink: () => Announced;
}

/** The desk of one broker; it also takes away what was announced there and is switched off. */
export function homeAssistantAt(world: HomeAssistantWorld): HomeAssistantDesk {
  const { config, clock, broker, announced, state, uplink } = world;
  return new HomeAssistantDesk({
    ...{ clock, broker, state },
    plan: planOf(world),
    remembered: announced,
    announce: () => uplink().announce(),
    refresh: () => uplink().stateChanged(),
    refreshMs: config.uplink.homeAssistant.valueSeconds * 1000,
  });
}

function planOf({ config, broker, root, version }: HomeAssistantWorld): DiscoveryPlan | null {
  const { homeAssistant, commands } = config.uplink;
  const isTold = homeAssistant.broker === null || homeAssistant.broker === broker;
  if (!homeAssistant.enabled || !isTold) return null;
  // A button cannot sign.
  const mayPress =
    homeAssistant.buttons && commands.require === 'none' && commands.level !== 'viewer';
  return {
    prefix: homeAssistant.prefix,
    topics: topicsOf(root),
    deviceId: config.device.id,
    deviceName: config.device.name,
    version,
    buttons: mayPress ? ['acknowledge', 'silence', 'reset'] : [],
  };
}

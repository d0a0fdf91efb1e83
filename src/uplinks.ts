/** From the parts of the core to one uplink a broker. */
import { capabilitiesOf, commandOptionsOf } from './command-parts.ts';
import type { Config } from './config-schema.ts';
import type { CoreParts } from './core.ts';
import { homeAssistantAt } from './discovery-parts.ts';
import type { CommandOutcome, CommandRequest } from './domain/command.ts';
import type { DomainEvent } from './domain/event.ts';
import type { FaultNotice } from './domain/step.ts';
import type { RefusedAttempt } from './uplink/command-desk.ts';
import type { Link } from './uplink/link.ts';
import type { StateSnapshot } from './uplink/payload.ts';
import { defaultRoot } from './uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink } from './uplink/uplink.ts';
import type { CommandSide } from './uplink/uplink-options.ts';

/** A broker by its name in the configuration, and the way to it. */
export interface BrokerLink {
  readonly broker: string;
  readonly link: Link;
}

/** What uplinks ask of the appliance behind them. */
export interface UplinkSide {
  state(): StateSnapshot;
  submit(request: CommandRequest): Promise<CommandOutcome>;
  refused(attempt: RefusedAttempt): void;
  fault(notice: FaultNotice): void;
  /** For the journal of the next step. */
  record(event: DomainEvent): void;
}

/** What stands before all topics of this appliance. */
export function topicRoot(config: Config): string {
  return config.uplink.root ?? defaultRoot(config.device.id);
}

/** One uplink for each link, in the same order; none of them connects before its `start`. */
export function makeUplinks(parts: CoreParts, side: UplinkSide): readonly Uplink[] {
  return parts.links.map((link) => makeUplink(parts, side, link));
}

function makeUplink(parts: CoreParts, side: UplinkSide, { broker, link }: BrokerLink): Uplink {
  const { config, bootId, version, configHash, clock, log, journal, wallTime, hooks } = parts;
  const options = {
    ...DEFAULT_UPLINK_OPTIONS,
    broker,
    delivers: !config.uplink.brokers.some(
      ({ id, onlyEscalated }) => onlyEscalated && id === broker,
    ),
    root: topicRoot(config),
    identity: { deviceId: config.device.id, bootId },
    birth: {
      version,
      configHash,
      capabilities: capabilitiesOf(config),
    },
    commands: commandOptionsOf(config),
    backlogPerSecond: config.uplink.replayPerSecond ?? Infinity,
  };
  const commands = commandSide(parts, side);
  const { root } = options;
  const state = (): StateSnapshot => side.state();
  const { announced } = parts.discovery ?? {};
  const desk =
    announced &&
    homeAssistantAt({
      ...{ config, clock, version, root, broker, announced, state },
      uplink: () => uplink,
    });
  const hears = desk?.subscriber ?? null;
  const uplink: Uplink = new Uplink(options, {
    ...(commands === null ? {} : { commands }),
    ...{ clock, log, journal, link, wallTime },
    ...(desk === undefined ? {} : { announcements: desk }),
    state: () => {
      const snapshot = state();
      desk?.seen(snapshot);
      return snapshot;
    },
    submit: (request) => side.submit(request),
    subscribers: [...(parts.subscribers ?? []), ...(hears === null ? [] : [hears])],
    onRefused: (attempt) => side.refused(attempt),
    onFault: (notice) => side.fault(notice),
    onAckLatency: (lane, latencyMs, seq) => hooks?.onPublished?.(latencyMs, broker, lane, seq),
  });
  return uplink;
}

/** What commands may ask of the appliance besides the panel; null where a test leaves it out. */
function commandSide({ commands }: CoreParts, side: UplinkSide): CommandSide | null {
  if (commands === undefined) return null;
  const { memory, keys, configure, update } = commands;
  return {
    ...{ memory, keys },
    snapshot: ({ origin, requestId }) =>
      side.record({
        ...{ lane: 'operator', type: 'snapshotRequested' },
        data: { origin, requestId },
      }),
    configure: configure && ((request) => configure(request, side.state())),
    update: update && ((request) => update(request, side.state())),
  };
}

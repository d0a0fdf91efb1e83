/** From the parts of the core to one uplink a broker. */
import type { Config } from './config-schema.ts';
import type { CoreParts } from './core.ts';
import type { CommandOutcome, CommandRequest } from './domain/command.ts';
import type { FaultNotice } from './domain/step.ts';
import type { RefusedAttempt } from './uplink/command-desk.ts';
import { acceptedAt } from './uplink/command-parse.ts';
import type { Link } from './uplink/link.ts';
import type { StateSnapshot } from './uplink/payload.ts';
import { defaultRoot } from './uplink/payload.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink } from './uplink/uplink.ts';

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
    root: topicRoot(config),
    identity: { deviceId: config.device.id, bootId },
    birth: {
      version,
      configHash,
      capabilities: acceptedAt(DEFAULT_UPLINK_OPTIONS.commands.level),
    },
  };
  return new Uplink(options, {
    ...{ clock, log, journal, link, wallTime },
    state: () => side.state(),
    submit: (request) => side.submit(request),
    onRefused: (attempt) => side.refused(attempt),
    onFault: (notice) => side.fault(notice),
    onAckLatency: (lane, latencyMs, seq) => hooks?.onPublished?.(latencyMs, broker, lane, seq),
  });
}

/**
 * What senders write on `<root>/command/<name>`, as types for the published schemas. What really
 * arrives is untrusted: `command-parse.ts` reads it. Senders write no other fields: these would be
 * refused, so that a misspelt one is noticed.
 */
import type { CommandKind } from '../domain/command.ts';
import type { ServiceKind } from '../domain/command-service.ts';

/** Fields of every command; an empty payload is a command without fields. */
export interface CommandHead {
  /**
   * Names the request: a repeated one is answered again and not carried out again.
   * Without it the correlation data of MQTT 5 count.
   * @pattern ^[A-Za-z0-9_.:@-]{1,64}$
   */
  readonly requestId?: string;
  /**
   * Who, for the journal, where nothing proves it.
   * @pattern ^[A-Za-z0-9_.:@-]{1,64}$
   */
  readonly actor?: string;
  /** When it was given, as in ISO 8601; without it the age is not judged. */
  readonly issuedAt?: string;
  /**
   * How long it is valid from `issuedAt`; 30 where it is left out.
   * @exclusiveMinimum 0
   */
  readonly expiresInSeconds?: number;
  /**
   * Higher than in every command before it that was signed with the same key.
   * @asType integer
   * @minimum 0
   */
  readonly counter?: number;
  /**
   * Which key the token belongs to.
   * @pattern ^[A-Za-z0-9_.:@-]{1,64}$
   */
  readonly keyId?: string;
  /** @maxLength 512 */
  readonly token?: string;
}

/** A command that proves who sent it. */
export interface SignedCommand {
  /**
   * Which key signed it.
   * @pattern ^[A-Za-z0-9_.:@-]{1,64}$
   */
  readonly keyId: string;
  /**
   * In base64, of the text that the page about commands describes.
   * @pattern ^[A-Za-z0-9+/_=-]{20,128}$
   */
  readonly signature: string;
  /** The JSON of the command's own fields, as text, to the letter as it was signed. */
  readonly command: string;
}

/** @pattern ^[a-z0-9_-]{1,48}$ */
type Id = string;

interface Timed {
  /**
   * At most a week; the appliance's own limits are in its configuration, under `panel`.
   * @exclusiveMinimum 0
   * @maximum 604800
   */
  readonly forSeconds: number;
}
interface OfZone {
  readonly zone: Id;
}
interface OfZones {
  /** A zone id, or `all`; left out: all. */
  readonly zone?: Id;
}
interface OfSensor {
  readonly sensor: Id;
}
interface OfOutput {
  readonly output: Id;
}

/** How a configuration is named, as in `configHash`. @pattern ^[0-9a-f]{16}$ */
type ConfigHash = string;

/** Checks a configuration, or puts it to work on probation. */
interface Apply extends CommandHead {
  /** The whole configuration, as YAML. */
  readonly text: string;
  /** The configuration that the sender has seen: nobody else's change is overwritten. */
  readonly baseHash: ConfigHash;
  /** True: only checked and compared. Left out: false. */
  readonly dryRun?: boolean;
}
/** The sender has seen the appliance work with this configuration: its probation is over. */
interface Confirm extends CommandHead {
  readonly confirm: ConfigHash;
}
/** Back to an earlier configuration, on probation like any other. */
interface Rollback extends CommandHead {
  readonly rollback: ConfigHash;
}

/** Brings another release, signed by its supplier, to this appliance. */
interface Update extends CommandHead {
  /**
   * Of the release; its signature lies beside it as `<url>.minisig`.
   * @pattern ^https?://[!-~]{1,1000}$
   */
  readonly url: string;
  /** Of the release at `url`. @pattern ^[0-9A-Za-z.+-]{1,64}$ */
  readonly version: string;
  /**
   * Only the first so many percent of all appliances; left out: all.
   * @minimum 0
   * @maximum 100
   */
  readonly percentage?: number;
  /** When it may start; left out: the configured hours, or any. */
  readonly window?: UpdateWindow;
}
interface UpdateWindow {
  /** `HH:MM`, local time of the site. @pattern ^([01]\d|2[0-3]):[0-5]\d$ */
  readonly from: string;
  /** `HH:MM`; before `from`: on the next day. @pattern ^([01]\d|2[0-3]):[0-5]\d$ */
  readonly to: string;
  /** True: both are UTC. Left out: false. */
  readonly utc?: boolean;
}

/** By the last level of the topic. */
export interface CommandPayloads {
  readonly acknowledge: (CommandHead & OfZones) | SignedCommand;
  readonly silence: CommandHead | SignedCommand;
  readonly reset: (CommandHead & OfZones) | SignedCommand;
  readonly sound: CommandHead | SignedCommand;
  readonly prove: (CommandHead & OfZones) | SignedCommand;
  readonly confirmProof: (CommandHead & { readonly proof: Id }) | SignedCommand;
  readonly disable: (CommandHead & OfZone & Timed) | SignedCommand;
  readonly enable: (CommandHead & OfZone) | SignedCommand;
  readonly test: (CommandHead & OfZone & Timed) | SignedCommand;
  readonly disableSensor: (CommandHead & OfSensor & Timed) | SignedCommand;
  readonly enableSensor: (CommandHead & OfSensor) | SignedCommand;
  readonly disableOutput: (CommandHead & OfOutput & Timed) | SignedCommand;
  readonly enableOutput: (CommandHead & OfOutput) | SignedCommand;
  readonly maintenance: (CommandHead & Timed) | SignedCommand;
  readonly endMaintenance: CommandHead | SignedCommand;
  readonly approveBackground: (CommandHead & OfSensor) | SignedCommand;
  readonly snapshot: CommandHead | SignedCommand;
  readonly configure: Apply | Confirm | Rollback | SignedCommand;
  readonly update: Update | SignedCommand;
}

/** What one command's payload looks like; there is one for each that exists. */
export type CommandPayload<K extends CommandKind | ServiceKind> = CommandPayloads[K];

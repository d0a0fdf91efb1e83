/**
 * Keeps what Home Assistant finds at one broker in step with the appliance: announces it after each
 * connect, when zones or sensors come and go, and when Home Assistant starts; takes away what is
 * gone, and for that remembers over restarts what it has announced.
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { Announcements } from './announcer.ts';
import {
  type DiscoveryPlan,
  discoveriesOf,
  discoveryMessage,
  removalMessage,
} from './home-assistant.ts';
import type { IncomingMessage, OutgoingMessage } from './link.ts';
import type { StateSnapshot } from './payload.ts';
import type { Remembered } from './remembered.ts';
import type { Subscriber } from './uplink-options.ts';

export interface HomeAssistantDeps {
  readonly clock: Clock;
  /** Name of the broker: others are told of their own. */
  readonly broker: string;
  /** Null: nothing is announced, and what was is taken away. */
  readonly plan: DiscoveryPlan | null;
  /** Of the kind `announced`. */
  readonly remembered: Remembered;
  readonly state: () => StateSnapshot;
  /** Publishes the announcements again, if the broker is connected. */
  readonly announce: () => void;
  /** Publishes `state`, which otherwise goes out only when something happens. */
  readonly refresh: () => void;
  /** How often values are refreshed. */
  readonly refreshMs: number;
}

/** Platform by key of each component that was announced under one topic. */
type Announced = Readonly<Record<string, string>>;

/** Several reasons at once make one announcement. */
const ANNOUNCE_AFTER_MS = 500;

export class HomeAssistantDesk implements Announcements {
  readonly #deps: HomeAssistantDeps;
  /** Of what was handed out last: what will stand at the broker once it has taken it. */
  readonly #handedOut = new Map<string, Announced>();
  #shape: string | null = null;
  #due: Cancel | null = null;
  #nextRefresh: Cancel = () => undefined;

  constructor(deps: HomeAssistantDeps) {
    this.#deps = deps;
  }

  /** Listens for Home Assistant's own birth; null where nothing is announced. */
  get subscriber(): Subscriber | null {
    const { plan } = this.#deps;
    if (plan === null) return null;
    const topic = `${plan.prefix}/status`;
    return {
      filter: topic,
      // One that was there before us needs nothing: we announce at each connect.
      retained: false,
      matches: (other) => other === topic,
      onMessage: (message) => this.#onBirth(message),
    };
  }

  /** Tells of each snapshot on its way out: zones and sources may have come or gone. Cheap. */
  seen(snapshot: StateSnapshot): void {
    if (this.#deps.plan === null) return;
    const shape = shapeOf(snapshot);
    if (this.#shape !== null && this.#shape !== shape) this.#announceSoon();
    this.#shape = shape;
  }

  messages(): readonly OutgoingMessage[] {
    const { plan, state } = this.#deps;
    const wanted = plan === null ? [] : discoveriesOf(plan, state());
    this.#handedOut.clear();
    const messages = wanted.map((discovery) => {
      const { topic, config } = discovery;
      const platforms = Object.entries(config.components).map(([key, one]) => [key, one.platform]);
      const now = Object.fromEntries(platforms) as Announced;
      const before = this.#announced(topic);
      const gone = Object.entries(before).filter(([key]) => !(key in now));
      // Remembered before it is sent: nothing may stand at the broker that nobody knows of.
      this.#remember(topic, { ...before, ...now });
      this.#handedOut.set(topic, now);
      return discoveryMessage(discovery, Object.fromEntries(gone));
    });
    const removed = this.#topics().filter((topic) => !this.#handedOut.has(topic));
    return [...messages, ...removed.map(removalMessage)];
  }

  taken({ topic, payload }: OutgoingMessage): void {
    const now = this.#handedOut.get(topic);
    if (payload === '') {
      if (now === undefined) this.#deps.remembered.remove(this.#keyOf(topic));
    } else if (now !== undefined) this.#remember(topic, now);
  }

  /** Keeps values fresh from now on; until `stop`. */
  start(): void {
    const { plan, clock, refresh, refreshMs } = this.#deps;
    if (plan === null) return;
    this.#nextRefresh = clock.after(refreshMs, () => {
      refresh();
      this.start();
    });
  }

  stop(): void {
    this.#nextRefresh();
    this.#due?.();
    this.#due = null;
  }

  #onBirth(message: IncomingMessage): void {
    const word = Buffer.from(message.payload).toString();
    if (!message.retained && word === 'online') this.#announceSoon();
  }

  #announceSoon(): void {
    this.#due ??= this.#deps.clock.after(ANNOUNCE_AFTER_MS, () => {
      this.#due = null;
      this.#deps.announce();
    });
  }

  #topics(): readonly string[] {
    const prefix = this.#keyOf('');
    const { keys } = this.#deps.remembered;
    return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  #keyOf(topic: string): string {
    return `${this.#deps.broker} ${topic}`;
  }

  #announced(topic: string): Announced {
    const text = this.#deps.remembered.get(this.#keyOf(topic));
    return text === null ? {} : (JSON.parse(text) as Announced);
  }

  #remember(topic: string, announced: Announced): void {
    this.#deps.remembered.set(this.#keyOf(topic), JSON.stringify(announced));
  }
}

/** What discovery depends on. */
function shapeOf({ zones, sources }: StateSnapshot): string {
  const named = zones.map(({ id, name }) => `${id}=${name}`);
  const seen = sources.map(
    ({ zone, sensor, channel, role }) => `${zone}:${sensor}/${channel}:${role}`,
  );
  return [...named, ...seen].join('\n');
}

/** A listener at the site's broker, with the installer's own certificate or login. */
import { createHash } from 'node:crypto';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../../src/uplink/mqtt-link.ts';
import type { Link } from '../../src/uplink/link.ts';
import { missing, Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

/** How the installer reaches the broker; files are of the laptop. */
export interface BrokerLogin {
  /** mqtt://HOST:PORT or mqtts://HOST:PORT. */
  readonly url: string;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly serverName: string | null;
}

/** An event as docs/mqtt.md has them, as far as a proof needs it. */
export interface HeardEvent {
  readonly topic: string;
  readonly type: string;
  readonly clockQuality: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Listener {
  /** Resolves with the first event since the start that fits, or null when the time is over. */
  wait(fits: (event: HeardEvent) => boolean, limitMs: number): Promise<HeardEvent | null>;
  close(): Promise<void>;
}

const CONNECT_LIMIT_MS = 20_000;

/** Connects and subscribes to `filter`. @throws Trouble with the broker's or our reason. */
export async function listenAt(
  login: BrokerLogin,
  filter: string,
  world: Pick<ProvisionWorld, 'randomBytes'>,
): Promise<Listener> {
  const clock = systemClock();
  const link = linkTo(login, world);
  const heard: HeardEvent[] = [];
  const waiting = new Set<() => void>();
  const reasons: string[] = [];
  const connected = new Promise<boolean>((resolve) => {
    const cancel = clock.after(CONNECT_LIMIT_MS, () => resolve(false));
    link.open({
      onState: (state) => {
        if (state.kind === 'disconnected') {
          reasons.push(state.reason);
          return;
        }
        void link.subscribe(filter, { retained: false }).then((result) => {
          if (result.kind === 'failed') reasons.push(result.reason);
          cancel();
          resolve(result.kind === 'subscribed');
        });
      },
      onMessage: ({ topic, payload }) => {
        const event = eventIn(topic, payload);
        if (event === null) return;
        heard.push(event);
        for (const look of [...waiting]) look();
      },
      will: () => null,
    });
  });
  if (!(await connected)) {
    await link.close(0);
    const why = reasons.at(-1) ?? 'no answer';
    throw missing(`the broker ${link.address} cannot be listened to: ${why}`);
  }
  return {
    close: () => link.close(1_000),
    wait: (fits, limitMs) =>
      new Promise((resolve) => {
        const done = (event: HeardEvent | null): void => {
          waiting.delete(look);
          cancel();
          resolve(event);
        };
        const look = (): void => {
          const found = heard.find(fits);
          if (found !== undefined) done(found);
        };
        const cancel = clock.after(limitMs, () => done(null));
        waiting.add(look);
        look();
      }),
  };
}

function linkTo(login: BrokerLogin, { randomBytes }: Pick<ProvisionWorld, 'randomBytes'>): Link {
  const { protocol, hostname, port } = addressIn(login.url);
  const { caFile, certFile, keyFile, serverName, username, passwordFile } = login;
  const tls = protocol === 'mqtts:';
  const name = createHash('sha256').update(randomBytes(16)).digest('hex').slice(0, 12);
  return createMqttLink(
    {
      ...DEFAULT_MQTT_OPTIONS,
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (tls ? 8883 : 1883) : Number(port),
      clientId: `verify-${name}`,
      tls: tls ? { caFile, certFile, keyFile, serverName, verify: true } : null,
      ...{ username, passwordFile },
    },
    { clock: systemClock(), random: systemRandom(), log: () => undefined },
  );
}

function addressIn(url: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new Trouble(`--broker: "${url}" is no address: write mqtts://HOST:8883`);
  }
}

function eventIn(topic: string, payload: Uint8Array): HeardEvent | null {
  try {
    const raw = JSON.parse(Buffer.from(payload).toString('utf8')) as Partial<HeardEvent> | null;
    if (typeof raw?.type !== 'string' || typeof raw.data !== 'object') return null;
    return { topic, type: raw.type, clockQuality: raw.clockQuality ?? 'unknown', data: raw.data };
  } catch {
    // Somebody else's words below our filter.
    return null;
  }
}

/** `embereye watch`: an independent subscriber that prints what it receives, one JSON line each. */
import { silentLog } from '../log.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../uplink/mqtt-link.ts';
import type { ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';
import type { BoardCommandIo } from './simulate-board-io.ts';
import { aborted } from './simulate-board-io.ts';

export interface WatchOptions {
  readonly broker: string;
  readonly filter: string;
}

const CLOSE_DEADLINE_MS = 1000;

/** Runs until it is told to end; connects again for ever. */
export async function runWatch(options: WatchOptions, io: BoardCommandIo): Promise<ExitCode> {
  const url = URL.canParse(options.broker) ? new URL(options.broker) : null;
  if (url?.protocol !== 'mqtt:') {
    io.err(`--broker: "${options.broker}" is no address: write mqtt://HOST:PORT`);
    return EXIT.usage;
  }
  const { clock, random } = io;
  const link = createMqttLink(
    {
      ...DEFAULT_MQTT_OPTIONS,
      host: url.hostname,
      port: url.port === '' ? 1883 : Number(url.port),
      clientId: `embereye-watch-${random.uint32().toString(16)}`,
    },
    { clock, random, log: silentLog },
  );
  const subscribe = async (): Promise<void> => {
    const result = await link.subscribe(options.filter, { retained: true });
    io.err(result.kind === 'subscribed' ? `watching ${options.filter}` : result.reason);
  };
  link.open({
    onState: (state) => {
      if (state.kind === 'connected') void subscribe();
      else if (state.retryInMs !== null) io.err(state.reason);
    },
    onMessage: ({ topic, payload }) => {
      const receivedMs = Math.round(clock.wallMs());
      io.out(JSON.stringify({ topic, receivedMs, payload: contentOf(payload) }));
    },
    will: () => null,
  });
  await aborted(io.signal);
  await link.close(CLOSE_DEADLINE_MS);
  return EXIT.ok;
}

/** JSON as such, anything else as text. */
function contentOf(payload: Uint8Array): unknown {
  const text = new TextDecoder().decode(payload);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // A payload that is no JSON is shown as it is.
    return text;
  }
}

/** The line of one process to the broker: counts what is unanswered, and ends with its process. */
import type { Link } from '../../src/uplink/link.ts';
import { createSimulatedLink, type SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { DEFAULT_LINK_OPTIONS } from '../../src/uplink/reconnecting-link.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import type { ProcessClock } from './sim-clock.ts';

export interface CountedLink {
  readonly link: Link;
  /** Most events that waited for their answer at a time since this was last asked. */
  mostInFlight(): number;
}

export function countedLink(
  broker: SimulatedBroker,
  deps: { readonly clock: ProcessClock; readonly random: SeededRandom },
  clientId: string,
): CountedLink {
  const quiet = { ...deps, log: () => undefined };
  const inner = createSimulatedLink(broker, quiet, DEFAULT_LINK_OPTIONS, clientId);
  const never = new Promise<never>(() => undefined);
  /** What comes after the death of the process is nobody's. */
  const whileAlive = <T>(value: T): T | Promise<never> => (deps.clock.alive ? value : never);
  let inFlight = 0;
  let most = 0;
  const link: Link = {
    address: inner.address,
    open: (handlers) => {
      inner.open({
        will: (connection) => handlers.will(connection),
        onState: (state) => {
          if (deps.clock.alive) handlers.onState(state);
        },
        onMessage: (message) => {
          if (deps.clock.alive) handlers.onMessage(message);
        },
      });
    },
    publish: async (message) => {
      if (!deps.clock.alive) return never;
      const isEvent = message.topic.includes('/event/');
      if (isEvent) inFlight += 1;
      most = Math.max(most, inFlight);
      const result = await inner.publish(message);
      if (isEvent) inFlight -= 1;
      return whileAlive(result);
    },
    subscribe: (filter, options) => (deps.clock.alive ? inner.subscribe(filter, options) : never),
    close: (deadlineMs) => inner.close(deadlineMs),
  };
  return {
    link,
    mostInFlight: () => {
      const told = most;
      most = inFlight;
      return told;
    },
  };
}

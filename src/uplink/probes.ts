/** Two ways to see whether a broker would take us, beside the connection that is in use. */
import type { Cancel, Clock } from '../domain/ports.ts';
import { BrokerSocket, type Endpoint } from './broker-socket.ts';
import { readSecrets, type SecretFiles } from './secrets.ts';
import type { Transport } from './transport.ts';

type Probe = (answer: (trouble: string | null) => void) => Cancel;

/**
 * Connects as a client of its own, without a will, and says goodbye: that proves name, password,
 * certificates and a broker behind the port.
 * @param transport under a client identifier that is not the one in use.
 */
export function connectProbe(transport: Transport, clock: Clock, withinMs: number): Probe {
  return (answer) => {
    const session = transport.begin(null, {
      onOpen: () => {
        settle(null);
        session.goodbye();
      },
      onMessage: () => undefined,
      onEnded: ({ reason }) => settle(reason),
    });
    // Goodbye takes a moment to be sent: what is still open at the time limit is cut off.
    let settled = false;
    const settle = (trouble: string | null): void => {
      if (settled) return;
      settled = true;
      answer(trouble);
    };
    const cancelTimer = clock.after(withinMs, () => {
      session.destroy();
      settle(`no answer from ${transport.address}`);
    });
    return () => {
      settled = true;
      cancelTimer();
      session.destroy();
    };
  };
}

/** TCP, and TLS where it is used: for brokers that allow one client identifier only. */
export function handshakeProbe(
  options: Endpoint & SecretFiles,
  clock: Clock,
  withinMs: number,
): Probe {
  return (answer) => {
    let stream: BrokerSocket | null = null;
    let settled = false;
    const settle = (trouble: string | null): void => {
      if (settled) return;
      settled = true;
      cancelTimer();
      stream?.socket.destroy();
      answer(trouble);
    };
    const cancelTimer = clock.after(withinMs, () => settle('no answer'));
    readSecrets(options).then(
      ({ tls }) => {
        if (settled) return;
        stream = new BrokerSocket(options, tls);
        stream.socket.once(tls === null ? 'connect' : 'secureConnect', () => settle(null));
        stream.socket.once('error', ({ message }) => settle(message));
        stream.socket.once('close', () => settle('closed'));
      },
      (error: unknown) => settle(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      settled = true;
      cancelTimer();
      stream?.socket.destroy();
    };
  };
}

/** Opens the stream to a broker, with or without TLS, and remembers what a failure is told with. */
import net from 'node:net';
import tls from 'node:tls';
import type { ClockQuality } from '../domain/event.ts';
import type { Clock } from '../domain/ports.ts';
import { type CertificateTerm, termOf } from './certificates.ts';
import { askedName, type TlsOptions } from './secrets.ts';
import { type ServerCertificate, serverCertificateOf, type TlsFacts } from './tls-words.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: TlsOptions | null;
}

/** Where an endpoint is, for people. */
export function addressOf({ host, port, tls: secure }: Endpoint): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${secure === null ? 'mqtt' : 'mqtts'}://${shown}:${port}`;
}

/** One attempt to open a stream; the error, if any, comes through the socket itself. */
export class BrokerSocket {
  readonly socket: net.Socket;
  readonly #endpoint: Endpoint;
  readonly #client: CertificateTerm | null;
  #reached = false;
  #server: ServerCertificate | null = null;
  #chainEndsMs = Infinity;

  /** @param secrets as `readSecrets` gave them for this endpoint; null without TLS. */
  constructor(endpoint: Endpoint, secrets: tls.ConnectionOptions | null) {
    this.#endpoint = endpoint;
    const { host, port } = endpoint;
    const { certFile = null } = endpoint.tls ?? {};
    const own = typeof secrets?.cert === 'string' ? secrets.cert : null;
    this.#client = certFile === null || own === null ? null : termOf('client', certFile, own);
    if (secrets === null) {
      this.socket = net.connect({ host, port, noDelay: true });
      this.socket.once('connect', () => (this.#reached = true));
      return;
    }
    const socket = tls.connect({ ...secrets, host, port });
    socket.setNoDelay(true);
    // Before Node's own check, which destroys the socket and with it what the broker showed.
    socket.prependListener('secure', () => this.#look(socket));
    socket.once('secureConnect', () => (this.#reached = true));
    this.socket = socket;
  }

  /** The connection stands, handshake included. */
  get reached(): boolean {
    return this.#reached;
  }

  /** How long the certificates count that the broker showed; null: it showed none. */
  get serverTerm(): CertificateTerm | null {
    if (this.#server === null) return null;
    const { validFromMs, validToMs } = this.#server;
    return {
      kind: 'server',
      where: addressOf(this.#endpoint),
      validFromMs,
      validToMs: Math.min(validToMs, this.#chainEndsMs),
    };
  }

  /** For `tlsReason`; null without TLS. */
  facts(clock: Clock, quality: ClockQuality | 'unknown'): TlsFacts | null {
    const { host, tls: options } = this.#endpoint;
    if (options === null) return null;
    return {
      address: addressOf(this.#endpoint),
      serverName: askedName(options, host) ?? host,
      caFile: options.caFile,
      certFile: options.certFile,
      alpn: options.alpn ?? [],
      established: this.#reached,
      // Of a chain the certificate that ends first is the one that fails.
      server: this.#server && {
        ...this.#server,
        validToMs: Math.min(this.#server.validToMs, this.#chainEndsMs),
      },
      client: this.#client,
      now: { wallMs: clock.wallMs(), quality },
    };
  }

  #look(socket: tls.TLSSocket): void {
    let shown: tls.DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    this.#server = serverCertificateOf(shown);
    // The root refers to itself.
    for (let depth = 0; depth < 10 && shown?.valid_to !== undefined; depth += 1) {
      this.#chainEndsMs = Math.min(this.#chainEndsMs, Date.parse(shown.valid_to));
      shown = shown.issuerCertificate === shown ? undefined : shown.issuerCertificate;
    }
  }
}

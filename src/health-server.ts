/** `/metrics`, `/health` and `/ready` over HTTP. */
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a probe is told. */
export interface Verdict {
  readonly ok: boolean;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metricsText: () => Promise<string>;
  readonly metricsContentType: string;
  /** Judges the step and the outputs only: a restart would help. */
  readonly health: () => Verdict;
  /** Everything else: sensors, store, brokers. A restart would not help. */
  readonly ready: () => Verdict;
}

export type HealthServer =
  | { readonly ok: true; readonly port: number; close(): Promise<void> }
  | { readonly ok: false; readonly error: string };

/** Resolves also when the port is taken: the appliance runs without it and says so. */
export function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, 'use GET\n');
    else if (path === '/metrics') void sendMetrics(options, response);
    else if (path === '/health') sendVerdict(response, options.health());
    else if (path === '/ready') sendVerdict(response, options.ready());
    else send(response, 404, 'here are /metrics, /health and /ready\n');
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 50;
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const cause =
        error.code === 'EADDRINUSE'
          ? 'the port is in use: stop the other program or set http.port'
          : error.message;
      resolve({ ok: false, error: `${options.host}:${options.port}: ${cause}` });
    });
    server.listen(options.port, options.host, () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        ok: true,
        port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function sendMetrics(options: HealthServerOptions, response: ServerResponse): Promise<void> {
  try {
    const text = await options.metricsText();
    send(response, 200, text, options.metricsContentType);
  } catch (error) {
    send(response, 500, `metrics failed: ${error instanceof Error ? error.message : 'unknown'}\n`);
  }
}

function sendVerdict(response: ServerResponse, verdict: Verdict): void {
  const body = JSON.stringify({ status: verdict.ok ? 'ok' : 'failing', ...verdict.detail });
  send(response, verdict.ok ? 200 : 503, `${body}\n`, 'application/json');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(body);
}

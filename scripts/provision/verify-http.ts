/** The health pages of a unit, directly, or through ssh where only the unit itself sees them. */
import type { Point } from './protocol.ts';
import { failed, passed } from './protocol.ts';
import type { SshHost } from './ssh.ts';
import { wordsOf } from './trouble.ts';

/** What one page answered. */
export interface Page {
  readonly status: number;
  readonly text: string;
}

/** Null where nobody answered. */
export type GetPage = (path: string) => Promise<Page | { readonly error: string }>;

const LIMIT_MS = 15_000;

export function pagesThrough(host: SshHost, port: number): GetPage {
  return async (path) => {
    const request = `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`;
    const { out, err } = await host.through(port, request, LIMIT_MS);
    const status = /^HTTP\/1\.\d (\d{3})/.exec(out)?.[1];
    if (status === undefined) return { error: err.trim() || 'it did not answer' };
    return { status: Number(status), text: out.slice(out.indexOf('\r\n\r\n') + 4) };
  };
}

/** @param base such as http://10.0.0.7:9090. */
export function pagesAt(base: string): GetPage {
  return async (path) => {
    try {
      const response = await fetch(new URL(path, base), { signal: AbortSignal.timeout(LIMIT_MS) });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { error: wordsOf(cause) };
    }
  };
}

interface Ready {
  readonly faults?: readonly { readonly fault: string; readonly subject: string }[];
}

/** `/health` judges step and outputs, `/ready` everything else. */
export async function healthPoints(get: GetPage): Promise<readonly Point[]> {
  const health = await get('/health');
  if ('error' in health) {
    const remedy = 'look at the service: systemctl status embereye; and at http.port';
    return [failed('service', '/health', health.error, remedy)];
  }
  const healthy =
    health.status === 200
      ? passed('service', '/health', 'the step runs and the outputs follow')
      : failed('service', '/health', health.text.trim(), 'journalctl -u embereye -n 50');
  const ready = await get('/ready');
  if ('error' in ready) return [healthy, failed('service', '/ready', ready.error, 'ask again')];
  const faults = faultsOf(ready.text);
  const point =
    faults.length === 0 && ready.status === 200
      ? passed('service', '/ready', 'no fault stands')
      : failed(
          'service',
          '/ready',
          faults.join(', ') || ready.text.trim(),
          'docs/operations.md has a remedy for each of them; embereye status tells more',
        );
  return [healthy, point];
}

function faultsOf(text: string): readonly string[] {
  try {
    const { faults = [] } = JSON.parse(text) as Ready;
    return faults.map(({ fault, subject }) => `${fault} (${subject})`);
  } catch {
    // Not the page of an appliance: the status code and the text say so.
    return [];
  }
}

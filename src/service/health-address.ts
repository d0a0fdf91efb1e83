/** Where a running appliance is asked for its health: the way from `run` to `healthcheck`. */

/** Below `state.runDirectory`. */
export const HEALTH_ADDRESS_FILE = 'health-address';

/** @param host as in `http.host`: one that means every address is asked on this machine */
export function healthUrl(host: string, port: number): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}/health`;
}

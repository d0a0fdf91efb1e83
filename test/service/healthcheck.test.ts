import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { runHealthcheck } from '../../src/commands/healthcheck.ts';
import { healthUrl, HEALTH_ADDRESS_FILE } from '../../src/service/health-address.ts';
import { Scratch } from '../e2e/processes.ts';

describe('healthcheck', () => {
  let scratch: Scratch;
  let port = 0;
  let status = 200;
  const silent: unknown[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/silent') silent.push(response);
    else response.writeHead(status).end('{"status":\n"told"}\n');
  });
  beforeEach(async () => {
    scratch = new Scratch();
    status = 200;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    scratch.remove();
    server.closeAllConnections();
    server.close();
  });

  async function check(more: Partial<Parameters<typeof runHealthcheck>[0]> = {}) {
    const lines: string[] = [];
    const io = {
      out: (line: string) => void lines.push(`out ${line}`),
      err: (line: string) => void lines.push(`err ${line}`),
    };
    const options = { url: null, config: null, runDirectory: null, timeoutMs: 2000, ...more };
    const defaultConfig = join(scratch.disk, 'none.yaml');
    const clock = systemClock();
    const code = await runHealthcheck(options, { io, clock, environment: {}, defaultConfig });
    expect(lines).toHaveLength(1);
    return { code, line: lines[0] };
  }

  function config(text: string): string {
    const file = join(scratch.disk, 'appliance.yaml');
    writeFileSync(file, text);
    return file;
  }

  it('asks the address of the configuration: 0 while it is well, 1 while it is not', async () => {
    const file = config(`http: { host: 0.0.0.0, port: ${port} }\nstate: { runDirectory: /none }\n`);
    const url = `http://127.0.0.1:${port}/health`;
    expect(await check({ config: file })).toEqual({
      code: 0,
      line: `out ${url}: well: {"status": "told"}`,
    });
    status = 503;
    expect(await check({ config: file })).toEqual({
      code: 1,
      line: `err ${url}: not well (503): {"status": "told"}`,
    });
  });

  it('asks where the running appliance said, also with a broken configuration', async () => {
    const runDirectory = join(scratch.memory, 'run');
    mkdirSync(runDirectory);
    writeFileSync(join(runDirectory, HEALTH_ADDRESS_FILE), `${healthUrl('127.0.0.1', port)}\n`);
    expect((await check({ config: config('zones: 7\n'), runDirectory })).code).toBe(0);
    rmSync(join(runDirectory, HEALTH_ADDRESS_FILE));
    const { line } = await check({ config: config('zones: 7\n'), runDirectory, timeoutMs: 500 });
    expect(line).toContain('http://127.0.0.1:9090/health');
  });

  it('nobody, silence or nonsense is 1', async () => {
    const refused = await check({ url: 'http://127.0.0.1:1/health' });
    expect(refused.code).toBe(1);
    expect(refused.line).toContain('ECONNREFUSED');
    const late = await check({ url: `http://127.0.0.1:${port}/silent`, timeoutMs: 100 });
    expect(late).toMatchObject({
      code: 1,
      line: expect.stringContaining('within 0.1 s') as string,
    });
    expect((await check({ url: 'here' })).line).toContain('http://HOST:PORT/health');
  });

  it('an address that means all is asked on this machine', () => {
    expect(healthUrl('::', 9090)).toBe('http://[::1]:9090/health');
    expect(healthUrl('fd00::5', 80)).toBe('http://[fd00::5]:80/health');
    expect(healthUrl('edge.local', 80)).toBe('http://edge.local:80/health');
  });
});

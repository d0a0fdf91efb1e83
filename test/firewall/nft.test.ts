/** The rules in force: real packets between two network name spaces. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NFT } from '../../src/firewall/nft.ts';
import { Child, embereye, embereyeProgram, eventually, Scratch } from '../e2e/processes.ts';

const IP = '/usr/sbin/ip';
const TAG = `eefw${process.pid % 100_000}`;
const UNIT = `${TAG}u`;
const OTHER = `${TAG}o`;

function tool(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
const inside = (space: string, args: readonly string[]): string =>
  tool(IP, ['netns', 'exec', space, ...args]);

function whyNot(): string | null {
  if (!existsSync(NFT) || !existsSync(IP)) return 'needs nft and ip';
  if (process.getuid?.() !== 0) return 'needs root';
  const tried = spawnSync('unshare', ['-n', NFT, 'list', 'ruleset'], { encoding: 'utf8' });
  return tried.status === 0 ? null : 'needs network name spaces and nf_tables';
}
const missing = whyNot();

/** Answers on every port of the list, TCP and UDP alike. */
const ANSWERS = `
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
for (const port of [22, 4888, 9090, 1883, 5000]) {
  createServer((s) => s.on('error', () => {}).end('here')).listen(port, '::');
  const udp = createSocket('udp6');
  udp.on('message', (_, from) => udp.send('here', from.port, from.address));
  udp.bind(port === 1883 ? 4890 : port);
}
console.log('listening');
`;
/** Asks and prints what of it answered. */
const ASKS = `
const { connect } = require('node:net');
const { createSocket } = require('node:dgram');
const [, host, ...wanted] = process.argv;
const over = (p) => Promise.race([p, new Promise((r) => setTimeout(() => r(false), 2000))]);
const tcp = (port) => new Promise((r) => {
  const s = connect(port, host, () => { s.destroy(); r(true); });
  s.on('error', () => r(false));
});
const udp = (port) => new Promise((r) => {
  const s = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  s.on('message', () => r(true));
  s.send('ask', port, host);
});
Promise.all(wanted.map(async (what) => {
  const [kind, port] = what.split('/');
  return (await over((kind === 'tcp' ? tcp : udp)(Number(port)))) ? what : null;
})).then((all) => { console.log(all.filter(Boolean).join(' ')); process.exit(0); });
`;

describe.skipIf(missing !== null)(`the firewall${missing === null ? '' : ` (${missing})`}`, () => {
  const scratch = new Scratch();
  const file = join(scratch.disk, 'appliance.yaml');
  const keep = join(scratch.disk, 'keep', 'rules.nft');
  let answers: Child;

  beforeAll(async () => {
    for (const space of [UNIT, OTHER]) tool(IP, ['netns', 'add', space]);
    tool(IP, [
      ...['link', 'add', 'wire', 'netns', UNIT, 'type', 'veth'],
      ...['peer', 'name', 'wire', 'netns', OTHER],
    ]);
    for (const [space, end] of [
      [UNIT, 1],
      [OTHER, 2],
    ] as const) {
      inside(space, [IP, 'addr', 'add', `10.99.0.${end}/24`, 'dev', 'wire']);
      inside(space, [IP, 'addr', 'add', `fd99::${end}/64`, 'dev', 'wire', 'nodad']);
      for (const link of ['lo', 'wire']) inside(space, [IP, 'link', 'set', link, 'up']);
    }
    inside(OTHER, [IP, 'addr', 'add', '10.99.0.3/24', 'dev', 'wire']);
    answers = new Child(IP, ['netns', 'exec', UNIT, process.execPath, '-e', ANSWERS]);
    await eventually(
      () => `listening: ${answers.err}`,
      () => answers.out.includes('listening'),
    );
  });
  afterAll(async () => {
    await answers.end('SIGKILL');
    for (const space of [UNIT, OTHER]) spawnSync(IP, ['netns', 'del', space]);
    scratch.remove();
  });

  const WANTED = ['tcp/22', 'tcp/4888', 'tcp/9090', 'tcp/1883', 'tcp/5000', 'udp/4890', 'udp/5000'];
  const reached = (host = '10.99.0.1'): string =>
    inside(OTHER, [process.execPath, '-e', ASKS, host, ...WANTED]).trim();
  const rules = (): string => inside(UNIT, [NFT, 'list', 'ruleset']);

  function apply(configuration: string) {
    writeFileSync(file, configuration);
    const args = ['firewall', file, '--apply', '--keep', keep];
    const run = ['netns', 'exec', UNIT, process.execPath, embereyeProgram(), ...args];
    const env = { ...process.env, EMBEREYE__state__directory: join(scratch.disk, 'state') };
    return spawnSync(IP, run, { encoding: 'utf8', env });
  }

  it('lets everything in before, and only what is configured after', () => {
    expect(reached().split(' ')).toHaveLength(WANTED.length);
    expect(apply('http: { host: 127.0.0.1 }').stderr).toBe('');
    expect(reached()).toBe('tcp/22 tcp/4888');
    expect(reached('fd99::1')).toBe('tcp/22 tcp/4888');
    // The machine itself still reaches out, and its own services.
    const self = inside(UNIT, [process.execPath, '-e', ASKS, '::1', 'tcp/9090']);
    expect(self.trim()).toBe('tcp/9090');
  });

  it('lets boards in from their networks alone, and opens what else is configured', () => {
    const from = (source: string): void => {
      const text = `
        ingest: { allow: [${source}] }
        firewall: { ssh: false }
        uplink: { embeddedBroker: { enabled: true, host: 0.0.0.0 } }
        neighbours: { enabled: true, keyFile: /k, peers: [{ id: a, host: 10.99.0.2 }] }
      `;
      expect(apply(text)).toMatchObject({ status: 0 });
    };
    from('10.99.0.0/24');
    expect(reached()).toBe('tcp/4888 tcp/9090 tcp/1883 udp/4890');
    from('10.98.0.0/16');
    expect(reached()).toBe('tcp/9090 tcp/1883 udp/4890');
  });

  it('a broken configuration keeps the rules of the last good one, also at the next start', () => {
    expect(apply('http: { host: 127.0.0.1 }')).toMatchObject({ status: 0 });
    const before = rules();
    const broken = apply('http: { port: many }');
    expect(broken.status).toBe(3);
    expect(broken.stderr).toContain('http.port');
    expect(broken.stdout).toContain('kept from before');
    expect(rules()).toBe(before);
    inside(UNIT, [NFT, 'flush', 'ruleset']);
    expect(apply('http: { port: many }').status).toBe(3);
    expect(rules()).toBe(before);
  });

  it('rules that nft refuses change nothing', () => {
    expect(apply('http: { host: 127.0.0.1 }')).toMatchObject({ status: 0 });
    const before = rules();
    writeFileSync(keep, readFileSync(keep, 'utf8').replace('policy drop', 'policy maybe'));
    const refused = apply('http: { port: many }');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain('the rules before stay');
    expect(rules()).toBe(before);
  });

  it('prints them without touching anything', async () => {
    writeFileSync(file, 'ingest: { port: 6000 }');
    const before = rules();
    const { code, out } = await embereye(['firewall', file]);
    expect(code).toBe(0);
    expect(out).toContain('tcp dport 6000 accept comment "boards"');
    expect(rules()).toBe(before);
  });
});

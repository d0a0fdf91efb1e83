/** `provision verify`: a new unit proves itself, and the file of the site gets a protocol. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../../src/config-schema.ts';
import { problemText } from '../../src/config-problems.ts';
import { parseConfig } from '../../src/config.ts';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import type { Point, Protocol } from './protocol.ts';
import { failed, protocolLines, skipped } from './protocol.ts';
import type { SshHost, SshOptions } from './ssh.ts';
import { withHost, withSsh } from './ssh.ts';
import { guarded, Trouble } from './trouble.ts';
import { CONFIG_FILE } from './unit.ts';
import { alarmPathPoints, eventFilter } from './verify-alarm.ts';
import type { BrokerLogin } from './verify-broker.ts';
import { listenAt } from './verify-broker.ts';
import { healthPoints, pagesAt, pagesThrough } from './verify-http.ts';
import { doctorPoints, identityPoints, outputPoints, systemPoints } from './verify-unit.ts';
import type { ProvisionWorld } from './world.ts';

interface VerifyOptions extends Partial<SshOptions> {
  readonly url?: string;
  readonly outputs: boolean;
  readonly yes: boolean;
  readonly alarm: boolean;
  readonly zone?: string;
  readonly broker?: string;
  readonly brokerCa?: string;
  readonly brokerCert?: string;
  readonly brokerKey?: string;
  readonly brokerName?: string;
  readonly brokerUsername?: string;
  readonly brokerPasswordFile?: string;
  readonly site?: string;
  readonly report?: string;
  readonly json: boolean;
  readonly dryRun: boolean;
}

export function addVerify(program: Command, world: ProvisionWorld): void {
  const command = program
    .command('verify')
    .description('a unit proves itself: service, identity, clock, doctor, outputs, alarm path')
    .option('--host <host>', 'HOST or USER@HOST')
    .option('--url <url>', 'only its health pages, such as http://10.0.0.7:9090')
    .option('--outputs', 'pulse each output, after asking; stops the appliance meanwhile', false)
    .option('--yes', 'everybody is warned: pulse without asking', false)
    .option('--no-alarm', 'leave the alarm path out')
    .option('--zone <id>', 'zone of the simulated fire; left out: the first with a board')
    .option('--broker <url>', 'where the event must arrive; left out: first one of the unit')
    .option('--broker-ca <file>', 'authority of the broker, PEM')
    .option('--broker-cert <file>', 'your certificate, of provision ca client-cert')
    .option('--broker-key <file>', 'its key')
    .option('--broker-name <name>', 'name in the certificate of the broker, where it differs')
    .option('--broker-username <name>', 'your login')
    .option('--broker-password-file <file>', 'its password')
    .option('--site <text>', 'for the protocol')
    .option('--report <file>', 'writes FILE.txt and FILE.json for the file of the site')
    .option('--json', 'print the protocol as JSON', false)
    .option('--dry-run', 'say what would be done', false);
  withSsh(command).action((options: VerifyOptions) =>
    world.exitWith(() => guarded(world, () => runVerify(options, world))),
  );
}

async function runVerify(options: VerifyOptions, world: ProvisionWorld): Promise<ExitCode> {
  const { host, url } = options;
  if ((host === undefined) === (url === undefined)) {
    throw new Trouble('name either --host HOST or --url URL', EXIT.usage);
  }
  if (options.dryRun) {
    for (const line of planOf(options)) world.out(line);
    return EXIT.ok;
  }
  if (url !== undefined) {
    if (!/^https?:\/\//.test(url)) throw new Trouble('--url: write http://HOST:9090', EXIT.usage);
    return conclude(
      options,
      { deviceId: null, host: url },
      await healthPoints(pagesAt(url)),
      world,
    );
  }
  const at = { ...options, host: host ?? '' };
  return withHost(at, world, async (unit) => {
    const { deviceId, points } = await allPoints(at, unit, world);
    return conclude(options, { deviceId, host: unit.name }, points, world);
  });
}

function planOf({ url, outputs, alarm, broker }: VerifyOptions): readonly string[] {
  if (url !== undefined) return [`would read ${url}/health and ${url}/ready`];
  return [
    'would look at service, clock, identity, health pages and doctor: nothing changes',
    ...(outputs ? ['would stop the appliance, pulse each output, and start it again'] : []),
    ...(alarm
      ? [
          'would put a zone into a walk test, play a fire on a simulated board, and wait for the ' +
            `event at ${broker ?? 'the first broker of the unit'}; nothing sounds`,
        ]
      : []),
  ];
}

async function allPoints(
  options: VerifyOptions,
  host: SshHost,
  world: ProvisionWorld,
): Promise<{ readonly deviceId: string | null; readonly points: readonly Point[] }> {
  const points: Point[] = [];
  const say = (area: string): void => world.status?.(`${area} ...`);
  say('service');
  points.push(...(await systemPoints(host, world)));
  say('identity');
  const { shown, points: identity } = await identityPoints(host);
  points.push(...identity);
  const config = await configOf(host);
  if (typeof config === 'string') {
    const remedy = `embereye check-config ${CONFIG_FILE} on the unit`;
    points.push(failed('configuration', CONFIG_FILE, config, remedy));
    world.status?.(null);
    return { deviceId: shown.deviceId, points };
  }
  say('health');
  points.push(...(await healthPoints(pagesThrough(host, config.http.port))));
  say('doctor');
  points.push(...(await doctorPoints(host)));
  say('alarm path');
  points.push(...(await alarmPoints(options, config, host, world)));
  world.status?.(null);
  // Last: it stops the appliance for a moment.
  points.push(...(await outputPoints(host, options.outputs, { yes: options.yes, world })));
  return { deviceId: config.device.id, points };
}

/** Words where it cannot be read. */
async function configOf(host: SshHost): Promise<Config | string> {
  const { out, code, err } = await host.runAsRoot(`cat ${CONFIG_FILE}`);
  if (code !== 0) return err.trim();
  const parsed = parseConfig(out, {}, PLAN_CHECKS);
  if (parsed.ok) return parsed.config;
  return parsed.problems.map((one) => problemText(CONFIG_FILE, one)).join('; ');
}

async function alarmPoints(
  options: VerifyOptions,
  config: Config,
  host: SshHost,
  world: ProvisionWorld,
): Promise<readonly Point[]> {
  if (!options.alarm) return [skipped('alarm path', 'walk test', 'left out: --no-alarm')];
  const login = loginOf(options, config, world);
  if (login === null) {
    return [skipped('alarm path', 'walk test', 'the unit has no broker, and none was given')];
  }
  const listener = await listenAt(login, eventFilter(config), world);
  try {
    const { zone = null } = options;
    return await alarmPathPoints({ host, config, listener, zone, err: world.err });
  } finally {
    await listener.close();
  }
}

function loginOf(
  options: VerifyOptions,
  config: Config,
  world: ProvisionWorld,
): BrokerLogin | null {
  const url = options.broker ?? config.uplink.brokers[0]?.url;
  if (url === undefined) return null;
  const at = (file: string | undefined): string | null =>
    file === undefined ? null : resolve(world.cwd, file);
  return {
    url,
    caFile: at(options.brokerCa),
    certFile: at(options.brokerCert),
    keyFile: at(options.brokerKey),
    username: options.brokerUsername ?? null,
    passwordFile: at(options.brokerPasswordFile),
    serverName: options.brokerName ?? config.uplink.brokers[0]?.serverName ?? null,
  };
}

function conclude(
  { site, report, json }: VerifyOptions,
  unit: { readonly deviceId: string | null; readonly host: string },
  points: readonly Point[],
  world: ProvisionWorld,
): ExitCode {
  const protocol: Protocol = {
    schema: 1,
    ...unit,
    site: site ?? null,
    at: isoFromWallMs(world.nowMs()),
    ok: points.every(({ state }) => state !== 'failed'),
    points,
  };
  const lines = protocolLines(protocol);
  if (json) world.out(JSON.stringify(protocol));
  else for (const line of lines) world.out(line);
  if (report !== undefined) {
    const file = resolve(world.cwd, report);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.txt`, `${lines.join('\n')}\n`);
    writeFileSync(`${file}.json`, `${JSON.stringify(protocol, null, 2)}\n`);
    world.err(`protocol written to ${file}.txt and ${file}.json`);
  }
  return protocol.ok ? EXIT.ok : EXIT.failed;
}

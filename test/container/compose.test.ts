import { existsSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../src/config.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import type { Service } from './compose.ts';
import { containerOf, processOf, readCompose } from './compose.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const compose = readCompose(join(root, 'docker-compose.yml'));
const services = Object.entries(compose.services);
const dockerfile = read('Dockerfile');
const page = read('docs/containers.md');

/** What balena's supervisor takes of a service: docs.balena.io, docker-compose.yml fields. */
const FIELDS = [
  ...['build', 'image', 'command', 'restart', 'depends_on', 'user', 'read_only', 'cap_drop'],
  ...['cap_add', 'security_opt', 'network_mode', 'oom_score_adj', 'stop_grace_period'],
  ...['environment', 'ports', 'devices', 'tmpfs', 'volumes', 'healthcheck', 'labels'],
];

describe('docker-compose.yml', () => {
  it('is of the version that balena knows, with its fields alone', () => {
    expect(compose.version).toBe('2.4');
    expect(Object.keys(compose).sort()).toEqual(['services', 'version', 'volumes']);
    const unknown = services.flatMap(([name, service]) =>
      Object.keys(service)
        .filter((field) => !FIELDS.includes(field))
        .map((field) => `${name}.${field}`),
    );
    expect(unknown).toEqual([]);
  });

  it('mounts named volumes, never a folder of the host', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((one) => one.split(':')));
    expect(used.filter(([name = '']) => !(name in compose.volumes))).toEqual([]);
    expect(used.every(([, path = '']) => path.startsWith('/'))).toBe(true);
    const drivers = Object.values(compose.volumes).map((volume) => volume?.driver ?? 'local');
    expect(new Set(drivers)).toEqual(new Set(['local']));
  });

  it('gives every tmpfs its mode: engines differ in what they take without', () => {
    const all = services.flatMap(([, { tmpfs = [] }]) => tmpfs);
    expect(all.length).toBeGreaterThan(0);
    expect(all.filter((text) => !text.includes('mode='))).toEqual([]);
  });

  it.each(services)(
    '%s: restarts, read-only, no new privileges, four capabilities',
    (_, service) => {
      expect(service.restart).toBe('always');
      expect(service.read_only).toBe(true);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.cap_add).toEqual(['CHOWN', 'SETUID', 'SETGID', 'SETPCAP']);
      expect(service.labels?.['io.balena.update.strategy']).toBe('download-then-kill');
    },
  );

  it('has environment variables that the configuration takes', () => {
    const environment = compose.services['runtime']?.environment ?? {};
    expect(Object.keys(environment)).toContain('EMBEREYE__gpio__holder');
    const result = parseConfig('', environment, PLAN_CHECKS);
    expect(result.ok ? [] : result.problems).toEqual([]);
    expect(result.ok && result.config.gpio.holder).toBe('external');
    // A slip in a name would be told here.
    expect(parseConfig('', { EMBEREYE__gpio__keeper: 'external' }, PLAN_CHECKS).ok).toBe(false);
  });

  it('asks for health as the image does', () => {
    const [, image = ''] = /HEALTHCHECK [^[]*CMD (\[.*\])/.exec(dockerfile) ?? [];
    const wanted = ['CMD', ...(JSON.parse(image) as string[])];
    expect(compose.services['runtime']?.healthcheck?.test).toEqual(wanted);
  });

  it('publishes the ports of configuration and image', () => {
    const defaults = parseConfig('', {}, PLAN_CHECKS);
    const own = defaults.ok ? [defaults.config.ingest.port, defaults.config.http.port] : [];
    const published = (compose.services['runtime']?.ports ?? []).map((text) => text.split(':')[0]);
    expect(published).toEqual(own.map(String));
    const [, exposed = ''] = /^EXPOSE (.*)$/m.exec(dockerfile) ?? [];
    expect(exposed.split(' ')).toEqual(published);
  });

  it('gives the volume in memory to the user of the image', () => {
    const [, uid = ''] = /useradd --system --uid (\d+)/.exec(dockerfile) ?? [];
    expect(compose.volumes['run']?.driver_opts?.['o']).toContain(`uid=${uid},gid=${uid}`);
    expect(page).toContain(`(${uid}, a fixed number`);
  });

  it('and its devices and ports stand on the page', () => {
    const lines = [...read('docker-compose.yml').matchAll(/^ +(?:# )?- (\/dev\/[\w.-]+)/gm)];
    const devices = lines.map(([, path]) => path ?? '');
    expect(devices.length).toBeGreaterThan(5);
    expect(devices.filter((path) => !page.includes(`\`${path}\``))).toEqual([]);
    const ports = (compose.services['runtime']?.ports ?? []).map(
      (text) => text.split(':')[0] ?? '',
    );
    expect(ports.filter((port) => !page.includes(`\n| ${port} |`))).toEqual([]);
  });

  it('starts without a device that may be missing', () => {
    expect(compose.services['runtime']?.devices).toEqual(['/dev/gpiochip0']);
  });
});

describe('the image', () => {
  it('copies nothing but what .dockerignore lets in', () => {
    const rules = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(rules[0]).toBe('*');
    const allowed = rules.slice(1).map((rule) => rule.replace(/^!/, ''));
    const copied = [...dockerfile.matchAll(/^COPY (?:--chmod=\d+ )?([^-\s]\S*) /gm)].map(
      ([, path]) => path,
    );
    expect(copied).toEqual(allowed);
    expect(allowed.some((path) => path.includes('key') || path.includes('.env'))).toBe(false);
  });

  it('is built on an official base and compiles nothing', () => {
    expect(dockerfile).toContain('ARG BASE=docker.io/library/debian:trixie-slim');
    expect(dockerfile).not.toMatch(/\b(npm (ci|install)|gcc|make |curl|wget)\b/);
    expect(dockerfile).toMatch(/^USER embereye$/m);
  });

  it.skipIf(!existsSync('/usr/bin/shellcheck'))('has an entry that shellcheck passes', () => {
    const { status, stdout } = spawnSync('shellcheck', [join(root, 'container/entrypoint')], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

describe('balena.yml', () => {
  const contract = parse(read('balena.yml')) as {
    readonly type: string;
    readonly version: string;
    readonly data: {
      readonly defaultDeviceType: string;
      readonly supportedDeviceTypes: readonly string[];
      readonly applicationEnvironmentVariables: readonly Record<string, string>[];
      readonly applicationConfigVariables: readonly Record<string, string>[];
    };
  };

  it('has the version of the package and a default that is supported', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(contract.type).toBe('sw.application');
    expect(contract.version).toBe(version);
    expect(contract.data.supportedDeviceTypes).toContain(contract.data.defaultDeviceType);
  });

  it('proposes variables that the configuration takes, and no device id for all', () => {
    const variables = Object.assign({}, ...contract.data.applicationEnvironmentVariables) as Record<
      string,
      string
    >;
    const result = parseConfig('', variables, PLAN_CHECKS);
    expect(result.ok ? [] : result.problems).toEqual([]);
    expect(Object.keys(variables)).not.toContain('EMBEREYE__device__id');
  });

  it('switches I2C and SPI on', () => {
    const variables = Object.assign({}, ...contract.data.applicationConfigVariables) as Record<
      string,
      string
    >;
    expect(variables['BALENA_HOST_CONFIG_dtparam']).toContain('i2c_arm=on');
    expect(Object.keys(variables).every((name) => name.startsWith('BALENA_HOST_'))).toBe(true);
  });
});

describe('what an engine makes of a service', () => {
  const image = { User: 'embereye', Env: ['A=1'], Entrypoint: ['entry'], Cmd: ['run'] };
  const identityOf = (user: string) => ({ uid: user === 'root' ? 0 : 488, gid: 488 });
  const volumes = { state: '/s' };
  const placing = { root: '/r', image, identityOf, volumes, environment: { B: '2' } };

  it('is the image itself where nothing is said', () => {
    const { args, env, user, capabilities } = processOf({}, placing);
    expect([args, env, user.uid]).toEqual([['entry', 'run'], ['A=1', 'B=2'], 488]);
    expect(capabilities['effective']).toEqual([]);
    expect(capabilities['bounding']).toContain('CAP_CHOWN');
  });

  it('follows user, command, capabilities and privileges', () => {
    const service: Service = {
      ...{ user: 'root', command: ['gpio-holder'], cap_drop: ['ALL'], cap_add: ['SETUID'] },
      security_opt: ['no-new-privileges:true'],
    };
    const { args, capabilities, noNewPrivileges } = processOf(service, placing);
    expect(args).toEqual(['entry', 'gpio-holder']);
    expect(capabilities['effective']).toEqual(['CAP_SETUID']);
    expect(noNewPrivileges).toBe(true);
  });

  it('has its volumes, memory, devices and network', () => {
    const service: Service = {
      ...{ volumes: ['state:/var/lib/x'], tmpfs: ['/tmp:mode=1777,size=1m'], read_only: true },
      ...{ devices: ['/dev/gpiochip0'], network_mode: 'none' },
    };
    const { mounts, root: place, linux } = containerOf(service, placing);
    expect(mounts.find(({ destination }) => destination === '/var/lib/x')?.source).toBe('/s');
    expect(mounts.find(({ destination }) => destination === '/tmp')?.options).toContain('size=1m');
    expect(place.readonly).toBe(true);
    expect(linux.devices.map(({ path }) => path)).toEqual(['/dev/gpiochip0']);
    expect(linux.namespaces.map(({ type }) => type)).toContain('network');
    expect(() => containerOf({ volumes: ['other:/x'] }, placing)).toThrow('no volume');
  });
});

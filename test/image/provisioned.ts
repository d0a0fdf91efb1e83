/** What an installer does on a laptop: an authority, an identity, and a card, by the tool itself. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../arm64/host.ts';
import { type Credentials, HOST_IN_GUEST } from './central.ts';

const run = promisify(execFile);
export const DEVICE_ID = 'hall-7';
export const TOPIC_ROOT = `embereye/v1/${DEVICE_ID}`;
export const BOARD_SERIAL = 'A';
/** On the header and in the chip alike. */
export const SIREN_LINE = 17;

export interface Site {
  readonly server: Credentials;
  readonly client: Credentials;
  /** Folder of the unit's identity. */
  readonly identity: string;
}

/** `scripts/provision/<command>` as an installer calls it. @throws Error with its words */
async function provision(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(ROOT, 'scripts', 'provision', command), args, {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}

/** An authority, certificates for broker and centre, and the unit's identity, made offline. */
export async function enrolSite(folder: string): Promise<Site> {
  const ca = join(folder, 'authority');
  for (const name of ['authority', 'certificates', 'identity']) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
  const common = ['--ca', ca, '--passphrase-file', passphrase];
  await provision('ca', ['new', ...common, '--name', 'Installer of the proof']);
  const certificates = join(folder, 'certificates');
  mkdirSync(certificates);
  const out = ['--out', certificates];
  await provision('ca', ['server-cert', ...common, '--name', HOST_IN_GUEST, ...out]);
  await provision('ca', ['client-cert', ...common, '--name', 'centre', ...out]);
  const identity = join(folder, 'identity');
  await provision('enrol', [
    ...['--offline', '--device-id', DEVICE_ID, ...common, '--out', identity],
  ]);
  const caFile = join(identity, 'ca.crt');
  const of = (name: string): Credentials => ({
    caFile,
    certFile: join(certificates, `${name}.crt`),
    keyFile: join(certificates, `${name}.key`),
  });
  return { server: of(HOST_IN_GUEST), client: of('centre'), identity };
}

/** Writes the image to a file as `flash` writes it to a card, with all that makes it this unit. */
export async function flashCard(
  image: string,
  card: string,
  folder: string,
  { identity }: Site,
  brokerPort: number,
): Promise<string> {
  const config = join(folder, 'appliance.yaml');
  writeFileSync(config, JSON.stringify(configuration(brokerPort), null, 2));
  return provision('flash', [
    ...['--image', image, '--to', card, '--config', config, '--identity', identity],
    ...['--hostname', DEVICE_ID, '--yes'],
  ]);
}

function configuration(brokerPort: number): object {
  const identity = '/etc/embereye/identity';
  return {
    device: { id: DEVICE_ID },
    boards: [{ id: 'a', match: { serial: BOARD_SERIAL } }],
    zones: [{ id: 'hall', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
    gpio: {
      holder: 'external',
      outputs: [
        {
          ...{ id: 'siren', role: 'siren', pattern: 'steady' },
          ...{ chip: 'pinctrl-bcm2835', line: SIREN_LINE },
        },
      ],
    },
    uplink: {
      brokers: [
        {
          id: 'central',
          url: `mqtts://${HOST_IN_GUEST}:${brokerPort}`,
          caFile: `${identity}/ca.crt`,
          certificateFile: `${identity}/device.crt`,
          keyFile: `${identity}/device.key`,
        },
      ],
      commands: { level: 'installer' },
    },
    // Its probation is as short as an emulated start allows.
    update: { remote: true, probationMinutes: 8, steadyMinutes: 0.5 },
    // An emulated processor has better things to do.
    model: { enabled: false },
    proof: { everySeconds: null },
    recording: { blackBox: { enabled: false } },
  };
}

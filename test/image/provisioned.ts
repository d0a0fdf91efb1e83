/** What an installer does on a laptop: an authority, identities, and cards, by the tool itself. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../arm64/host.ts';
import { type Credentials, HOST_IN_GUEST } from './central.ts';

const run = promisify(execFile);
export const BOARD_SERIAL = 'A';

/** A unit of the proof, and where its siren hangs. */
export interface UnitOfSite {
  readonly deviceId: string;
  readonly chip: string;
  readonly line: number;
  /** Whether its trained model runs. */
  readonly model: boolean;
}

/** On the board itself. An emulated processor of a Pi 3 has better things to do than models. */
export const ON_PI: UnitOfSite = {
  ...{ deviceId: 'hall-7', chip: 'pinctrl-bcm2835', line: 17, model: false },
};
/** Line 3 of that chip is the machine's power button. */
export const ON_VIRT: UnitOfSite = {
  ...{ deviceId: 'hall-8', chip: '9030000.pl061', line: 5, model: true },
};

export const topicRoot = ({ deviceId }: UnitOfSite): string => `embereye/v1/${deviceId}`;

export interface Site {
  readonly server: Credentials;
  readonly client: Credentials;
  /** Folder with the identities, by the names of the units. */
  readonly identities: string;
}

/** `scripts/provision/<command>` as an installer calls it. @throws Error with its words */
async function provision(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(ROOT, 'scripts', 'provision', command), args, {
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trim();
}

/** An authority, certificates for broker and centre, and identities, made offline. */
export async function enrolSite(folder: string): Promise<Site> {
  const ca = join(folder, 'authority');
  for (const name of ['authority', 'certificates', 'identities']) {
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
  const identities = join(folder, 'identities');
  mkdirSync(identities);
  for (const { deviceId } of [ON_PI, ON_VIRT]) {
    const wanted = ['--device-id', deviceId, '--out', join(identities, deviceId)];
    await provision('enrol', ['--offline', ...wanted, ...common]);
  }
  const caFile = join(identities, ON_PI.deviceId, 'ca.crt');
  const of = (name: string): Credentials => ({
    caFile,
    certFile: join(certificates, `${name}.crt`),
    keyFile: join(certificates, `${name}.key`),
  });
  return { server: of(HOST_IN_GUEST), client: of('centre'), identities };
}

export interface FlashOrder {
  readonly image: string;
  readonly card: string;
  /** For the configuration. */
  readonly folder: string;
  readonly identities: string;
  readonly brokerPort: number;
}

/** Writes the image to a file as `flash` writes it to a card, with all that makes it this unit. */
export async function flashCard(unit: UnitOfSite, order: FlashOrder): Promise<string> {
  const { deviceId } = unit;
  const config = join(order.folder, `${deviceId}.yaml`);
  writeFileSync(config, JSON.stringify(configuration(unit, order.brokerPort), null, 2));
  return provision('flash', [
    ...['--image', order.image, '--to', order.card, '--config', config],
    ...['--identity', join(order.identities, deviceId), '--hostname', deviceId, '--yes'],
  ]);
}

function configuration({ deviceId, chip, line, model }: UnitOfSite, brokerPort: number): object {
  const identity = '/etc/embereye/identity';
  return {
    device: { id: deviceId },
    boards: [{ id: 'a', match: { serial: BOARD_SERIAL } }],
    zones: [{ id: 'hall', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
    gpio: {
      holder: 'external',
      outputs: [{ id: 'siren', role: 'siren', pattern: 'steady', chip, line }],
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
    model: { enabled: model },
    proof: { everySeconds: null },
    recording: { blackBox: { enabled: false } },
  };
}

/** Makes what one unit of a batch gets: its identity, and an image or a seed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Of } from '../../src/seed/check.ts';
import { SEED_FILE, SEED_FOLDER } from '../../src/seed/format.ts';
import { writeWhole } from '../../src/seed/place.ts';
import type { Authority } from './authority.ts';
import type { SiteOrder } from './batch-row.ts';
import { enrolOffline } from './enrol-offline.ts';
import { writeImage } from './flash-write.ts';
import type { ImageFile } from './image-file.ts';
import type { LabelText } from './label.ts';
import { prepare } from './prepared.ts';
import { startProgress } from './progress.ts';
import type { NamedFile, PackedSeed, SeedParts } from './seed-pack.ts';
import { packSeed } from './seed-pack.ts';
import { writeSeedFolder } from './seed-folder.ts';
import { Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

/** What all units of a batch share. */
export interface BatchContext {
  readonly world: ProvisionWorld;
  readonly out: string;
  /** Null: only seeds are wanted. */
  readonly image: ImageFile | null;
  readonly deb: string | null;
  readonly authorizedKeys: string | null;
  readonly releaseKeys: readonly NamedFile[];
  /** Of the authority's bookkeeping. */
  readonly inventory: string;
  /** Opened when the first unit needs it. */
  readonly authority: () => Promise<Authority>;
}

/** What `done.json` in the folder of a unit says; nothing of it is secret. */
export interface SiteRecord {
  readonly deviceId: string;
  readonly name: string | null;
  readonly site: string | null;
  readonly hostname: string;
  /** Of its certificate. */
  readonly serial: string | null;
  /** Image or folder with the seed, from the batch's folder. */
  readonly file: string;
  readonly label: string;
  /** Digest of all that went in but the identity: unchanged, nothing is made again. */
  readonly inputs: string;
}

export const DONE_FILE = 'done.json';

export interface MadeSite {
  readonly record: SiteRecord;
  /** Whether all was there from an earlier run. */
  readonly wasThere: boolean;
  /** Secret, for a sheet; null where the identity was there. */
  readonly label: LabelText | null;
}

/** Makes what is missing. @throws Trouble */
export async function makeSite(order: SiteOrder, context: BatchContext): Promise<MadeSite> {
  const { out, world, image } = context;
  const folder = join(out, order.deviceId);
  const identity = join(folder, 'identity');
  // Before a certificate is issued: everything else must be right.
  const bare = packSeed(partsOf(order, null, context), world.nowMs());
  const inputs = inputsOf(bare, context);
  if (image !== null) prepare(image, bare, context.deb, world.nowMs());
  const before = recordIn(folder);
  if (before?.inputs === inputs && existsSync(join(out, before.file))) {
    packSeed(partsOf(order, identity, context), world.nowMs());
    return { record: before, wasThere: true, label: null };
  }
  const label = existsSync(join(identity, 'device.crt'))
    ? null
    : await enrol(order, identity, context);
  const seed = packSeed(partsOf(order, identity, context), world.nowMs());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file =
    image === null
      ? join(order.deviceId, SEED_FOLDER)
      : join(order.deviceId, `${order.deviceId}.img`);
  if (image === null) writeSeedFolder(join(out, file), seed.files);
  else await writeSiteImage(image, seed, join(out, file), context);
  const record: SiteRecord = {
    ...{ deviceId: order.deviceId, name: order.name, site: order.site, hostname: order.hostname },
    ...{ serial: serialIn(seed), file, inputs },
    label: join(order.deviceId, 'identity', 'label.pdf'),
  };
  writeWhole(join(folder, DONE_FILE), `${JSON.stringify(record)}\n`);
  return { record, wasThere: false, label };
}

function partsOf(order: SiteOrder, identity: string | null, context: BatchContext): SeedParts {
  const { network } = order;
  return {
    config: { name: `the configuration of "${order.deviceId}"`, text: order.config },
    ...{ identity, hostname: order.hostname, brokerPassword: order.brokerPasswordFile },
    networks: network === null ? [] : [{ name: '10-site.network', bytes: Buffer.from(network) }],
    authorizedKeys: context.authorizedKeys,
    releaseKeys: context.releaseKeys,
  };
}

/** Of the seed without its identity, the image and the package. */
function inputsOf(bare: PackedSeed, { image, deb }: BatchContext): string {
  const about = (path: string | null): unknown => {
    if (path === null) return null;
    const { size, mtimeMs } = statSync(path);
    return [size, mtimeMs];
  };
  const manifest = bare.files.get(SEED_FILE)?.toString('utf8');
  return sha256Of(JSON.stringify([manifest, about(image?.name ?? null), about(deb)]));
}

async function enrol(
  { deviceId, name, site, brokerUsername }: SiteOrder,
  identity: string,
  { world, inventory, authority }: BatchContext,
): Promise<LabelText> {
  const opened = await authority();
  opened.refuseWhenExpired();
  const order = { deviceId, authority: opened, out: identity, world, inventory };
  return (await enrolOffline({ ...order, name, site, brokerUsername })).label;
}

async function writeSiteImage(
  image: ImageFile,
  seed: PackedSeed,
  to: string,
  { world, deb }: BatchContext,
): Promise<void> {
  const { overlay } = prepare(image, seed, deb, world.nowMs());
  await writeImage({
    ...{ image, overlay, to, isDevice: false, signal: world.signal },
    progress: (title, bytes) => startProgress(world, `${seed.deviceId}: ${title}`, bytes),
    dropCache: () => Promise.resolve(false),
  });
}

function serialIn(seed: PackedSeed): string | null {
  const text = seed.files.get('device.json')?.toString('utf8');
  if (text === undefined) return null;
  const { serial } = JSON.parse(text) as { serial?: unknown };
  return typeof serial === 'string' ? serial : null;
}

/** Null where the unit is not made, or only half. @throws Trouble where the file is damaged */
export function recordIn(folder: string): SiteRecord | null {
  const path = join(folder, DONE_FILE);
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as SiteRecord;
  } catch {
    throw new Trouble(`${path}: not JSON; remove it, and the unit is made again`);
  }
}

/** Units that earlier runs made as well, by their ids. */
export function recordsIn(out: string): readonly SiteRecord[] {
  return readdirSync(out, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => recordIn(join(out, name)))
    .filter((record) => record !== null)
    .toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
}

/** Left by a run that was killed. */
export function removeLeftOvers(out: string, deviceId: string): void {
  rmSync(join(out, deviceId, `${deviceId}.img.partial`), { force: true });
}

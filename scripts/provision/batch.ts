/** `provision batch`: from a table of sites to images or seeds, identities and labels. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import { writeWhole } from '../../src/seed/place.ts';
import type { Authority } from './authority.ts';
import { openAuthority } from './authority.ts';
import type { BatchContext, MadeSite, SiteRecord } from './batch-make.ts';
import { makeSite, recordsIn, removeLeftOvers } from './batch-make.ts';
import type { RowProblem, SiteOrder } from './batch-row.ts';
import { checkRows } from './batch-row.ts';
import { writeSecret } from './enrol-online.ts';
import type { ImageFile } from './image-file.ts';
import { openImage } from './image-file.ts';
import { INVENTORY_FILE } from './inventory.ts';
import { labelPdf } from './label-pdf.ts';
import { DEFAULT_LABEL_SIZE } from './label.ts';
import type { PassphraseOptions } from './passphrase.ts';
import { passphraseSource, withPassphrase } from './passphrase.ts';
import { startProgress } from './progress.ts';
import { namedFile, readFile } from './seed-pack.ts';
import { readSites } from './sites.ts';
import { guarded, Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export interface BatchArguments extends PassphraseOptions {
  readonly sites: string;
  readonly template: string;
  readonly out: string;
  readonly ca: string;
  readonly image?: string;
  readonly seedsOnly: boolean;
  readonly deb?: string;
  readonly authorizedKeys?: string;
  readonly releaseKey: readonly string[];
  readonly inventory?: string;
  readonly dryRun: boolean;
}

/** Adds `batch`. */
export function addBatch(program: Command, world: ProvisionWorld): void {
  const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  const command = program
    .command('batch')
    .description('images or seeds, identities and labels for a table of sites')
    .requiredOption('--sites <file>', 'CSV: a line of columns, then a site a line')
    .requiredOption('--template <file>', 'configuration with {{column}} where sites differ')
    .requiredOption('--out <folder>', 'a folder a unit, and the inventory')
    .requiredOption('--ca <folder>', 'folder of the authority, of provision ca')
    .option('--image <file>', 'raw image, also .gz or .xz')
    .option('--seeds-only', 'only the seed of each unit, to copy onto cards', false)
    .option('--deb <file>', 'the package, where the image is Raspberry Pi OS')
    .option('--authorized-keys <file>', 'SSH keys of the administrator')
    .option(
      '--release-key <file>',
      'NAME.pub: whose releases they take besides; repeatable',
      many,
      [],
    )
    .option('--inventory <file>', `left out: ${INVENTORY_FILE} in the folder of --ca`)
    .option('--dry-run', 'check every line, write nothing', false);
  withPassphrase(command).action((options: BatchArguments) =>
    world.exitWith(() => guarded(world, () => runBatch(options, world))),
  );
}

/** Exit code 1: some lines were refused, the others are done. @throws Trouble */
export async function runBatch(options: BatchArguments, world: ProvisionWorld): Promise<ExitCode> {
  if ((options.image === undefined) === !options.seedsOnly) {
    throw new Trouble('name either --image FILE or --seeds-only', EXIT.usage);
  }
  const path = (name: string): string => resolve(world.cwd, name);
  const csv = path(options.sites);
  const table = readSites(options.sites, readFile(csv).toString('utf8'));
  const template = readFile(path(options.template)).toString('utf8');
  const { orders, problems } = checkRows(options.sites, table, template, dirname(csv));
  for (const problem of problems) tell(options, world, problem);
  if (options.dryRun) {
    const which = orders.map(({ deviceId }) => deviceId).join(', ');
    world.out(`would make ${orders.length} units (${which}); nothing was changed`);
    return problems.length === 0 ? EXIT.ok : EXIT.failed;
  }
  const image = options.image === undefined ? null : await opened(path(options.image), world);
  try {
    const refused = await makeAll(options, orders, contextOf(options, image, world));
    return problems.length + refused === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    image?.close();
  }
}

function opened(image: string, world: ProvisionWorld): Promise<ImageFile> {
  const progress = (title: string, bytes: number) => startProgress(world, title, bytes);
  return openImage(image, progress, (line) => world.err(`note: ${line}`));
}

/** `sites.csv:3 (kitchen): column "x" = "y": what; what to do`. */
function tell({ sites }: BatchArguments, { err }: ProvisionWorld, problem: RowProblem): void {
  const who = problem.deviceId === null ? '' : ` (${problem.deviceId})`;
  for (const line of problem.problem.split('\n')) err(`${sites}:${problem.line}${who}: ${line}`);
}

function contextOf(
  options: BatchArguments,
  image: ImageFile | null,
  world: ProvisionWorld,
): BatchContext {
  const path = (name: string): string => resolve(world.cwd, name);
  const ca = path(options.ca);
  let authority: Promise<Authority> | null = null;
  return {
    ...{ world, image, out: path(options.out) },
    deb: options.deb === undefined ? null : path(options.deb),
    authorizedKeys: options.authorizedKeys === undefined ? null : path(options.authorizedKeys),
    releaseKeys: options.releaseKey.map((name) => namedFile(path(name))),
    inventory: options.inventory === undefined ? join(ca, INVENTORY_FILE) : path(options.inventory),
    // Once: its passphrase may be typed.
    authority: () => (authority ??= openAuthority(ca, passphraseSource(options), world)),
  };
}

/** Returns how many were refused. */
async function makeAll(
  options: BatchArguments,
  orders: readonly SiteOrder[],
  context: BatchContext,
): Promise<number> {
  const { out, world } = context;
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const made: MadeSite[] = [];
  let refused = 0;
  for (const [i, order] of orders.entries()) {
    const { deviceId, line } = order;
    if (world.signal.aborted) {
      world.err(`stopped: ${orders.length - i} units are left; call it again to go on`);
      refused++;
      break;
    }
    removeLeftOvers(out, deviceId);
    try {
      const site = await makeSite(order, context);
      made.push(site);
      world.out(`${deviceId}: ${site.wasThere ? 'is there already' : 'made'}: ${site.record.file}`);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      tell(options, world, { line, deviceId, problem: error.message });
      refused++;
    }
  }
  await writeSheet(made, context);
  const records = recordsIn(out);
  writeWhole(join(out, 'inventory.csv'), csvOf(records));
  writeWhole(join(out, INVENTORY_FILE), records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  world.out(`${made.length} of ${orders.length} units in ${out}; inventory.csv lists them`);
  return refused;
}

/** All labels of this run on one sheet; the claim codes of earlier ones are known to nobody. */
async function writeSheet(made: readonly MadeSite[], { out, world }: BatchContext): Promise<void> {
  const labels = made.flatMap(({ label }) => (label === null ? [] : [label]));
  if (labels.length === 0) return;
  const free = (n: number): string => {
    const name = n === 1 ? 'labels.pdf' : `labels-${n}.pdf`;
    return existsSync(join(out, name)) ? free(n + 1) : name;
  };
  const name = free(1);
  writeSecret(out, name, await labelPdf(labels, DEFAULT_LABEL_SIZE, world.nowMs()));
  world.out(`${name}: ${labels.length} labels; claim codes stand on them, so keep it to yourself`);
}

const COLUMNS = ['deviceId', 'name', 'site', 'hostname', 'serial', 'file', 'label'] as const;

function csvOf(records: readonly SiteRecord[]): string {
  const cell = (value: string | null): string => {
    const text = value ?? '';
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = records.map((record) => COLUMNS.map((column) => cell(record[column])).join(','));
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

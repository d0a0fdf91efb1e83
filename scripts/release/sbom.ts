/**
 * The list of what is inside, as CycloneDX: of npm's own list what really lies in the release, and
 * what npm does not know of: Node with its parts, and the SQLite within better-sqlite3. The same
 * release gives the same bytes: its number comes from its content, its time from the checkout.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runTool } from '../../test/arm64/host.ts';
import type { LockedPackage } from '../../test/arm64/packages.ts';
import type { ArchFacts } from './arch.ts';
import { packageName } from './package-folder.ts';

export interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn?: readonly string[];
}

/** What of npm's list is used. */
export interface NpmSbom {
  readonly specVersion: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

export interface SbomFacts {
  readonly facts: ArchFacts;
  readonly version: string;
  readonly sourceDateEpoch: number;
  /** Folders under node_modules of all that is bundled or copied. */
  readonly packages: readonly string[];
  /** `packages` of package-lock.json. */
  readonly locked: Readonly<Record<string, LockedPackage>>;
  /** `process.versions` of the Node inside. */
  readonly nodeParts: Readonly<Record<string, string>>;
  readonly sqliteVersion: string;
  /** What compiled the add-ons. */
  readonly compiler: string;
}

/**
 * npm's list of the whole lock. Not with `--omit dev`: npm 11 then leaves out what development
 * needs too (zod, yaml and commander among it).
 */
export async function npmSbom(): Promise<NpmSbom> {
  const words = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--loglevel=error'];
  return JSON.parse(await runTool('npm', words)) as NpmSbom;
}

/** Version of the SQLite that better-sqlite3 compiles in, of its header. */
export function compiledSqlite(): string {
  const header = join(ROOT, 'node_modules/better-sqlite3/deps/sqlite3/sqlite3.h');
  const found = /#define SQLITE_VERSION\s+"([^"]+)"/.exec(readFileSync(header, 'utf8'));
  if (found?.[1] === undefined) throw new Error(`${header} names no SQLITE_VERSION`);
  return found[1];
}

/** The list of one release. @throws Error when a package in it is not on npm's list */
export function sbomOf(npm: NpmSbom, facts: SbomFacts): Record<string, unknown> {
  const known = new Map(npm.components.map((one) => [one['bom-ref'], one]));
  const listed = facts.packages.map((folder) => {
    const ref = `${packageName(folder)}@${facts.locked[`node_modules/${folder}`]?.version ?? '?'}`;
    const component = known.get(ref);
    if (component === undefined) throw new Error(`npm sbom does not list ${ref} (${folder})`);
    return component;
  });
  // A package that lies there twice in one version is one component.
  const components = [...new Map(listed.map((one) => [one['bom-ref'], one])).values()]
    .map((component) => ({ ...component, scope: 'required' }))
    .sort((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  const all = [...components, nodeComponent(facts), sqliteComponent(facts)];
  const root = rootComponent(npm, facts);
  const body = {
    $schema: `http://cyclonedx.org/schema/bom-${npm.specVersion}.schema.json`,
    bomFormat: 'CycloneDX',
    specVersion: npm.specVersion,
    version: 1,
    metadata: metadataOf(root, facts),
    components: all,
    dependencies: dependenciesOf(npm, root['bom-ref'], all),
  };
  return { ...body, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}` };
}

function metadataOf(root: Component, { sourceDateEpoch, compiler }: SbomFacts) {
  return {
    timestamp: new Date(sourceDateEpoch * 1000).toISOString(),
    lifecycles: [{ phase: 'build' }],
    tools: [{ vendor: 'npm', name: 'cli' }],
    component: root,
    properties: [{ name: 'embereye:compiler', value: compiler }],
  };
}

function rootComponent(npm: NpmSbom, { version, facts }: SbomFacts): Component {
  const { licenses, description } = npm.metadata.component;
  return {
    'bom-ref': `embereye@${version}`,
    type: 'application',
    name: 'embereye',
    version,
    description,
    purl: `pkg:generic/embereye@${version}?os=linux&arch=${facts.arch}`,
    licenses,
  };
}

/** Node counts its own version and that of its interfaces among its parts. */
const NO_PARTS = ['node', 'modules', 'napi'];

function nodeComponent({ facts, nodeParts }: SbomFacts): Component {
  const { name, version, integrity } = facts.node;
  const parts = Object.entries(nodeParts)
    .filter(([part]) => !NO_PARTS.includes(part))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    'bom-ref': `node@${version}`,
    type: 'platform',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    scope: 'required',
    properties: [{ name: 'embereye:fetched-as', value: `pkg:npm/${name}@${version}` }],
    hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }],
    licenses: [{ license: { id: 'MIT' } }],
    components: parts.map(([part, partVersion]) => ({
      'bom-ref': `node@${version}/${part}@${partVersion}`,
      type: 'library',
      name: part,
      version: partVersion,
    })),
  };
}

function sqliteComponent({ sqliteVersion }: SbomFacts): Component {
  return {
    'bom-ref': `sqlite@${sqliteVersion}`,
    type: 'library',
    name: 'sqlite',
    version: sqliteVersion,
    purl: `pkg:generic/sqlite@${sqliteVersion}`,
    cpe: `cpe:2.3:a:sqlite:sqlite:${sqliteVersion}:*:*:*:*:*:*:*`,
    scope: 'required',
    licenses: [{ license: { name: 'Public domain' } }],
  };
}

/** Who needs whom, among what is inside. */
function dependenciesOf(npm: NpmSbom, root: string, all: readonly Component[]): Dependency[] {
  const inside = new Set(all.map((one) => one['bom-ref']));
  const within = (refs: readonly string[] = []): string[] =>
    refs.filter((ref) => inside.has(ref)).sort();
  const npmRoot = npm.metadata.component['bom-ref'];
  const byRef = new Map(npm.dependencies.map(({ ref, dependsOn }) => [ref, within(dependsOn)]));
  const [node = ''] = [...inside].filter((ref) => ref.startsWith('node@'));
  const [sqlite = ''] = [...inside].filter((ref) => ref.startsWith('sqlite@'));
  return [
    { ref: root, dependsOn: [...(byRef.get(npmRoot) ?? []), node].sort() },
    ...all.map(({ 'bom-ref': ref, name }) => {
      const dependsOn = byRef.get(ref) ?? [];
      return { ref, dependsOn: name === 'better-sqlite3' ? [...dependsOn, sqlite] : dependsOn };
    }),
  ];
}

/** "sha512-<base64>" as hex digits. */
function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}

/** A UUID of version 8 (RFC 9562): 122 bits of the content's digest. */
export function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, i) => hex.slice(cuts[i], end))
    .join('-');
}

import { describe, expect, it } from 'vitest';
import { factsOf } from '../../scripts/release/arch.ts';
import type { NpmSbom, SbomFacts } from '../../scripts/release/sbom.ts';
import { sbomOf, uuidOf } from '../../scripts/release/sbom.ts';

const component = (name: string, version: string) => ({
  'bom-ref': `${name}@${version}`,
  type: 'library',
  name,
  version,
  purl: `pkg:npm/${name}@${version}`,
  scope: 'optional',
});

const npm: NpmSbom = {
  specVersion: '1.5',
  metadata: {
    component: { ...component('embereye-edge', '0.1.0'), licenses: [{ license: { id: 'X' } }] },
  },
  components: [
    component('zod', '4.0.0'),
    component('debug', '4.4.0'),
    component('debug', '4.4.3'),
    component('better-sqlite3', '12.0.0'),
    component('vitest', '4.0.0'),
  ],
  dependencies: [
    {
      ref: 'embereye-edge@0.1.0',
      dependsOn: ['zod@4.0.0', 'vitest@4.0.0', 'better-sqlite3@12.0.0'],
    },
    { ref: 'zod@4.0.0' },
    { ref: 'debug@4.4.3', dependsOn: ['vitest@4.0.0'] },
    { ref: 'better-sqlite3@12.0.0', dependsOn: ['debug@4.4.0'] },
  ],
};

const facts: SbomFacts = {
  facts: factsOf('arm64'),
  version: '1.2.3',
  sourceDateEpoch: 1_790_000_000,
  packages: ['better-sqlite3', 'better-sqlite3/node_modules/debug', 'debug', 'zod'],
  locked: {
    'node_modules/better-sqlite3': { version: '12.0.0' },
    'node_modules/better-sqlite3/node_modules/debug': { version: '4.4.0' },
    'node_modules/debug': { version: '4.4.3' },
    'node_modules/zod': { version: '4.0.0' },
  },
  nodeParts: { node: '22.0.0', modules: '127', openssl: '3.5.0', v8: '12.4' },
  sqliteVersion: '3.53.2',
  compiler: 'g++ 12',
};

interface Shape {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: { purl: string } };
  readonly components: readonly {
    'bom-ref': string;
    scope: string;
    components?: { name: string }[];
    hashes?: { content: string }[];
  }[];
  readonly dependencies: readonly { ref: string; dependsOn: string[] }[];
}
const made = (changed: Partial<SbomFacts> = {}): Shape =>
  sbomOf(npm, { ...facts, ...changed }) as unknown as Shape;

describe('the list of what is inside', () => {
  it('has every package of the release in its version, Node and SQLite, and nothing else', () => {
    expect(made().components.map((one) => one['bom-ref'])).toEqual([
      'better-sqlite3@12.0.0',
      'debug@4.4.0',
      'debug@4.4.3',
      'zod@4.0.0',
      `node@${factsOf('arm64').node.version}`,
      'sqlite@3.53.2',
    ]);
    expect(made().components.every(({ scope }) => scope === 'required')).toBe(true);
  });

  it('refuses a release with a package that is not listed', () => {
    const packages = [...facts.packages, 'left-out'];
    expect(() => made({ packages })).toThrow('does not list left-out@? (left-out)');
  });

  it('names the parts of Node, and the digest that Node was fetched by', () => {
    const node = made().components.find((one) => one['bom-ref'].startsWith('node@'));
    expect(node?.components?.map(({ name }) => name)).toEqual(['openssl', 'v8']);
    expect(node?.hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/);
  });

  it('tells who needs whom among what is inside', () => {
    const graph = new Map(made().dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const node = `node@${factsOf('arm64').node.version}`;
    expect(graph.get('embereye@1.2.3')).toEqual(['better-sqlite3@12.0.0', node, 'zod@4.0.0']);
    expect(graph.get('better-sqlite3@12.0.0')).toEqual(['debug@4.4.0', 'sqlite@3.53.2']);
    expect(graph.get('debug@4.4.3')).toEqual([]);
    const known = new Set([...graph.keys()]);
    for (const refs of graph.values()) expect(refs.filter((ref) => !known.has(ref))).toEqual([]);
  });

  it('has a number and a time of its content alone', () => {
    expect(made()).toEqual(made());
    expect(made().serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(made().serialNumber).not.toBe(made({ sqliteVersion: '3.53.3' }).serialNumber);
    expect(made().metadata.timestamp).toBe('2026-09-21T14:13:20.000Z');
    expect(uuidOf('a')).not.toBe(uuidOf('b'));
  });
});

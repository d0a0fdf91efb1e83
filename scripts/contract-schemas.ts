/** JSON Schemas of every payload, made from the types in the sources and their comments. */
import { resolve } from 'node:path';
import {
  AnnotatedType,
  type CompletedConfig,
  createFormatter,
  createParser,
  createProgram,
  DEFAULT_CONFIG,
  type Schema,
  SchemaGenerator,
  StringType,
  type SubNodeParser,
  ts,
} from 'ts-json-schema-generator';
import { CONTRACT, schemaFileOf } from './contract-table.ts';

export type { Schema } from 'ts-json-schema-generator';

/** As much of a schema as is looked at here. */
interface Node extends Schema {
  readonly properties?: Readonly<Record<string, Node>>;
}

const SOURCES = ['payload.ts', 'payload-command.ts', 'ack.ts'].map((name) => `src/uplink/${name}`);

/** What a name promises, in the schema's words. */
const BY_NAME: Readonly<Record<string, Schema>> = {
  seq: { type: 'integer', minimum: 1 },
  firstSeq: { type: 'integer', minimum: 1 },
  lastSeq: { type: 'integer', minimum: 1 },
  row: { type: 'integer', minimum: 1 },
  connection: { type: 'integer', minimum: 1 },
  count: { type: 'integer', minimum: 1 },
  readings: { type: 'integer', minimum: 0 },

  wall: {
    pattern: '^[+-]?\\d{4,6}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
    description: 'ISO 8601 in UTC.',
  },
};

/** What the end of a name says of its number. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/Ms$/, 'milliseconds'],
  [/Seconds$/, 'seconds'],
  [/Celsius$/, 'degrees Celsius'],
  [/CelsiusPerMinute$/, 'degrees Celsius per minute'],
  [/Percent$/, 'percent'],
  [/[pP]pm$/, 'parts per million'],
];

/** Path of each schema from the project's root, and the schema. */
export function contractSchemas(): ReadonlyMap<string, Schema> {
  // The bundled script runs from `dist`, the test from `scripts`: both lie below the root.
  const generator = newGenerator(resolve(import.meta.dirname, '..'));
  return new Map(
    CONTRACT.map((channel) => {
      const schema = schemaOf(generator, channel.type);
      const { $schema, definitions, ...rest } = schema;
      const whole = { $schema, title: channel.name, description: channel.summary, ...rest };
      const text = definitions === undefined ? whole : { ...whole, definitions };
      return [`docs/contract/${schemaFileOf(channel)}`, described('', text) as Schema];
    }),
  );
}

function newGenerator(root: string): SchemaGenerator {
  const config: CompletedConfig = {
    ...DEFAULT_CONFIG,
    path: `{${SOURCES.map((path) => resolve(root, path)).join(',')}}`,
    tsconfig: resolve(root, 'tsconfig.json'),
    type: '*',
    // `npm run check` does that, and says where.
    skipTypeCheck: true,
    topRef: false,
    jsDoc: 'extended',
    additionalProperties: false,
  };
  const program = createProgram(config);
  const parser = createParser(program, config, (chain) => chain.addNodeParser(brandedIds));
  return new SchemaGenerator(program, parser, createFormatter(config), config);
}

/** `string & { [brand]: ... }` of domain/units.ts: a text of the form of all ids. */
const brandedIds: SubNodeParser = {
  supportsNode: (node) => ts.isIntersectionTypeNode(node) && node.getText().includes('[brand]'),
  createType: () => new AnnotatedType(new StringType(), { pattern: '^[a-z0-9_-]{1,48}$' }, false),
};

/** @param type its name, or `Type.member`: then with those definitions that the member needs. */
function schemaOf(generator: SchemaGenerator, type: string): Node {
  const [name = '', member] = type.split('.');
  const { $schema, definitions = {}, ...whole } = generator.createSchema(name) as Node;
  if (member === undefined) return { $schema, ...whole, definitions };
  const schema = whole.properties?.[member];
  if (schema === undefined) {
    throw new Error(`${name} has no ${member}: add it in src/uplink/payload-command.ts`);
  }
  const all = definitions as Readonly<Record<string, Schema>>;
  return { $schema, ...schema, definitions: needed(schema, all) };
}

function needed(
  schema: Schema,
  all: Readonly<Record<string, Schema>>,
  found: Record<string, Schema> = {},
): Record<string, Schema> {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    const definition = all[name];
    if (definition === undefined || name in found) continue;
    found[name] = definition;
    needed(definition, all, found);
  }
  return found;
}

/** Adds what names promise, wherever they stand. @param name of the property; '' of none. */
function described(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item): unknown => described('', item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, inner]: [string, unknown]): [string, unknown] => {
      if (key !== 'properties') return [key, key === 'const' ? inner : described('', inner)];
      const fields = Object.entries(inner as object);
      return [
        key,
        Object.fromEntries(fields.map(([field, node]) => [field, described(field, node)])),
      ];
    },
  );
  const schema = Object.fromEntries(entries) as Schema;
  return name === '' ? schema : promised(name, schema);
}

function promised(name: string, schema: Schema): Schema {
  const isPlain = schema.type === 'number' || schema.type === 'string';
  const promise = isPlain && schema.const === undefined ? BY_NAME[name] : undefined;
  const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1];
  const whole = { ...promise, ...schema, ...(promise?.type && { type: promise.type }) };
  if (unit === undefined) return whole;
  const { description } = whole;
  return {
    ...whole,
    description: `${description === undefined ? '' : `${description} `}In ${unit}.`,
  };
}

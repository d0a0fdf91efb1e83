/**
 * A driver's options, declared once: reading them, their types and their JSON Schema all follow
 * from the declaration, so a driver needs no other file to be configured.
 */

/** One thing wrong with the options, in words for the installer. */
export interface OptionProblem {
  /** Where; nested options are joined by dots, list items by their place: `channels.0.input`. */
  readonly key: string;
  readonly problem: string;
  readonly remedy: string;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** One option. `fallback` is undefined where the installer must give a value. */
export interface Field<T> {
  readonly fallback: T | undefined;
  readonly schema: JsonSchema;
  /** Null when `raw` is no value of this field. */
  read(raw: unknown): { readonly value: T } | null;
  /** For nested options: what exactly is wrong, with keys relative to this field. */
  readonly problems?: (raw: unknown) => readonly OptionProblem[];
  /** What a value must look like: "a number 1..3600". */
  readonly expects: string;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type OptionsOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/** A non-empty text. */
export function text(meaning: string, fallback?: string): Field<string> {
  return {
    fallback,
    schema: { type: 'string', minLength: 1, description: meaning, ...defaulted(fallback) },
    read: (raw) => (typeof raw === 'string' && raw !== '' ? { value: raw } : null),
    expects: 'a text',
  };
}

/** A number within `min..max`, whole numbers only where `whole`. */
export function number(
  meaning: string,
  range: { readonly min: number; readonly max: number; readonly whole?: boolean },
  fallback?: number,
): Field<number> {
  const { min, max, whole = false } = range;
  const type = whole ? 'integer' : 'number';
  return {
    fallback,
    schema: { type, minimum: min, maximum: max, description: meaning, ...defaulted(fallback) },
    read: (raw) => {
      if (typeof raw !== 'number' || !(raw >= min && raw <= max)) return null;
      return whole && !Number.isInteger(raw) ? null : { value: raw };
    },
    expects: `a ${whole ? 'whole ' : ''}number ${min}..${max}`,
  };
}

/** True or false. */
export function flag(meaning: string, fallback?: boolean): Field<boolean> {
  return {
    fallback,
    schema: { type: 'boolean', description: meaning, ...defaulted(fallback) },
    read: (raw) => (typeof raw === 'boolean' ? { value: raw } : null),
    expects: 'true or false',
  };
}

/** One of a few words. */
export function choice<const T extends string>(
  meaning: string,
  values: readonly T[],
  fallback?: NoInfer<T>,
): Field<T> {
  return {
    fallback,
    schema: { enum: values, description: meaning, ...defaulted(fallback) },
    read: (raw) => {
      const value = values.find((one) => one === raw);
      return value === undefined ? null : { value };
    },
    expects: `one of ${values.join(', ')}`,
  };
}

/** A mapping with fields of its own. */
export function group<F extends Fields>(meaning: string, fields: F): Field<OptionsOf<F>> {
  return {
    fallback: undefined,
    schema: { ...optionsSchema(fields), description: meaning },
    read: (raw) => {
      const read = readOptions(fields, raw);
      return read.ok ? { value: read.value } : null;
    },
    problems: (raw) => {
      const read = readOptions(fields, raw);
      return read.ok ? [] : read.problems;
    },
    expects: `a mapping with ${Object.keys(fields).join(', ')}`,
  };
}

/** A list of what `item` describes. */
export function list<T>(
  meaning: string,
  item: Field<T>,
  size: { readonly min: number; readonly max: number },
  fallback?: readonly T[],
): Field<readonly T[]> {
  const { min, max } = size;
  const fits = (raw: unknown): raw is readonly unknown[] =>
    Array.isArray(raw) && raw.length >= min && raw.length <= max;
  return {
    fallback,
    schema: {
      type: 'array',
      items: item.schema,
      minItems: min,
      maxItems: max,
      description: meaning,
      ...defaulted(fallback),
    },
    read: (raw) => {
      if (!fits(raw)) return null;
      const values: T[] = [];
      for (const one of raw) {
        const read = item.read(one);
        if (read === null) return null;
        values.push(read.value);
      }
      return { value: values };
    },
    problems: (raw) => (fits(raw) ? raw.flatMap((one, i) => problemsOf(item, `${i}`, one)) : []),
    expects: `a list of ${min}..${max} items, each ${item.expects}`,
  };
}

/** A value that one of several fields takes: the first that fits. */
export function either<A, B>(first: Field<A>, second: Field<B>): Field<A | B> {
  return {
    fallback: first.fallback ?? second.fallback,
    schema: { anyOf: [first.schema, second.schema] },
    read: (raw) => first.read(raw) ?? second.read(raw),
    expects: `${first.expects}, or ${second.expects}`,
  };
}

/** A field that may be left out, or given as null. */
export function optional<T>(field: Field<T>): Field<T | null> {
  return {
    ...(field.problems === undefined ? {} : { problems: field.problems }),
    fallback: null,
    schema: { anyOf: [field.schema, { type: 'null' }], default: null },
    read: (raw) => (raw === null ? { value: null } : field.read(raw)),
    expects: `${field.expects}, or nothing`,
  };
}

/** Reads all options and reports all problems at once; keys that nobody declared are refused. */
export function readOptions<F extends Fields>(
  fields: F,
  raw: unknown,
):
  | { readonly ok: true; readonly value: OptionsOf<F> }
  | { readonly ok: false; readonly problems: readonly OptionProblem[] } {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    const remedy = `give a mapping with ${Object.keys(fields).join(', ')}`;
    return { ok: false, problems: [{ key: '', problem: 'is no mapping', remedy }] };
  }
  const given = new Map<string, unknown>(Object.entries(raw));
  const problems: OptionProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const entry = given.get(key);
    given.delete(key);
    if (entry === undefined && field.fallback !== undefined) {
      values[key] = field.fallback;
      continue;
    }
    const read = field.read(entry);
    if (read !== null) values[key] = read.value;
    else problems.push(...problemsOf(field, key, entry));
  }
  for (const key of given.keys()) {
    const remedy = `remove it, or use one of ${Object.keys(fields).join(', ')}`;
    problems.push({ key, problem: 'is no option of this driver', remedy });
  }
  // Every field has been read or has its fallback, so the record has the declared shape.
  return problems.length === 0
    ? { ok: true, value: values as OptionsOf<F> }
    : { ok: false, problems };
}

/** JSON Schema (draft 2020-12) of the options, for editors and the documentation. */
export function optionsSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(entries.map(([key, field]) => [key, field.schema])),
    required: entries.filter(([, field]) => field.fallback === undefined).map(([key]) => key),
  };
}

/** The nested problems where the field can name them, else that it is no value of the field. */
function problemsOf(field: Field<unknown>, key: string, raw: unknown): readonly OptionProblem[] {
  if (field.read(raw) !== null) return [];
  const nested = raw === undefined ? [] : (field.problems?.(raw) ?? []);
  if (nested.length === 0) return [{ key, problem: shown(raw), remedy: remedyOf(field, raw) }];
  return nested.map((one) => ({ ...one, key: one.key === '' ? key : `${key}.${one.key}` }));
}

/** Who has left a field out does not know yet what it is for. */
function remedyOf({ expects, schema }: Field<unknown>, raw: unknown): string {
  const meaning = raw === undefined ? schema['description'] : undefined;
  return typeof meaning === 'string' ? `give ${expects}: ${meaning}` : `give ${expects}`;
}

function defaulted(fallback: unknown): JsonSchema {
  return fallback === undefined ? {} : { default: fallback };
}

function shown(raw: unknown): string {
  return raw === undefined ? 'is missing' : `is ${JSON.stringify(raw)}`;
}

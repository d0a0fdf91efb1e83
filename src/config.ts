/** Text and environment in; a whole Config or every problem at once out. Pure. */
import { isMap, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { z } from 'zod';
import type { Config } from './config-schema.ts';
import { configSchema, ENVIRONMENT_OVERRIDES } from './config-schema.ts';
import type { ConfigProblem, Finding, Path } from './config-problems.ts';
import { findingsOf, pathText, valueText } from './config-problems.ts';
import { checkIdleSensors, checkReferences } from './config-references.ts';
import { repair, valueAt } from './config-repair.ts';

export const ENVIRONMENT_PREFIX = 'EMBEREYE__';

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** A further check of a configuration whose every field is valid by itself. */
export type ConfigCheck = (config: Config) => readonly Finding[];

/**
 * Reads a configuration. An empty text is the embedded default.
 * @param text YAML 1.2; duplicate and unknown keys are problems.
 * @param environment variables; only `EMBEREYE__section__key` of the allow-list are looked at.
 * @param checks what other parts want to check, for example options of drivers.
 */
export function parseConfig(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  checks: readonly ConfigCheck[] = [],
): ConfigResult {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    stringKeys: true,
  });
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => ({
        line: lines.linePos(error.pos[0]).line,
        path: '(file)',
        value: undefined,
        problem: (error.message.split('\n')[0] ?? error.code).replace(/ at line .*$/, ''),
        remedy: 'correct the YAML: indentation with spaces, one value per key',
      })),
    };
  }
  const values = valuesOf(document);
  if (!values.ok) return { ok: false, problems: [values.problem] };
  const { raw } = values;
  const overrides = applyEnvironment(raw, environment);
  const describe = (finding: Finding): ConfigProblem => {
    const variable = overrides.applied.get(finding.path.join('.'));
    const value = valueText(valueAt(raw, finding.path));
    const place = { problem: finding.problem, remedy: finding.remedy, value };
    if (variable !== undefined) return { line: null, path: variable, ...place };
    return { line: lineOf(document, lines, finding.path), path: pathText(finding.path), ...place };
  };
  const parsed = configSchema.safeParse(raw, { reportInput: true });
  if (!parsed.success) {
    const findings = parsed.error.issues.flatMap((issue) =>
      findingsOf(issue, (path) => knownKeysAt(path, raw)),
    );
    const repaired = repair(raw, parsed.error.issues);
    const further =
      repaired === null
        ? []
        : runChecks(repaired.config, checks).map((finding) => ({
            ...finding,
            path: repaired.original(finding.path),
          }));
    return {
      ok: false,
      problems: [...overrides.problems, ...[...findings, ...further].map(describe)],
    };
  }
  const found = runChecks(parsed.data, checks);
  const findings = found.length === 0 ? checkIdleSensors(parsed.data) : found;
  const problems = [...overrides.problems, ...findings.map(describe)];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: parsed.data };
}

type Values =
  | { readonly ok: true; readonly raw: unknown }
  | { readonly ok: false; readonly problem: ConfigProblem };

/** An alias without its anchor, or aliases that multiply, only show when values are made. */
function valuesOf(document: Document): Values {
  try {
    return { ok: true, raw: document.toJS() ?? {} };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const remedy = 'write the values out instead of using * and &';
    return {
      ok: false,
      problem: { line: null, path: '(file)', value: undefined, problem, remedy },
    };
  }
}

function runChecks(config: Config, checks: readonly ConfigCheck[]): readonly Finding[] {
  return [checkReferences, ...checks].flatMap((check) => check(config));
}

/** The JSON Schema that editors use for completion and checking. */
export function configJsonSchema(): unknown {
  return z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
}

interface Overrides {
  /** Field path to the variable that set it. */
  readonly applied: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
}

function applyEnvironment(
  raw: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Overrides {
  const applied = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !variable.startsWith(ENVIRONMENT_PREFIX)) continue;
    const path = variable.slice(ENVIRONMENT_PREFIX.length).split('__');
    const dotted = path.join('.');
    if (!(ENVIRONMENT_OVERRIDES as readonly string[]).includes(dotted)) {
      problems.push({
        line: null,
        path: variable,
        value: undefined,
        problem: 'this field cannot be set from the environment',
        remedy: `allowed: ${ENVIRONMENT_OVERRIDES.map(variableOf).join(', ')}`,
      });
      continue;
    }
    if (setAt(raw, path, scalarOf(value))) applied.set(dotted, variable);
  }
  return { applied, problems };
}

/** The environment variable that overrides a field. */
export function variableOf(dotted: string): string {
  return ENVIRONMENT_PREFIX + dotted.replaceAll('.', '__');
}

/** Variables are always strings; numbers, true, false and null are read as YAML reads them. */
function scalarOf(text: string): unknown {
  const document = parseDocument(text);
  const values = document.errors.length === 0 ? valuesOf(document) : null;
  if (values?.ok !== true) return text;
  return typeof values.raw === 'object' ? text : values.raw;
}

function setAt(root: unknown, path: readonly string[], value: unknown): boolean {
  let at = root;
  for (const [i, key] of path.entries()) {
    if (typeof at !== 'object' || at === null) return false;
    const record = at as Record<string, unknown>;
    if (i === path.length - 1) record[key] = value;
    else record[key] ??= {};
    at = record[key];
  }
  return true;
}

/** Line of the deepest node of `path` that exists; a missing field points at its parent. */
function lineOf(document: Document, lines: LineCounter, path: Path): number | null {
  let found: Node | null = document.contents;
  let offset = found?.range?.[0] ?? null;
  for (const key of path) {
    if (isMap(found)) {
      const pair = found.items.find((item) => String(item.key) === String(key));
      const keyNode = pair?.key as Node | undefined;
      if (pair === undefined) break;
      offset = keyNode?.range?.[0] ?? offset;
      found = pair.value as Node | null;
    } else if (isSeq(found)) {
      const item = found.items[Number(key)] as Node | undefined;
      if (item === undefined) break;
      offset = item.range?.[0] ?? offset;
      found = item;
    } else break;
  }
  return offset === null ? null : lines.linePos(offset).line;
}

interface JsonSchemaNode {
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly items?: JsonSchemaNode;
  readonly oneOf?: readonly JsonSchemaNode[];
  readonly anyOf?: readonly JsonSchemaNode[];
}

/** Field names that may stand at `path`, so that a typing error can be answered. */
function knownKeysAt(path: Path, raw: unknown): readonly string[] {
  let nodes = [configJsonSchema() as JsonSchemaNode];
  for (const key of path) {
    nodes = nodes
      .flatMap(alternatives)
      .map((node) => (typeof key === 'number' ? node.items : node.properties?.[key]))
      .filter((node) => node !== undefined);
  }
  const kind = valueAt(raw, [...path, 'kind']);
  const here = nodes.flatMap(alternatives);
  const matching = here.filter((node) => {
    const constant = node.properties?.['kind'] as { const?: unknown } | undefined;
    return kind === undefined || constant?.const === undefined || constant.const === kind;
  });
  return [...new Set(matching.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function alternatives(node: JsonSchemaNode): readonly JsonSchemaNode[] {
  return node.oneOf ?? node.anyOf ?? [node];
}

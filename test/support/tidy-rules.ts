/** The repository's own rules, as functions over source text, so that they can be tested too. */
import ts from 'typescript';

export interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a layer may import besides itself; `types` only as types. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  alarm: ['domain'],
  hal: ['domain'],
  ingest: ['domain'],
  vision: ['domain'],
  store: ['domain'],
  uplink: ['domain'],
  console: ['domain'],
  // It drives a copy of detector and zone with what never happened.
  proof: ['domain', 'alarm', 'vision'],
  control: ['domain'],
  // Watches other appliances on the same network, and carries their alarms.
  neighbours: ['domain'],
  // Its memory words come from its own formulas, so it must not see the decoder.
  simulator: ['domain/ports.ts', 'domain/frame.ts', 'domain/units.ts'],
};

/** Each third-party package is imported by exactly one file. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  onoff: ['src/hal/gpio-onoff.ts'],
  serialport: ['src/hal/serial-port.ts'],
  koffi: ['src/hal/native/libc.ts'],
  epoll: ['src/hal/native/readable.ts'],
  'modbus-serial': ['src/hal/modbus-wire.ts'],
  mqtt: ['src/uplink/mqtt-link.ts'],
  pg: ['central/database.ts'],
  '@nats-io/jetstream': ['central/jetstream.ts'],
  '@nats-io/transport-node': ['central/jetstream.ts'],
  aedes: ['src/uplink/embedded-broker.ts'],
  'better-sqlite3': ['src/store/database.ts'],
  'mqtt-packet': ['central/mqtt.ts'],
  'sparkplug-payload': ['src/uplink/sparkplug/encode.ts'],
  '@peculiar/x509': ['scripts/provision/certificates.ts'],
  'csv-parse': ['scripts/provision/sites.ts'],
  pdfkit: ['scripts/provision/label-pdf.ts'],
  pngjs: ['scripts/provision/label-png.ts'],
  qrcode: ['scripts/provision/qr.ts'],
  'prom-client': ['src/metrics.ts'],
  pino: ['src/log.ts'],
  esbuild: ['scripts/provision/bundle.ts'],
  commander: ['src/main.ts', 'scripts/provision/main.ts'],
  zod: [
    'src/config-schema.ts',
    'src/config-fields.ts',
    'src/config.ts',
    'src/config-regions.ts',
    'src/config-model.ts',
    'src/config-panel.ts',
    'src/config-recording.ts',
    'src/config-proof.ts',
    'src/config-analog.ts',
    'src/config-optics.ts',
    'src/config-uplink.ts',
    'src/config-store.ts',
    'src/config-custody.ts',
    'src/config-commands.ts',
    'src/config-discovery.ts',
    'src/config-neighbours.ts',
    'src/config-update.ts',
    'src/config-service.ts',
  ],
  'onnxruntime-node': ['src/vision/onnx-session.ts'],
  yaml: ['src/config.ts', 'scripts/provision/site-config.ts'],
};

const BANNED: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\b/, instead: 'Clock.wallMs' },
  { pattern: /\bnew Date\(\)/, instead: 'Clock.wallMs' },
  { pattern: /\bperformance\.now\b/, instead: 'Clock.monotonicMs' },
  { pattern: /\bsetTimeout\(/, instead: 'Clock.after' },
  { pattern: /\bsetInterval\(/, instead: 'Clock.after' },
  { pattern: /\bsetImmediate\(/, instead: 'Clock.soon' },
  { pattern: /\bMath\.random\b/, instead: 'Random' },
  { pattern: /\brandomUUID\b|\brandomBytes\b/, instead: 'Random' },
  { pattern: /\bprocess\.env\b/, instead: 'configuration' },
];
const BAN_EXEMPT = ['src/clock.ts', 'src/main.ts'];
/** Is copied as a whole, so it takes nothing from the appliance; nothing simulates its time. */
const CENTRAL = 'central/';

const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 60;
const MAX_COLUMNS = 100;

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

export function importsOf(file: SourceFile): readonly Import[] {
  const parsed = parse(file);
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      imports.push({ specifier: node.moduleSpecifier.text, typeOnly });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) {
        imports.push({ specifier: argument.text, typeOnly: false });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return imports;
}

function parse(file: SourceFile): ts.SourceFile {
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true);
}

function layerOf(path: string): string | null {
  const [, layer] = /^src\/([a-z]+)\//.exec(path) ?? [];
  return layer === undefined ? null : layer;
}

/** Imports that point the wrong way. */
export function importProblems(file: SourceFile): readonly string[] {
  const layer = layerOf(file.path);
  const allowed = layer === null ? undefined : MAY_IMPORT[layer];
  const problems: string[] = [];
  for (const { specifier, typeOnly } of importsOf(file)) {
    if (!specifier.startsWith('.')) {
      const name = specifier.startsWith('@') ? specifier : (specifier.split('/')[0] ?? specifier);
      const owners = PACKAGE_OWNERS[name];
      if (owners !== undefined && !typeOnly && !owners.includes(file.path)) {
        problems.push(`${file.path} imports ${name}, which belongs to ${owners.join(', ')}`);
      } else if (owners === undefined && !specifier.startsWith('node:')) {
        problems.push(`${file.path} imports ${name}, which PACKAGE_OWNERS does not know`);
      }
      if (layer === 'domain') problems.push(`${file.path} imports ${specifier}: domain is pure`);
      continue;
    }
    const target = resolve(file.path, specifier);
    if (target === 'src/main.ts') problems.push(`${file.path} imports main.ts`);
    if (file.path.startsWith(CENTRAL) !== target.startsWith(CENTRAL)) {
      problems.push(`${file.path} imports ${target}: ${CENTRAL} stands alone`);
    }
    if (allowed === undefined || layer === null) continue;
    const targetLayer = layerOf(target);
    if (targetLayer === layer) continue;
    const within = target.replace(/^src\//, '');
    const fine =
      allowed.includes(within) ||
      (targetLayer !== null && allowed.includes(targetLayer)) ||
      (file.path === 'src/alarm/annunciator.ts' && target === 'src/hal/ports.ts' && typeOnly);
    if (!fine) problems.push(`${file.path} imports ${target}: ${layer} may not`);
  }
  return problems;
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Calls that must go through a port, outside comments. */
export function bannedCalls(file: SourceFile): readonly string[] {
  if (BAN_EXEMPT.includes(file.path) || file.path.startsWith(CENTRAL)) return [];
  return withoutComments(file.text).flatMap((line, i) =>
    BANNED.filter(({ pattern }) => pattern.test(line)).map(
      ({ pattern, instead }) => `${file.path}:${i + 1}: ${pattern.source}: use ${instead}`,
    ),
  );
}

function withoutComments(text: string): string[] {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, ' ');
  return text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/(^|\s)\/\/.*$/gm, blank)
    .split('\n');
}

/** Escapes from the type system. */
export function typeEscapes(file: SourceFile): readonly string[] {
  return withoutComments(file.text).flatMap((line, i) =>
    /@ts-(ignore|expect-error|nocheck)|\bas any\b|: any\b|<any>/.test(line)
      ? [`${file.path}:${i + 1}: ${line.trim()}`]
      : [],
  );
}

/** Files, functions and lines that have outgrown a reader. */
export function sizeProblems(file: SourceFile): readonly string[] {
  const lines = file.text.split('\n');
  const problems: string[] = [];
  if (lines.length - 1 > MAX_FILE_LINES) problems.push(`${file.path}: ${lines.length - 1} lines`);
  for (const [i, line] of lines.entries()) {
    if (line.length > MAX_COLUMNS) problems.push(`${file.path}:${i + 1}: ${line.length} columns`);
  }
  const parsed = parse(file);
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = parsed.getLineAndCharacterOfPosition(node.getStart()).line;
      const last = parsed.getLineAndCharacterOfPosition(node.end).line;
      const length = last - first + 1;
      if (length > MAX_FUNCTION_LINES) {
        problems.push(`${file.path}:${first + 1}: function of ${length} lines`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(parsed);
  return problems;
}

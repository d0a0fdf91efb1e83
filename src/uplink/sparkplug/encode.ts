/** Sparkplug B payloads to bytes and back; the only file that knows the library. */
import { get } from 'sparkplug-payload';

/** Data types that we use; the number of milliseconds since 1970 is a `DateTime`. */
export type SparkType = 'Int32' | 'Int64' | 'Double' | 'Boolean' | 'String' | 'DateTime';
export type SparkValue = number | boolean | string | null;

export interface SparkProperty {
  readonly type: SparkType;
  readonly value: SparkValue;
}

export interface SparkMetric {
  readonly name: string;
  readonly type: SparkType;
  /** Null: there is none now; the type stays. */
  readonly value: SparkValue;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** True: what was, not what is; hosts put it into their history only. */
  readonly isHistorical?: boolean;
  readonly properties?: Readonly<Record<string, SparkProperty>>;
}

export interface SparkPayload {
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** 0..255; left out in death certificates. */
  readonly seq?: number;
  readonly metrics: readonly SparkMetric[];
}

const library = get('spBv1.0');

/** @throws Error when the installed library knows no Sparkplug B. */
export function encodeSparkplug({ timestamp, seq, metrics }: SparkPayload): Uint8Array {
  return codec().encodePayload({
    timestamp,
    ...(seq === undefined ? {} : { seq }),
    metrics: metrics.map(({ properties, ...metric }) => ({
      ...metric,
      ...(properties === undefined ? {} : { properties: { ...properties } }),
    })),
  });
}

/** Null when the bytes are no Sparkplug B payload. Metrics of types not used here are left out. */
export function decodeSparkplug(bytes: Uint8Array): SparkPayload | null {
  try {
    const { timestamp, seq, metrics } = codec().decodePayload(bytes);
    return {
      timestamp: numberOf(timestamp) ?? 0,
      ...(seq === undefined || seq === null ? {} : { seq: numberOf(seq) ?? 0 }),
      metrics: (metrics ?? []).flatMap((metric) => readMetric(metric)),
    };
  } catch {
    // The library's own words ("index out of range") say nothing to whoever sent it.
    return null;
  }
}

function codec(): NonNullable<typeof library> {
  if (library === null) throw new Error('sparkplug-payload does not know spBv1.0: reinstall it');
  return library;
}

const TYPES: readonly SparkType[] = ['Int32', 'Int64', 'Double', 'Boolean', 'String', 'DateTime'];

interface Raw {
  readonly name?: string | null;
  readonly type: string;
  readonly value?: unknown;
  readonly timestamp?: unknown;
  readonly isHistorical?: boolean | null;
  readonly properties?: Readonly<
    Record<string, { readonly type: string; readonly value: unknown }>
  >;
}

function readMetric({
  name,
  type,
  value,
  timestamp,
  isHistorical,
  properties,
}: Raw): SparkMetric[] {
  const known = TYPES.find((one) => one === type);
  if (known === undefined) return [];
  const read = Object.entries(properties ?? {}).flatMap(([key, property]) => {
    const of = TYPES.find((one) => one === property.type);
    return of === undefined ? [] : [[key, { type: of, value: valueOf(property.value) }] as const];
  });
  return [
    {
      ...{ name: name ?? '', type: known, value: valueOf(value) },
      timestamp: numberOf(timestamp) ?? 0,
      ...(isHistorical === true ? { isHistorical } : {}),
      ...(read.length === 0 ? {} : { properties: Object.fromEntries(read) }),
    },
  ];
}

function valueOf(value: unknown): SparkValue {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  return numberOf(value);
}

/** 64-bit numbers come as objects of their own; ours are times and counts below 2^53. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  // Their text is the number in digits.
  return typeof value === 'object' && value !== null && 'toNumber' in value ? Number(value) : null;
}

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FEATURES_KEY, metadataOf } from '../../src/vision/model-metadata.ts';
import { LARGEST_BYTES, openModel } from '../../src/vision/model-open.ts';
import type { WantedModel } from '../../src/vision/model-protocol.ts';
import { KINDS, refusalText } from '../../src/vision/model-protocol.ts';
import { openOnnxSession } from '../../src/vision/onnx-session.ts';
import type { ModelText } from './onnx-writer.ts';
import {
  CONSTANT,
  message,
  modelBytes,
  NAN,
  NO_SHARES,
  UNKNOWN_OPERATOR,
  weightsOf,
} from './onnx-writer.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'model-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const WIDTH = 4;

function wantedOf(file: string, more: Partial<WantedModel> = {}): WantedModel {
  return { file, sha256: null, schema: 'test-1', width: WIDTH, threads: 1, ...more };
}

let files = 0;
function save(bytes: Uint8Array): string {
  const file = join(folder, `${files++}.onnx`);
  writeFileSync(file, bytes);
  return file;
}

/** Text of the refusal, or '' where the file is taken. */
async function refusalOf(file: string, more: Partial<WantedModel> = {}): Promise<string> {
  const opened = await openModel(wantedOf(file, more), openOnnxSession);
  return opened.ok ? '' : refusalText(opened.refusal);
}

describe('opening a model', () => {
  it('takes one that works, and gives what it computes', async () => {
    const bytes = modelBytes({ metadata: { [FEATURES_KEY]: 'test-1', name: 'tiny' } });
    const opened = await openModel(wantedOf(save(bytes)), openOnnxSession);
    if (!opened.ok) throw new Error(refusalText(opened.refusal));
    expect(opened.facts).toMatchObject({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
      metadata: { name: 'tiny' },
      notes: [],
    });
    const rows = [Float32Array.of(1, 2, 3, 4), Float32Array.of(-4, 0, 4, 1)];
    const belief = await opened.judge(Float32Array.from(rows.flatMap((row) => [...row])), 2);
    const expected = rows.flatMap((row) => softmaxOf(row));
    expect(belief).toHaveLength(2 * KINDS);
    for (const [i, share] of expected.entries()) expect(belief[i]).toBeCloseTo(share, 5);
  });

  const refused: readonly [what: string, text: Partial<ModelText>, why: RegExp][] = [
    ['another width', { width: 7 }, /must have one input features float32 \[rows, 4\], has .* 7\]/],
    ['another input', { inputName: 'x1' }, /must have one input features .* has x1 float32/],
    ['another type', { inputType: 11 }, /must have one input features .* has features float64/],
    ['another output', { outputName: 'y1' }, /must have an output belief .* has y1 float32/],
    ['too few kinds', { kinds: 4 }, /must have an output belief float32 \[rows, 5\], has .* 4\]/],
    ['no features', { metadata: {} }, /does not say for which features it was trained/],
    [
      'other features',
      { metadata: { [FEATURES_KEY]: 'old' } },
      /was trained for the features old, this release computes test-1/,
    ],
    ['NaN', { body: NAN }, /answers nonsense: the share of fire is NaN/],
    ['no shares', { body: NO_SHARES }, /answers nonsense: the shares add up to \S+, not to 1/],
    ['an unknown operator', { body: UNKNOWN_OPERATOR }, /cannot be loaded: .*Foresee/],
  ];
  it.each(refused)('refuses %s', async (_, text, why) => {
    const file = save(modelBytes(text));
    const refusal = await refusalOf(file);
    expect(refusal).toMatch(why);
    expect(refusal.startsWith(`${file}: `)).toBe(true);
    expect(refusal).toMatch(/: .*(train it for this release|name another file)/);
  });

  it('refuses what is not there, no file, empty or too large', async () => {
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    const large = save(modelBytes());
    truncateSync(large, LARGEST_BYTES + 1);
    expect(await refusalOf(join(folder, 'none.onnx'))).toMatch(/is not there/);
    expect(await refusalOf(directory)).toMatch(/is no file/);
    expect(await refusalOf(save(new Uint8Array()))).toMatch(/is empty/);
    expect(await refusalOf(large)).toMatch(/has 20000001 bytes, at most 20000000/);
  });

  it('holds the digest against the configured one', async () => {
    const bytes = modelBytes();
    const file = save(bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(await refusalOf(file, { sha256: sha256.toUpperCase() })).toBe('');
    expect(await refusalOf(file, { sha256: 'a'.repeat(64) })).toMatch(
      new RegExp(`its SHA-256 is ${sha256}, not a{64} as configured: .*model.sha256`),
    );
  });

  it('takes a model that always says the same, and says so', async () => {
    const opened = await openModel(wantedOf(save(modelBytes({ body: CONSTANT }))), openOnnxSession);
    expect(opened.ok && opened.facts.notes).toEqual([
      'gives the same answer to every trial question',
    ]);
  });

  it('refuses a file cut short at any place', async () => {
    const bytes = modelBytes();
    for (let length = 1; length < bytes.length; length += 23) {
      expect(await refusalOf(save(bytes.subarray(0, length)))).not.toBe('');
    }
  });

  it('survives any damage: refused, or as good as whole', async () => {
    const whole = modelBytes();
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const opened = await openModel(wantedOf(save(bytes)), openOnnxSession);
        if (!opened.ok) expect(opened.refusal.problem).not.toBe('');
      }),
      { numRuns: 150 },
    );
  });
});

describe('metadata of a model', () => {
  it('is read whatever stands around it', () => {
    expect([...(metadataOf(modelBytes({ metadata: { a: '1', b: 'ü' } })) ?? [])]).toEqual([
      ['a', '1'],
      ['b', 'ü'],
    ]);
    const others = message([1, 8], [2, 'somebody'], [5, 3n ** 30n], [14, message([1, 'k'])]);
    expect(metadataOf(others)).toEqual(new Map([['k', '']]));
  });

  it('is none where the file ends within it', () => {
    const whole = message([1, 8], [14, message([1, 'key'], [2, 'value'])]);
    for (let length = 3; length < whole.length; length++) {
      expect(metadataOf(whole.subarray(0, length))).toBeNull();
    }
    expect(metadataOf(whole)).toEqual(new Map([['key', 'value']]));
  });

  it('of anything ends: entries, or null', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = metadataOf(bytes);
        expect(found === null || found instanceof Map).toBe(true);
      }),
    );
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), (metadata) => {
        const few = Object.fromEntries(Object.entries(metadata).slice(0, 60));
        expect(Object.fromEntries(metadataOf(modelBytes({ metadata: few })) ?? [])).toEqual(few);
      }),
    );
  });
});

function softmaxOf(row: Float32Array): number[] {
  const weights = weightsOf(WIDTH, KINDS);
  const sums = Array.from({ length: KINDS }, (_, k) =>
    row.reduce((sum, x, i) => sum + x * (weights[i * KINDS + k] ?? 0), 0),
  );
  const powers = sums.map((sum) => Math.exp(sum));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

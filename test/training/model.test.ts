import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCENE_KINDS } from '../../src/domain/opinion.ts';
import { FEATURE_NAMES, FEATURE_SCHEMA } from '../../src/vision/features.ts';
import { metadataOf } from '../../src/vision/model-metadata.ts';

const root = join(import.meta.dirname, '..', '..');
const weights = readFileSync(join(root, 'models/region-classifier.onnx'));
const described = JSON.parse(readFileSync(join(root, 'models/region-classifier.json'), 'utf8')) as {
  readonly sha256: string;
  readonly features: { readonly schema: string; readonly names: readonly string[] };
  readonly kinds: readonly string[];
  readonly sets: Readonly<Record<string, { readonly seed: number }>>;
  readonly figures: { readonly firesCalledHarmless: { readonly rightPercent: number } };
};

describe('the shipped model', () => {
  it('is the one that its description was written for', () => {
    expect(createHash('sha256').update(weights).digest('hex')).toBe(described.sha256);
    expect(readFileSync(join(root, 'docs/model-card.md'), 'utf8')).toContain(described.sha256);
  });

  it('was trained for the features that this release computes', () => {
    expect(described.features).toEqual({ schema: FEATURE_SCHEMA, names: [...FEATURE_NAMES] });
    expect(metadataOf(weights)?.get('embereye.features')).toBe(FEATURE_SCHEMA);
  });

  it('answers with the kinds in their order', () => {
    expect(described.kinds).toEqual([...SCENE_KINDS]);
    expect(metadataOf(weights)?.get('embereye.kinds')).toBe(SCENE_KINDS.join(','));
  });

  it('was judged on seeds that it had not learnt from, and let no fire pass', () => {
    const seeds = Object.values(described.sets).map(({ seed }) => seed);
    expect(new Set(seeds).size).toBe(seeds.length);
    expect(described.figures.firesCalledHarmless.rightPercent).toBeGreaterThanOrEqual(99.9);
  });
});

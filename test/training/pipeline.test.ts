import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { recordingsIn } from '../../training/recordings.ts';
import type { Recording } from '../../training/recordings.ts';
import { ROW_LENGTH, rowsOf } from '../../training/rows.ts';

const root = join(import.meta.dirname, '..', '..');
const python = ['/usr/bin/python3', 'python3'].find(
  (command) => spawnSync(command, ['-c', 'import numpy, onnx, torch']).status === 0,
);
const reason = python === undefined ? ' (skipped: no Python with numpy, onnx and torch)' : '';
const folder = mkdtempSync(join(tmpdir(), 'embereye-training-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** @returns what `generate.py` writes for a few recordings. */
function generated(count: number): Buffer {
  const args = ['training/generate.py', '--seed', '7', '--count', String(count)];
  const { stdout, status, stderr } = spawnSync(python ?? '', args, {
    cwd: root,
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return stdout;
}

async function recordingsOf(bytes: Buffer): Promise<Recording[]> {
  const list: Recording[] = [];
  // Pieces end anywhere, as those of a pipe do.
  const pieces = async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 65_537) yield bytes.subarray(at, at + 65_537);
  };
  for await (const recording of recordingsIn(pieces())) list.push(recording);
  return list;
}

describe.skipIf(python === undefined)(`training${reason}`, () => {
  it('draws the same scenes from the same seed', () => {
    expect(generated(2).equals(generated(2))).toBe(true);
  });

  it('reads recordings as they were written, and makes rows of what the detector finds', async () => {
    const recordings = await recordingsOf(generated(12));
    expect(recordings).toHaveLength(12);
    for (const { header, frames } of recordings) {
      expect(frames).toHaveLength(header.frames);
      expect(frames.every(({ celsius }) => celsius.length === 768)).toBe(true);
      const seconds = frames.map((frame) => frame.seconds);
      expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    }
    const rows = recordings.flatMap(rowsOf);
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.every((row) => row.length === ROW_LENGTH)).toBe(true);
    expect(rows.every((row) => row.subarray(6).every(Number.isFinite))).toBe(true);
  });

  it('names a stream that ends too early', async () => {
    const bytes = generated(1);
    await expect(recordingsOf(bytes.subarray(0, -5))).rejects.toThrow('make them again');
  });

  it('trains, exports and judges a small model twice with the same bytes', () => {
    const train = (out: string): { readonly onnx: Buffer; readonly card: string } => {
      const target = join(folder, out);
      const args = ['scripts/train.mjs', '--scale', '0.006', '--epochs', '1', '--out', target];
      const none = ['--data', join(folder, 'none')];
      const result = spawnSync(process.execPath, [...args, ...none], { cwd: root });
      expect(result.stderr.toString()).toBe('');
      const model = join(target, 'models/region-classifier.onnx');
      expect(existsSync(model)).toBe(true);
      return {
        onnx: readFileSync(model),
        card: readFileSync(join(target, 'docs/model-card.md'), 'utf8'),
      };
    };
    const [first, second] = [train('a'), train('b')];
    expect(first.onnx.equals(second.onnx)).toBe(true);
    expect(first.card).toBe(second.card);
  }, 120_000);
});

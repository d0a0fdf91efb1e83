/** A few real rounds: the proof itself works, and its children end with it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProofResult } from '../../bench/chaos/proof.ts';
import { buildEntry } from '../../scripts/build.mjs';

const hasBroker = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].some((at) => existsSync(at));
const why = hasBroker ? '' : ' (mosquitto is not installed)';

describe.skipIf(!hasBroker)(`real rounds of chaos${why}`, () => {
  let folder = '';
  let program = '';
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-chaos-test-'));
    program = await buildEntry('bench/chaos/main.ts');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['kill', 'broker'])(
    '%s: nothing is lost in two of them, and nothing stays behind',
    async (kind) => {
      const args = [program, '--kind', kind, '--rounds', '2', '--json', '--out', folder];
      const before = leftovers();
      const { code, text } = await ended(args);
      const [result] = JSON.parse(text) as ProofResult[];
      // A share of so few kills says nothing.
      const found = result?.violations.filter((line) => !line.startsWith('only ')) ?? ['no result'];
      expect(found).toEqual([]);
      expect(result).toMatchObject({ kind, rounds: 2, skipped: null, lost: 0, duplicates: 0 });
      expect(result?.moments.bins.length).toBeGreaterThan(0);
      expect([0, 1]).toContain(code);
      expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
    },
    // Seconds, on a machine that has nothing else to do.
    240_000,
  );

  it('an unknown kind is named with what there is', async () => {
    const { code } = await ended([program, '--kind', 'none']);
    expect(code).toBe(2);
  });
});

const leftovers = (): readonly string[] =>
  readdirSync(tmpdir()).filter((name) => /^embereye-chaos-[A-Za-z0-9]{6}$/.test(name));

function ended(args: readonly string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('close', (code) => resolve({ code, text }));
  });
}

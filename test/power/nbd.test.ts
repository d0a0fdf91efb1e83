/** The block server against QEMU's own client. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LossyBlocks } from '../../bench/power/lossy-blocks.ts';
import type { BlockServer } from '../../bench/power/nbd.ts';
import { serveBlocks } from '../../bench/power/nbd.ts';

const hasQemuIo = spawnSync('qemu-io', ['--version']).status === 0;
const title = `a served disk${hasQemuIo ? '' : ' (needs qemu-io: apt install qemu-utils)'}`;
const SIZE = 1024 * 1024;
const run = promisify(execFile);

describe.skipIf(!hasQemuIo)(title, () => {
  let folder = '';
  let file = '';
  let blocks: LossyBlocks;
  let server: BlockServer;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'embereye-nbd-'));
    file = join(folder, 'disk');
    writeFileSync(file, '');
    blocks = new LossyBlocks(file, SIZE);
    server = await serveBlocks(join(folder, 'sock'), blocks);
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** `abort` ends qemu-io as a machine whose power goes: without the flush of a clean end. */
  async function io(...commands: readonly string[]): Promise<string> {
    const address = `nbd+unix:///?socket=${join(folder, 'sock')}`;
    const words = commands.flatMap((command) => ['-c', command]);
    const args = ['-f', 'raw', '-t', 'none', ...words, address];
    try {
      return (await run('qemu-io', args)).stdout;
    } catch (error) {
      if (!commands.includes('abort')) throw error;
      return '';
    }
  }

  it('reads back what was written, at odd places too', async () => {
    const said = await io('write -P 7 1536 4096', 'read -P 7 1536 4096', 'read -P 0 0 1536');
    expect(said).not.toMatch(/fail/i);
    expect(said).toMatch(/read 4096\/4096/);
  });

  it('keeps what the client flushed', async () => {
    await io('write -P 5 0 65536', 'flush', 'write -P 9 0 32768', 'abort');
    expect(blocks.unflushedSectors).toBe(64);
    expect(blocks.cut(() => false)).toBe(64);
    expect(readFileSync(file).subarray(0, 65_536)).toEqual(Buffer.alloc(65_536, 5));
  });

  it('keeps a write with forced unit access', async () => {
    await io('write -f -P 3 4096 4096', 'write -P 4 8192 4096', 'abort');
    blocks.cut(() => false);
    const kept = readFileSync(file);
    expect(kept.subarray(4096, 8192)).toEqual(Buffer.alloc(4096, 3));
    expect(kept.subarray(8192, 12_288)).toEqual(Buffer.alloc(4096));
  });

  it('tells its size', async () => {
    const said = await io('length');
    expect(said).toMatch(/1 MiB/);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  MAX_LEGACY_BYTES,
  parsePublicKey,
  parseSignature,
  readTrustedKeys,
  verifyComment,
  verifyFile,
} from '../../src/update/minisign.ts';
import { Refused } from '../../src/update/refused.ts';
import { SigningKey } from './releases.ts';

const folder = mkdtempSync(join(tmpdir(), 'embereye-minisign-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'release');
const key = new SigningKey();
const other = new SigningKey('1112131415161718');
const trusted = [key, other].map((one, i) => parsePublicKey(one.publicText, `key-${i}`));
const content = Buffer.from('what was signed');

const check = (text: string, keys = trusted) => verifyFile(path, parseSignature(text, 'sig'), keys);

describe('signatures of minisign', () => {
  it.each([true, false])('a file that a trusted key signed (prehashed: %s)', async (prehashed) => {
    writeFileSync(path, content);
    for (const [i, one] of [key, other].entries()) {
      const verified = await check(one.signature(content, 'embereye 1.2.3 linux-x64', prehashed));
      expect(verified).toMatchObject({
        keyName: `key-${i}`,
        trustedComment: 'embereye 1.2.3 linux-x64',
      });
    }
  });

  it('any change of file, signature, comment or key is refused', async () => {
    const text = key.signature(content, 'comment');
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = Buffer.from(content);
        const i = at % changed.length;
        changed[i] = (changed[i] ?? 0) ^ by;
        writeFileSync(path, changed);
        await expect(check(text)).rejects.toThrow(Refused);
      }),
      { numRuns: 30 },
    );
    writeFileSync(path, content);
    await check(text);
    const [head = '', line = '', trustedLine = '', global = ''] = text.split('\n');
    const flipped = (encoded: string, at: number): string => {
      const bytes = Buffer.from(encoded, 'base64');
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1;
      return bytes.toString('base64');
    };
    for (let at = 0; at < 74; at += 1) {
      const spoilt = [head, flipped(line, at), trustedLine, global].join('\n');
      await expect((async () => check(spoilt))()).rejects.toThrow(Refused);
    }
    for (let at = 0; at < 64; at += 1) {
      const spoilt = [head, line, trustedLine, flipped(global, at)].join('\n');
      await expect((async () => check(spoilt))()).rejects.toThrow('trusted comment');
    }
    const renamed = [head, line, 'trusted comment: another', global].join('\n');
    await expect(check(renamed)).rejects.toThrow('changed the signature file');
  });

  it('a signature of nobody who is trusted names the key, and what to do', async () => {
    const stranger = new SigningKey('aabbccddeeff0011');
    writeFileSync(path, content);
    const refusal = check(stranger.signature(content, 'x'));
    await expect(refusal).rejects.toThrow(/1100FFEEDDCCBBAA.*not trusted.*release-keys/);
    await expect(check(key.signature(content, 'x'), [])).rejects.toThrow('trusted: none');
    // One that only claims the id of a trusted key.
    const liar = new SigningKey('0102030405060708');
    await expect(check(liar.signature(content, 'x'))).rejects.toThrow(Refused);
  });

  it('two keys of one id: each of them counts', async () => {
    writeFileSync(path, content);
    const twin = new SigningKey('0102030405060708');
    const keys = [...trusted, parsePublicKey(twin.publicText, 'twin')];
    expect((await check(twin.signature(content, 'x'), keys)).keyName).toBe('twin');
  });

  it('the comment can be believed before the file is there', () => {
    const signed = parseSignature(key.signature(content, 'embereye 2.0.0 linux-arm64'), 'sig');
    expect(verifyComment(signed, trusted).trustedComment).toBe('embereye 2.0.0 linux-arm64');
  });

  it('what is no signature is refused in words, never otherwise', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 300 })), (text) => {
        expect(() => parseSignature(text, 'sig')).toThrow(Refused);
        expect(() => parsePublicKey(text, 'key')).toThrow(Refused);
      }),
    );
    const text = key.signature(content, 'x');
    fc.assert(
      fc.property(fc.nat({ max: text.length - 2 }), (length) => {
        expect(() => parseSignature(text.slice(0, length), 'sig')).toThrow(Refused);
      }),
    );
    expect(() => parseSignature(`${text}more\n`, 'sig')).toThrow('goes on');
  });

  it('an old signature of a large file is refused with the remedy', async () => {
    const large = Buffer.alloc(MAX_LEGACY_BYTES + 1);
    writeFileSync(path, large);
    await expect(check(key.signature(large, 'x', false))).rejects.toThrow('without -l');
    expect(await check(key.signature(large, 'x'))).toMatchObject({ keyName: 'key-0' });
  });

  it('keys are read from folders; what is none is told and takes nothing from the others', () => {
    writeFileSync(join(folder, 'good.pub'), key.publicText);
    writeFileSync(join(folder, 'bad.pub'), 'nonsense');
    const { keys, problems } = readTrustedKeys([folder, join(folder, 'absent')]);
    expect(keys.map(({ id }) => id)).toEqual(['0807060504030201']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('bad.pub is no public key');
  });

  const hasMinisign = spawnSync('minisign', ['-v']).status === 0;
  describe.skipIf(!hasMinisign)('the real program (minisign is installed)', () => {
    const at = (name: string): string => join(folder, name);
    const signed = (args: readonly string[]): string => {
      writeFileSync(at('file'), content);
      execFileSync('minisign', ['-G', '-W', '-f', '-p', at('real.pub'), '-s', at('real.key')]);
      const out = ['-x', at('file.minisig'), '-m', at('file'), '-s', at('real.key')];
      execFileSync('minisign', ['-S', '-t', 'embereye 1.0.0 linux-x64', ...args, ...out]);
      return readFileSync(at('file.minisig'), 'utf8');
    };

    it.each([[[]], [['-l']]])('signs, and we verify (%j)', async (args) => {
      const signature = parseSignature(signed(args), 'real');
      expect(signature.prehashed).toBe(args.length === 0);
      const real = parsePublicKey(readFileSync(at('real.pub'), 'utf8'), 'real');
      const shown = readFileSync(at('real.pub'), 'utf8');
      // It leaves zeros before the number out.
      expect(shown).toContain(`public key ${real.id.replace(/^0+/, '')}`);
      const { trustedComment } = await verifyFile(at('file'), signature, [real]);
      expect(trustedComment).toBe('embereye 1.0.0 linux-x64');
    });

    it('verifies what the tests sign', () => {
      writeFileSync(at('file'), content);
      writeFileSync(at('ours.pub'), key.publicText);
      writeFileSync(at('file.minisig'), key.signature(content, 'embereye 1.0.0 linux-x64'));
      const args = ['-V', '-p', at('ours.pub'), '-m', at('file')];
      expect(execFileSync('minisign', args).toString()).toContain('embereye 1.0.0 linux-x64');
    });
  });
});

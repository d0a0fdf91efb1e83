/** Labels: what stands on them, and that a reader of QR codes agrees. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawable, hasInk } from '../../scripts/provision/label-font.ts';
import { labelPdf } from '../../scripts/provision/label-pdf.ts';
import { labelPng } from '../../scripts/provision/label-png.ts';
import type { LabelText } from '../../scripts/provision/label.ts';
import {
  DEFAULT_LABEL_SIZE,
  labelUri,
  layLabel,
  parseLabelSize,
} from '../../scripts/provision/label.ts';
import {
  CLAIM_BYTES,
  claimCode,
  claimMatches,
  claimRecord,
  readClaim,
} from '../../src/identity/claim.ts';
import { Bench, NOW_MS } from './bench.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const hasZbar = has('zbarimg');
const hasPoppler = has('pdftoppm');

const LABEL: LabelText = {
  deviceId: 'muenchen_lager-07',
  name: 'Halle 7, Tor Süd',
  site: 'Muster GmbH, München',
  claim: '7QXC-M0ZT-9F4B-K2VE',
  authorityFingerprint: '0123456789abcdef'.repeat(4),
};
const LONG: LabelText = { ...LABEL, deviceId: 'a'.repeat(48), name: 'x'.repeat(60) };

let bench: Bench;
beforeEach(() => (bench = new Bench()));
afterEach(() => bench.remove());

function decoded(picture: string): string {
  const { stdout } = spawnSync('zbarimg', ['--raw', '-q', picture], { encoding: 'utf8' });
  return stdout.trim();
}

describe('the label of a unit', () => {
  it.skipIf(!hasZbar).each([
    ['62x29', LABEL],
    ['62x29', LONG],
    ['40x20', LABEL],
    ['102x152', LABEL],
  ])('as PNG of %s mm is read by zbarimg', (size, label) => {
    writeFileSync(bench.at('label.png'), labelPng(label, parseLabelSize(size)));
    expect(decoded(bench.at('label.png'))).toBe(labelUri(label));
  });

  it.skipIf(!hasZbar || !hasPoppler)('as PDF has a page each, at its size', async () => {
    const pdf = await labelPdf([LABEL, LONG], DEFAULT_LABEL_SIZE, NOW_MS);
    writeFileSync(bench.at('label.pdf'), pdf);
    spawnSync('pdftoppm', ['-png', '-r', '300', bench.at('label.pdf'), bench.at('page')]);
    expect(decoded(bench.at('page-1.png'))).toBe(labelUri(LABEL));
    expect(decoded(bench.at('page-2.png'))).toBe(labelUri(LONG));
    const info = spawnSync('pdfinfo', [bench.at('label.pdf')], { encoding: 'utf8' }).stdout;
    expect(info).toMatch(/Page size: +175\.7\d* x 82\.2\d* pts/);
    const text = spawnSync('pdftotext', [bench.at('label.pdf'), '-'], { encoding: 'utf8' }).stdout;
    for (const word of ['Halle 7, Tor Süd', 'muenchen_lager-07', '7QXC-M0ZT-9F4B-K2VE']) {
      expect(text).toContain(word);
    }
  });

  it('is the same each time, and a PNG knows its size', async () => {
    const png = Buffer.from(labelPng(LABEL, DEFAULT_LABEL_SIZE));
    expect(png.equals(Buffer.from(labelPng(LABEL, DEFAULT_LABEL_SIZE)))).toBe(true);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([732, 343]);
  });

  it('that is too small is refused with the size that would do', () => {
    expect(() => layLabel(LABEL, parseLabelSize('20x10'))).toThrow(/too small .* at least \d+x\d+/);
    expect(() => parseLabelSize('62 x 29')).toThrow('such as 62x29');
  });

  it('spells what it cannot draw, and draws every letter of an id and a claim', () => {
    expect(drawable('Straße Ærø, Łódź ①')).toBe('Strasse AEro, Lodz ?');
    for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789_-ABCDEFGHJKMNPQRSTVWXYZ') {
      const dots = Array.from({ length: 45 }, (_, i) => hasInk(letter, Math.floor(i / 5), i % 5));
      expect(dots.some(Boolean), letter).toBe(true);
      expect(drawable(letter)).toBe(letter);
    }
  });

  it('leaves the code out where nobody knows it any more', () => {
    expect(labelUri({ ...LABEL, claim: null })).not.toContain('code');
  });
});

describe('a claim code', () => {
  const code = claimCode(new Uint8Array(CLAIM_BYTES).map((_, i) => i * 37));
  const record = claimRecord(code, new Uint8Array(16).fill(7), '2026-11-23T00:00:00.000Z');

  it('is kept as a hash, and found again however it is typed', () => {
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(JSON.stringify(record)).not.toContain(code);
    expect(claimMatches(code, record)).toBe(true);
    const sloppy = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o')} `;
    expect(claimMatches(sloppy, record)).toBe(true);
    expect(
      claimMatches(
        code.replace(/.$/, (last) => (last === '2' ? '3' : '2')),
        record,
      ),
    ).toBe(false);
  });

  it('is read back only in this version, at bearable cost', () => {
    expect(readClaim(JSON.stringify(record))).toEqual(record);
    expect(readClaim('{}')).toBeNull();
    expect(readClaim('no')).toBeNull();
    expect(readClaim(JSON.stringify({ ...record, n: 2 ** 30 }))).toBeNull();
    expect(readClaim(JSON.stringify({ ...record, n: 1 }))).toBeNull();
  });
});

import { describe, expect, it } from 'vitest';
import { parseAllowList, plainAddress } from '../../src/ingest/allow-list.ts';

function allows(entries: readonly string[], address: string): boolean {
  const list = parseAllowList(entries);
  if (!list.ok) throw new Error(list.errors.join());
  return list.allows(address);
}

describe('allow-list', () => {
  it('allows everyone when it is empty', () => {
    expect(allows([], '203.0.113.9')).toBe(true);
  });

  it.each([
    ['192.168.1.20', true],
    ['192.168.1.21', false],
    ['10.1.2.3', true],
    ['11.1.2.3', false],
    ['fd00::17', true],
    ['fe80::1', false],
    ['unknown', false],
  ])('judges %s by addresses and networks', (address, expected) => {
    expect(allows(['192.168.1.20', '10.0.0.0/8', 'fd00::/8'], address)).toBe(expected);
  });

  it('reports every entry that is no address or network', () => {
    const bad = ['10.0.0.0/33', 'hall', '10.0.0.1/8/8', '', '1.2.3/8', '10.0.0.0/x'];
    const list = parseAllowList([...bad, '10.0.0.1']);
    expect(list.ok).toBe(false);
    expect(list.ok ? [] : list.errors).toHaveLength(bad.length);
  });

  it('spells IPv4 clients of an IPv6 socket as IPv4', () => {
    expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('fd00::1')).toBe('fd00::1');
    expect(plainAddress(undefined)).toBe('unknown');
  });
});

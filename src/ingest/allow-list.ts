/** Which clients may connect: single addresses and networks in CIDR notation. */
import { BlockList, isIP } from 'node:net';

export type AllowListResult =
  | { readonly ok: true; readonly allows: (address: string) => boolean }
  | { readonly ok: false; readonly errors: readonly string[] };

/**
 * @param entries `192.168.1.20`, `192.168.1.0/24`, `fd00::/8`, ...; none at all allows everyone
 */
export function parseAllowList(entries: readonly string[]): AllowListResult {
  const list = new BlockList();
  const errors: string[] = [];
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.trim().split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : Number(bits);
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && prefix <= most);
    if (version === 0 || !isPrefix || rest.length > 0) {
      errors.push(`"${entry}" is neither an address nor a network like 192.168.1.0/24`);
    } else list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
  if (errors.length > 0) return { ok: false, errors };
  if (entries.length === 0) return { ok: true, allows: () => true };
  return {
    ok: true,
    allows: (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  };
}

/** One spelling per client: IPv4 clients of an IPv6 socket as plain IPv4. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

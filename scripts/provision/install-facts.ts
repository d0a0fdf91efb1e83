/** What a Pi is before anything is installed on it: asked in one go, and read strictly. */
import type { SshHost } from './ssh.ts';
import { refusal } from './trouble.ts';

export interface UnitFacts {
  /** `dpkg --print-architecture`: of the programs, which the kernel's may differ from. */
  readonly architecture: string;
  readonly machine: string;
  readonly osId: string;
  readonly osRelease: string;
  readonly osName: string;
  readonly hasSystemd: boolean;
  readonly rootFreeMib: number;
  readonly temporaryFreeMib: number;
  /** Milliseconds since 1970, by the unit's clock. */
  readonly nowMs: number;
  readonly synchronised: boolean;
  /** Version of the package; null: it is not installed. */
  readonly installed: string | null;
  /** A package that was unpacked and not configured: the last installation broke off. */
  readonly halfInstalled: boolean;
  /** SHA-256 by absolute path, of what install may write. */
  readonly sums: ReadonlyMap<string, string>;
  readonly device: { readonly deviceId: string; readonly enrolledAt: string } | null;
  readonly active: boolean;
  readonly enabled: boolean;
}

/** POSIX sh; prints `name=value` lines, and `sum=HEX NAME` below /etc/embereye. Only looks. */
const SCRIPT = `
p() { printf '%s=%s\\n' "$1" "$2"; }
free() { df -Pk "$1" 2>/dev/null | awk 'NR==2 { print int($4/1024) }'; }
p machine "$(uname -m)"
p architecture "$(dpkg --print-architecture 2>/dev/null)"
. /etc/os-release 2>/dev/null
p osId "\${ID:-}"; p osRelease "\${VERSION_CODENAME:-}"; p osName "\${PRETTY_NAME:-}"
p systemd "$(command -v systemctl >/dev/null && echo yes)"
p rootFree "$(free /)"; p temporaryFree "$(free /var/tmp)"
p now "$(date +%s)"
p synchronised "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)"
p installed "$(dpkg-query -W -f '\${db:Status-Status} \${Version}' embereye 2>/dev/null)"
for f in /etc/embereye/appliance.yaml /etc/embereye/broker-password /etc/embereye/identity/*; do
  [ -f "$f" ] && p sum "$(sha256sum < "$f" | cut -d' ' -f1) \${f#/etc/embereye/}"
done
p device "$(cat /etc/embereye/identity/device.json 2>/dev/null)"
p active "$(systemctl is-active embereye.service 2>/dev/null)"
p enabled "$(systemctl is-enabled embereye.service 2>/dev/null)"
`;

/** @throws Trouble where the answer is none. */
export async function askFacts(host: SshHost): Promise<UnitFacts> {
  const { out, err } = await host.runAsRoot(SCRIPT);
  const facts = readFacts(out);
  if (facts === null) {
    throw refusal(`${host.name} does not answer like a Debian system: ${err.trim() || out.trim()}`);
  }
  return facts;
}

/** Null where it does not come from the script above. */
export function readFacts(text: string): UnitFacts | null {
  const lines = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()] as const];
  });
  const value = (name: string): string => lines.find(([key]) => key === name)?.[1] ?? '';
  const sums = lines.flatMap(([key, sum]) => {
    const [hex = '', name = ''] = sum.split(' ');
    return key === 'sum' ? [[`/etc/embereye/${name}`, hex] as const] : [];
  });
  const [status = '', version = ''] = value('installed').split(' ');
  const nowSeconds = Number(value('now'));
  if (value('machine') === '' || !Number.isFinite(nowSeconds) || nowSeconds <= 0) return null;
  return {
    architecture: value('architecture'),
    machine: value('machine'),
    ...{ osId: value('osId'), osRelease: value('osRelease'), osName: value('osName') },
    hasSystemd: value('systemd') === 'yes',
    rootFreeMib: Number(value('rootFree')) || 0,
    temporaryFreeMib: Number(value('temporaryFree')) || 0,
    nowMs: nowSeconds * 1000,
    synchronised: value('synchronised') === 'yes',
    installed: status === 'installed' ? version : null,
    halfInstalled: ['unpacked', 'half-installed', 'half-configured'].includes(status),
    sums: new Map(sums),
    device: deviceOf(value('device')),
    active: value('active') === 'active',
    enabled: value('enabled') === 'enabled',
  };
}

function deviceOf(text: string): UnitFacts['device'] {
  try {
    const raw = JSON.parse(text) as { readonly deviceId?: unknown; readonly enrolledAt?: unknown };
    const { deviceId, enrolledAt } = raw;
    if (typeof deviceId !== 'string') return null;
    return { deviceId, enrolledAt: typeof enrolledAt === 'string' ? enrolledAt : '' };
  } catch {
    // None, or damaged: the identity that is brought replaces it.
    return null;
  }
}

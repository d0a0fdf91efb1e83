// Brings a fresh checkout to where it can build, run and test: the locked packages, and the system
// parts that native packages and the integration tests need. Does nothing where all is in place.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const COMPILERS = [
  { command: 'g++', apt: 'g++' },
  { command: 'make', apt: 'make' },
  { command: 'python3', apt: 'python3' },
];
/** Not openssh-server: it would open a port of whoever runs the tests. */
const TEST_PARTS = [
  { command: 'mosquitto', apt: 'mosquitto' },
  { command: 'socat', apt: 'socat' },
  { command: 'minisign', apt: 'minisign' },
  { command: 'shellcheck', apt: 'shellcheck' },
  { command: 'nft', apt: 'nftables' },
  { command: 'zbarimg', apt: 'zbar-tools' },
  { command: 'pdftoppm', apt: 'poppler-utils' },
  { command: 'mcopy', apt: 'mtools' },
  { command: 'qemu-io', apt: 'qemu-utils' },
];

/** What only single proofs need, by the name of the Debian package. */
const PROOF_PARTS = {
  'nats-server': { command: 'nats-server', apt: 'nats-server' },
  postgresql: { command: 'pg_ctlcluster', apt: 'postgresql' },
  nftables: { command: 'nft', apt: 'nftables' },
  iproute2: { command: 'ip', apt: 'iproute2' },
  e2fsprogs: { command: 'mkfs.ext4', apt: 'e2fsprogs' },
  libfaketime: { command: 'faketime', apt: 'faketime' },
  'qemu-system-arm': { command: 'qemu-system-aarch64', apt: 'qemu-system-arm' },
};

const isInstalled = (command) =>
  `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`
    .split(delimiter)
    .some((folder) => folder !== '' && existsSync(join(folder, command)));

/** The words that run a command as root, or null where neither root nor sudo without questions is. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    ? ['sudo', '-n']
    : null;
}

/** Installs what is missing where it can; returns the Debian packages that are still missing. */
function installSystemParts(parts) {
  const missing = parts.filter((part) => !isInstalled(part.command));
  if (missing.length === 0) return [];
  const names = missing.map((part) => part.apt);
  const prefix = asRoot();
  if (prefix === null || !isInstalled('apt-get')) return names;
  console.log(`setup: installing ${names.join(', ')}`);
  const apt = (...args) => {
    const [command, ...rest] = [...prefix, 'apt-get', ...args];
    return spawnSync(command, rest, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status;
  };
  apt('update', '-q');
  apt('install', '-y', '-q', '--no-install-recommends', ...names);
  return parts.filter((part) => !isInstalled(part.command)).map((part) => part.apt);
}

function lockHash() {
  const hash = createHash('sha256');
  hash.update(readFileSync(join(root, 'package-lock.json')));
  // Native parts are compiled for one Node release line.
  hash.update(`${process.versions.modules} ${process.arch}`);
  return hash.digest('hex');
}

function installPackages() {
  const stamp = join(root, 'node_modules', '.setup-stamp');
  const wanted = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const missing = installSystemParts(COMPILERS);
  if (missing.length > 0) {
    console.error(
      `setup: native packages need a compiler; install it first: sudo apt-get install -y ${missing.join(' ')}`,
    );
    process.exit(1);
  }
  console.log('setup: installing the locked packages (native parts compile for a minute or two)');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  writeFileSync(stamp, wanted);
}

/**
 * Packages first; with `tests` also the programs that integration tests talk to.
 * @param parts names of `PROOF_PARTS` that a single proof needs besides.
 */
export function setup({ tests, parts = [] }) {
  installPackages();
  if (!tests) return;
  const missing = installSystemParts([...TEST_PARTS, ...parts.map((name) => PROOF_PARTS[name])]);
  if (missing.length > 0) {
    console.log(
      `setup: not installed: ${missing.join(', ')}; the tests that need them report themselves skipped`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup({ tests: process.argv.includes('--tests') });
}

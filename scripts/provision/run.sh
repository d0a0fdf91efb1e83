#!/bin/sh
# Runs a command of the provision tool: the one file beside this script that a release ships, else
# the checkout. The scripts flash, batch, enrol, ca, install, verify and retire call it.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd)
bundle=$here/embereye-provision.mjs

missing() {
  echo "provision: $1" >&2
  exit 4
}

if [ -f "$bundle" ]; then
  # A release brings its Node; it may be one for a unit and not for this machine.
  node=$here/../bin/node
  "$node" --version >/dev/null 2>&1 || node=$(command -v node) ||
    missing 'Node.js is not installed; install Node 20 or newer: sudo apt-get install nodejs'
  exec "$node" "$bundle" "$@"
fi

command -v npm >/dev/null 2>&1 ||
  missing 'npm is not installed; install it: sudo apt-get install nodejs npm'
EMBEREYE_PROVISION_CWD=$(pwd)
export EMBEREYE_PROVISION_CWD
exec npm --prefix "$here/../.." run --silent provision -- "$@"

#!/bin/sh
# install.sh FOLDER_OF_NODE
# The npm package that SMPP is tested against, as its lock file names it. Where npm or the registry is out of reach, says
# so and succeeds all the same: the other tests run, and those of SMPP skip or, in CI, fail.
set -u

node=$1/bin/node
npm=$1/lib/node_modules/npm/bin/npm-cli.js
cd "$(dirname "$0")"
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0
echo "Installing the npm package smpp for the tests of SMPP …"
log=$(mktemp)
"$node" "$npm" ci --omit=dev --ignore-scripts --no-audit --no-fund >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    echo "npm could not install it. SMPP is not tested against another implementation." >&2
}
rm -f "$log"

#!/usr/bin/env bash
# Prints a folder with the node_modules of e2e/cdk_app (the CDK and its command),
# made with npm when it is first asked for.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
modules=${STEPWELL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stepwell}/e2e-modules
stamp=$modules/$(sha256sum "$here/e2e/cdk_app/package.json" | cut -c1-16)
if [ ! -e "$stamp" ]; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp "$here/e2e/cdk_app/package.json" "$modules"
  (cd "$modules" && npm install --no-audit --no-fund --loglevel=error) >&2
  touch "$stamp"
fi
echo "$modules"

#!/usr/bin/env bash
# Real clients against a running server: e2e.sh STEPWELL [pytest arguments].
# The clients live in a Python environment of their own, made once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stepwell=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
clients=${STEPWELL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stepwell}/e2e-clients
stamp=$clients/$(sha256sum "$here/e2e/requirements.txt" | cut -c1-16)
if [ ! -e "$stamp" ]; then
  rm -rf "$clients"
  python3 -m venv "$clients"
  "$clients/bin/pip" install --quiet --disable-pip-version-check -r "$here/e2e/requirements.txt"
  touch "$stamp"
fi
exec env STEPWELL="$stepwell" PATH="$clients/bin:$PATH" "$clients/bin/python" -m pytest -q -p no:cacheprovider "$here/e2e" "$@"

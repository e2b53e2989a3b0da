#!/usr/bin/env bash
# Prints the folder of a Python environment with the real clients (boto3, AWS
# CLI, drivers), made when it is first asked for; clients.sh SET takes
# requirements-SET.txt instead of requirements.txt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
clients=${STEPWELL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stepwell}/e2e-clients${1:+-$1}
set_of=$here/e2e/requirements${1:+-$1}.txt
stamp=$clients/$(sha256sum "$set_of" | cut -c1-16)
if [ ! -e "$stamp" ]; then
  rm -rf "$clients"
  python3 -m venv "$clients" >&2
  "$clients/bin/pip" install --quiet --disable-pip-version-check -r "$set_of" >&2
  touch "$stamp"
fi
echo "$clients"

#!/usr/bin/env bash
# TPC-DS and TPC-H: tpc.sh data [SCALE] prints the folder with the generated data
# and queries, made when it is first asked for; tpc.sh run STEPWELL [SCALE] loads
# them into a server and compares its answers with DuckDB's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=$("$here/clients.sh" tpc)/bin/python

data() {
  local folder stamp
  folder=${STEPWELL_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/stepwell}/tpc/sf$1
  stamp=$folder/$(cat "$here"/tpc/*.sql "$here/tpc/generate.py" "$here/tpc/dialect.py" "$here/e2e/requirements-tpc.txt" | sha256sum | cut -c1-16)
  if [ ! -e "$stamp" ]; then
    rm -rf "$folder"
    "$python" -B "$here/tpc/generate.py" "$folder" "$1" >&2
    touch "$stamp"
  fi
  echo "$folder"
}

case $1 in
data) data "${2:-1}" ;;
run) "$python" -B "$here/tpc/run.py" "$2" "$(data "${3:-1}")" ;;
esac

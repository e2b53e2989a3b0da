#!/usr/bin/env bash
# Replays the recorded and documented answers against a fresh server, and judges
# what fails by the lists in conformance/: conformance.sh STEPWELL FOLDER [asl|jsonata|redshift]...
# Skips, saying so, where the folder is absent.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stepwell=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cases=$2
shift 2
if [ ! -d "$cases" ]; then
  echo "skipped: no conformance data at $cases"
  exit 0
fi
cases=$(cd "$cases" && pwd)
[ $# -gt 0 ] || set -- asl jsonata redshift
status=0

jsonata() { # needs no server
  echo "JSONata: the test suite of the reference implementation"
  (cd "$here/.." && STEPWELL_SHARED=$(dirname "$cases") go test -count 1 -v -run '^TestConformance$' ./internal/asl/jsonata) |
    sed -n -e 's/^ *conformance_test.go:[0-9]*: /  /p' -e '/^FAIL/p' || status=1
}

serve() {
  data=$(mktemp -d)
  trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$data"' EXIT
  "$stepwell" serve --data-dir "$data/server" --listen 127.0.0.1:0 --redshift 127.0.0.1:0 >"$data/out" 2>"$data/err" &
  server=$!
  for _ in $(seq 100); do
    grep -q ^Ready "$data/out" && break
    sleep 0.1
  done
  endpoint=$(awk '/^AWS endpoint/ {print $3}' "$data/out")
  warehouse=$(awk '/^Redshift/ {print $2}' "$data/out")
}

# run TITLE LIST COMMAND...: the runner's own status and report are not asked, its results are
run() {
  local title=$1 list=$2
  shift 2
  rm -f "$data/results"
  "$@" --json "$data/results" >"$data/report" 2>&1 || true
  if [ ! -s "$data/results" ]; then
    cat "$data/report"
    status=1
    return
  fi
  python3 -B "$here/conformance/verdict.py" "$title" "$here/conformance/$list" "$data/results" || status=1
}

asl() {
  local clients options=(--endpoint "$endpoint" --cases "$cases/asl/cases.jsonl" --account 123456789012)
  clients=$("$here/clients.sh")
  run "Step Functions: recorded answers, cases that need no other service" asl-pure.list \
    python3 -B "$cases/asl/runner.py" "${options[@]}" --only-pure
  run "Step Functions: recorded answers, cases that need services that are served here" asl-needs.list \
    "$clients/bin/python" -B "$here/conformance/asl_needs.py" "$cases/asl" "${options[@]}"
  sed -n 's/^with /  with /p' "$data/report"
}

redshift() {
  run "Redshift: documented examples without spatial and ml; what fails to parse, differs from reliable rows, or should fail" redshift.list \
    python3 -B "$cases/redshift/runner.py" --host "${warehouse%:*}" --port "${warehouse##*:}" --db dev --user awsuser --password x \
    --cases "$cases/redshift/cases.jsonl" --exclude-area spatial,ml
  awk '/^total / || /^all / {sub(/ *\| *$/, ""); print "  " $0}' "$data/report"
}

[ "$*" = jsonata ] || serve
for suite in "$@"; do
  "$suite"
done
exit "$status"

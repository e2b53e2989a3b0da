#!/usr/bin/env bash
# Replays the recorded and documented answers against a fresh server:
# conformance.sh STEPWELL FOLDER. Skips, saying so, where the folder is absent.
set -euo pipefail
stepwell=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cases=$2
if [ ! -d "$cases" ]; then
  echo "skipped: no conformance data at $cases"
  exit 0
fi
data=$(mktemp -d)
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$data"' EXIT
"$stepwell" serve --data-dir "$data/server" --listen 127.0.0.1:0 --redshift 127.0.0.1:0 >"$data/out" 2>"$data/err" &
server=$!
for _ in $(seq 100); do
  grep -q ^Ready "$data/out" && break
  sleep 0.1
done
endpoint=$(awk '/^AWS endpoint/ {print $3}' "$data/out")
redshift=$(awk '/^Redshift/ {print $2}' "$data/out")

# What passes must not get less: each floor is what passed when it was written.
asl_floor=425
redshift_floor=250

echo "Step Functions: recorded answers, cases that need no other service"
python3 "$cases/asl/runner.py" --endpoint "$endpoint" --cases "$cases/asl/cases.jsonl" --only-pure --account 123456789012 |
  tee "$data/asl" || true # its status says only whether every single case passed
echo "Redshift: documented examples"
python3 "$cases/redshift/runner.py" --host "${redshift%:*}" --port "${redshift##*:}" --db dev --user awsuser --password x \
  --cases "$cases/redshift/cases.jsonl" --exclude-area spatial,ml | tee "$data/redshift"

asl=$(awk '/^ALL / {split($2, a, "/"); print a[1]}' "$data/asl")
identical=$(awk -F'|' '/^all / {split($2, a, " "); print a[3]}' "$data/redshift")
echo "Step Functions: $asl cases as recorded, floor $asl_floor. Redshift: $identical answers identical, floor $redshift_floor."
[ "${asl:-0}" -ge "$asl_floor" ] && [ "${identical:-0}" -ge "$redshift_floor" ]

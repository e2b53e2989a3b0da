#!/usr/bin/env bash
# Real clients against a running server: e2e.sh STEPWELL [pytest arguments].
# E2E_CLIENTS=clients or dbt runs the tests of that mark, with the Python
# environment of its requirements; without it all others run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
stepwell=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
set_of=${E2E_CLIENTS:-}
clients=$("$here/clients.sh" $set_of)
mark=${set_of:-not clients and not dbt}
files=("$here/e2e")
if [ -z "$set_of" ]; then # the CDK and what its app imports
  CDK_MODULES=$("$here/modules.sh")
  export CDK_MODULES
fi
if [ -n "$set_of" ]; then # the others import what this environment has not
  mapfile -t files < <(grep -l "pytest.mark.$set_of" "$here"/e2e/test_*.py)
fi
exec env STEPWELL="$stepwell" PATH="$clients/bin:$PATH" "$clients/bin/python" -m pytest -q -p no:cacheprovider -m "$mark" "${files[@]}" "$@"

#!/bin/bash
# As the scenarios' others: tests/scenarios/NAME.py.
cd "$(dirname "$0")/../.." || exit 1
[ -n "$ENROLLD" ] || ${MAKE:-make} -s -j"${JOBS:-2}" SAN=1 build > /dev/null || { echo "not ok - the sanitized programs build"; exit 1; }
exec python3 "tests/scenarios/$(basename "$0" .sh).py" "$@"

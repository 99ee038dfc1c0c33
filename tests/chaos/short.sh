#!/bin/bash
# The short forms of `make chaos`, against the sanitized programs, as a step of `make test`.
cd "$(dirname "$0")/../.." || exit 1
[ -n "$ENROLLD" ] || ${MAKE:-make} -s -j"${JOBS:-2}" SAN=1 build next > /dev/null || { echo "not ok - the sanitized programs build"; exit 1; }
exec tests/chaos/run.py --short "$@"

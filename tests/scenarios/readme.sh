#!/bin/bash
# Against the plain programs: they are what `make run` starts.
cd "$(dirname "$0")/../.." || exit 1
${MAKE:-make} -s -j"${JOBS:-2}" build > /dev/null || { echo "not ok - the programs build"; exit 1; }
ENROLLD=${ENROLLD:-$PWD/build/enrolld} exec python3 tests/scenarios/readme.py "$@"

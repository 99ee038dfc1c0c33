#!/bin/bash
# Floods on the real programs, with their cost: tests/security/floods.py. Debian's python has python3-h2.
cd "$(dirname "$0")/../.." || exit 1
[ -n "$ENROLLD" ] || ${MAKE:-make} -s -j"${JOBS:-2}" build > /dev/null || { echo "not ok - the programs build"; exit 1; }
ENROLLD=${FLOOD_ENROLLD:-$PWD/build/enrolld} exec /usr/bin/python3 tests/security/floods.py "$@"

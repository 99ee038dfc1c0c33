#!/bin/bash
# What an attacker would try by hand, on the real programs: tests/security/attacks.py. Debian's python has python3-h2.
cd "$(dirname "$0")/../.." || exit 1
[ -n "$ENROLLD" ] || ${MAKE:-make} -s -j"${JOBS:-2}" build > /dev/null || { echo "not ok - the programs build"; exit 1; }
ENROLLD=${ATTACK_ENROLLD:-$PWD/build/enrolld} exec /usr/bin/python3 tests/security/attacks.py "$@"

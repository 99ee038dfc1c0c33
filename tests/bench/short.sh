#!/bin/bash
# The bench's data, a very small part of it. What is fast is not asked here: `make bench`.
cd "$(dirname "$0")/../.." || exit 1
${MAKE:-make} -s -j"${JOBS:-2}" build bench-tools > /dev/null || { echo "not ok - the bench's tools build"; exit 1; }
exec python3 tests/bench/short.py

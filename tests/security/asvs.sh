#!/bin/bash
# The table of ASVS and the tests it names: tests/security/asvs.py.
exec python3 "$(dirname "$0")/asvs.py"

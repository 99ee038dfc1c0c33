#!/bin/bash
# What the programs print of their tables is what was last reviewed. `make golden` writes the files again: read the diff.
cd "$(dirname "$0")/../.." || exit 1
status=0
compare() { # FILE SENTENCE COMMAND...
	local file=tests/golden/$1 sentence=$2 out
	shift 2
	out=$(mktemp)
	if "$@" > "$out" && [ -s "$out" ] && { [ -z "$GOLDEN_WRITE" ] || cp "$out" "$file"; } && diff -u "$file" "$out"; then
		echo "ok - $sentence"
	else
		echo "not ok - $sentence"
		status=1
	fi
	rm -f "$out"
}
compare workflow.txt "the workflow table is the reviewed one" build/enrollctl workflow print
compare routes.txt "the table of routes is the reviewed one" build/enrollctl routes print
exit $status

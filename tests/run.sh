#!/bin/bash
# The one runner: `make test`. Steps print "ok - sentence" / "not ok - sentence" (or cmocka's TAP); this counts them, keeps
# each step's whole output under build/test/, shows what failed, and ends with "N passed, N failed" alone on a line.
#
#	tests/run.sh                 everything
#	tests/run.sh unit browser    only these steps: lint static build unit golden scenarios bench chaos browser
#	binaries=lane tests/run.sh unit
cd "$(dirname "$0")/.." || exit 1
MAKE=${MAKE:-make} JOBS=${JOBS:-$(nproc)}
logs=build/test
mkdir -p $logs
passed=0 failed=0 started=$SECONDS
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
export CMOCKA_MESSAGE_OUTPUT=TAP

# tally LOG STATUS TITLE: counts one program's lines; a bad end without a failed line is a failure of its own.
tally() {
	local ok bad plan
	ok=$(grep -c '^ok ' "$1")
	bad=$(grep -c '^not ok ' "$1")
	plan=$(sed -nE 's/^1\.\.([0-9]+)$/\1/p' "$1" | awk '{n += $1} END {print n + 0}')
	if [ "$bad" = 0 ] && [ "$2" != 0 ]; then
		bad=1
		echo "not ok - $3 ends with status $2" >> "$1"
	elif [ "$plan" -gt $((ok + bad)) ]; then
		bad=$((bad + 1))
		echo "not ok - $3 ran $((ok + bad - 1)) of its $plan tests" >> "$1"
	elif [ "$ok" = 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "not ok - $3 tested nothing" >> "$1"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	if [ "$bad" != 0 ]; then
		printf -- '---- %s: %s failed (%s)\n' "$3" "$bad" "$1"
		if [ "$(wc -l < "$1")" -le 60 ]; then cat "$1"; else
			grep -A6 '^not ok ' "$1" | head -80
			grep -nE 'ERROR: (Address|Leak)Sanitizer|runtime error:|error:|Error' "$1" | head -20
			tail -n 15 "$1"
		fi
	fi
}
# step NAME TITLE COMMAND...: one program, its lines counted.
step() {
	local name=$1 title=$2 from=$SECONDS before=$passed
	shift 2
	timeout -k 10 600 "$@" > $logs/$name.log 2>&1 < /dev/null
	tally $logs/$name.log $? "$title"
	printf '%-34s %4d passed, %3d s\n' "$title" $((passed - before)) $((SECONDS - from))
}
# say SENTENCE COMMAND...: a command whose success is one test.
say() {
	local sentence=$1
	shift
	if "$@"; then echo "ok - $sentence"; else echo "not ok - $sentence"; fi
}

lint() {
	python3 tests/lint/lint.py
	python3 tests/lint/self_test.py
	say "every C file is formatted" $MAKE -s format-check
	say "every XML file of ours is well formed" xmllint --noout --nonet $(git ls-files -co --exclude-standard '*.xml' '*.rng')
	say "every shell script parses" bash -n $(git ls-files -co --exclude-standard '*.sh' .ci/run)
	say "cppcheck finds nothing" $MAKE -s cppcheck
}
builds() {
	say "gcc builds everything without a warning" $MAKE -s -j"$JOBS" build
	say "clang builds everything without a warning" $MAKE -s -j"$JOBS" CC=clang build
	say "building again does nothing" bash -c "! $MAKE build 2>&1 | grep -E '^  (cc|link) '"
}
export -f lint builds say
export MAKE JOBS

wants() { [ -z "$only" ] || [[ " $only " == *" $1 "* ]]; }
only="$*"
wants lint && step lint "rules, format, scripts" bash -c lint
wants static && step static "committed front end" tests/static.sh
wants build && step build "both compilers" bash -c builds

# The rest are programs that mostly wait: one more at a time than there are cores, in this order.
export ENROLLD=$PWD/build/gcc-san/enrolld
names=() titles=() seconds=() commands=()
program() { # NAME TITLE SECONDS COMMAND
	names+=("$1") titles+=("$2") seconds+=("$3") commands+=("$4")
}
one_program() { # NAME SECONDS COMMAND
	local from=$SECONDS
	timeout -k 10 "$2" bash -c "$3" > "build/test/$1.log" 2>&1 < /dev/null
	echo "$? $((SECONDS - from))" > "build/test/$1.status"
}
export -f one_program
# Unit tests, scenarios in C and kept fuzzing inputs, all under ASan and UBSan. One that does not build fails alone.
units() {
	local bins binary name command from=$SECONDS
	bins=$($MAKE -s SAN=1 list-tests | tr ' ' '\n' | sort -r) # the server's first: they mostly wait
	[ -z "$binaries" ] || bins=$(grep -E "$binaries" <<< "$bins")
	rm -rf $logs/unit
	mkdir -p $logs/unit
	$MAKE -k -s -j"$JOBS" SAN=1 build next test-bins replay-bins > $logs/unit-build.log 2>&1
	local all=$?
	for binary in $bins; do
		name=unit/$(tr / - <<< "${binary#build/gcc-san/tests/}") command=$binary
		# what the compiler says of it is its output then
		[ $all = 0 ] || $MAKE -s SAN=1 "$binary" > /dev/null 2>&1 || command="$MAKE -s SAN=1 $binary"
		program "$name" "${binary#build/gcc-san/}" 300 "$command"
	done
	printf '%-34s %18d s\n' "building under sanitizers" $((SECONDS - from))
}
wants unit && units
unit_count=${#names[@]}
wants browser && program browser "browser" 900 tests/browser/run.sh
for scenario in tests/scenarios/*.sh tests/security/*.sh; do
	name=$(basename "$scenario" .sh)
	[ -x "$scenario" ] && wants scenarios && program "scenario-$name" "scenario $name" 900 "$scenario"
done
wants bench && program bench "the bench's data" 900 tests/bench/short.sh
wants chaos && program chaos "chaos, short forms" 900 tests/chaos/short.sh
wants golden && program golden "golden files" 900 tests/golden/run.sh
for i in "${!names[@]}"; do
	printf '%s\0%s\0%s\0' "${names[$i]}" "${seconds[$i]}" "${commands[$i]}"
done | xargs -0 -r -n3 -P$((JOBS + 1)) bash -c 'one_program "$0" "$1" "$2"'
unit_before=$passed
for i in "${!names[@]}"; do
	before=$passed
	read -r status took < "$logs/${names[$i]}.status"
	tally "$logs/${names[$i]}.log" "$status" "${titles[$i]}"
	if [ "$i" -lt "$unit_count" ]; then
		[ "$took" -lt 10 ] || echo "$took s for ${titles[$i]}"
		[ "$i" -lt $((unit_count - 1)) ] || printf '%-34s %4d passed\n' "unit tests under sanitizers" $((passed - unit_before))
	else
		printf '%-34s %4d passed, %3d s\n' "${titles[$i]}" $((passed - before)) "$took"
	fi
done

echo "in $((SECONDS - started)) s; whole output in $logs/"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

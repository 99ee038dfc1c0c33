#!/bin/bash
# The tests under a tool that watches the programs while they work. Not part of `make test`: long.
#
#	tests/under.sh tsan          scenarios and the short chaos against a build with the thread sanitizer
#	tests/under.sh asan          the same against the one with the address and undefined behaviour sanitizers
#	tests/under.sh valgrind      unit tests and two scenarios under memcheck, the plain build
#	tests/under.sh coverage      unit tests and scenarios against a build that counts its lines; then the table of them
#	tests/under.sh tsan journeys only the programs whose name holds one of these words
#
# A report of the tool fails the program in which it was made: by its exit code, and the scenarios look into the log too
# (tests/scenarios/lib.py). Each program's output stays in build/under/.
cd "$(dirname "$0")/.." || exit 1
MAKE=${MAKE:-make} JOBS=${JOBS:-$(nproc)}
tool=$1
shift
words=$*
logs=$PWD/build/under
mkdir -p "$logs"
passed=0 failed=0
export CMOCKA_MESSAGE_OUTPUT=TAP

wanted() {
	local word
	[ -n "$words" ] || return 0
	for word in $words; do [[ $1 == *$word* ]] && return 0; done
	return 1
}
# one NAME SECONDS COMMAND...
one() {
	local log=$logs/$tool-$1.log from=$SECONDS ok bad status
	wanted "$1" || return 0
	timeout -k 10 "$2" "${@:3}" > "$log" 2>&1 < /dev/null
	status=$?
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	if [ "$bad" = 0 ] && { [ $status != 0 ] || [ "$ok" = 0 ]; }; then
		bad=1
		echo "not ok - $1 ends with status $status after $ok passed" >> "$log"
	fi
	passed=$((passed + ok)) failed=$((failed + bad))
	printf '%-34s %4d passed, %d failed, %3d s\n' "$1" "$ok" "$bad" $((SECONDS - from))
	[ "$bad" = 0 ] || grep -A40 -E '^not ok |Sanitizer: |runtime error: |^==[0-9]+== ' "$log" | head -80
}
scenarios() { # SECONDS
	local script
	for script in tests/scenarios/*.sh tests/security/*.sh tests/chaos/short.sh; do
		[ -x "$script" ] && one "$(basename "$script" .sh)" "$1" "$script"
	done
}
# The unit tests' names, of a build: build/tests/base/str_test → base-str_test
units() { # SECONDS BINARIES PREFIX...
	local binary name seconds=$1 binaries=$2
	shift 2
	for binary in $binaries; do
		name=${binary##*/tests/}
		one "${name//\//-}" "$seconds" "$@" "$binary"
	done
}

case $tool in
tsan)
	$MAKE -s -j"$JOBS" TSAN=1 build next || exit 1
	export ENROLLD=$PWD/build/tsan/enrolld TSAN_OPTIONS=second_deadlock_stack=1
	scenarios 900
	;;
asan)
	$MAKE -s -j"$JOBS" SAN=1 build next || exit 1
	export ENROLLD=$PWD/build/gcc-san/enrolld
	export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
	export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
	export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
	scenarios 900
	;;
valgrind)
	$MAKE -s -j"$JOBS" build test-bins || exit 1
	memcheck=(valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect
		--suppressions="$PWD/tests/valgrind.supp" --fair-sched=yes --vgdb=no)
	units 900 "$($MAKE -s list-tests | grep '_test$')" "${memcheck[@]}"
	# Two programs that are what they stand for, under memcheck: the scenarios know no better.
	mkdir -p build/valgrind
	for program in enrolld enrollctl; do
		printf '#!/bin/bash\nexec %s "%s" "$@"\n' "${memcheck[*]@Q}" "$PWD/build/$program" > build/valgrind/$program
		chmod 755 build/valgrind/$program
	done
	export ENROLLD=$PWD/build/valgrind/enrolld
	one scenario-approved 1200 tests/scenarios/journeys.sh "approved and signed" "what a psychologist takes away"
	one scenario-pieces 1200 tests/scenarios/psychologist.sh pieces
	;;
coverage)
	$MAKE -s -j"$JOBS" COVERAGE=1 build next test-bins replay-bins || exit 1
	# The service is another user than the builder: counts go to a folder where both may write.
	counts=$(mktemp -d /tmp/enroll-coverage-XXXXXX)
	trap 'rm -rf "$counts"' EXIT
	chmod 1777 "$counts"
	umask 0
	export ENROLLD=$PWD/build/coverage/enrolld GCOV_PREFIX=$counts
	units 300 "$($MAKE -s COVERAGE=1 list-tests)"
	scenarios 600
	[ -n "$words" ] || one golden 60 tests/golden/run.sh
	[ -n "$words" ] || one browser 900 tests/browser/run.sh
	python3 tests/coverage.py build/coverage/obj "$counts$PWD/build/coverage/obj" | tee "$logs/coverage.txt"
	;;
*)
	sed -n '2,/^cd/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

#!/bin/bash
# Starts one service of its own with the demonstration's people, runs tests/browser/*.test.mjs against it and stops it.
# Arguments: only these tests. No mail is sent: letters and codes are in the inbox, and pages show the links of mails.
# With SCREENSHOTS=folder every page that is met is kept there as a picture.
cd "$(dirname "$0")/../.." || exit 1
enrolld=$(realpath "${ENROLLD:-build/enrolld}") || exit 1
export ENROLLCTL=$(dirname "$enrolld")/enrollctl
# Where no locale is set, Chromium sends no file whose name is not ASCII.
export LC_ALL=C.UTF-8
read -r port agent_port <<< "$(python3 -c '
import socket
s = [socket.socket() for _ in range(2)]
for x in s:
    x.bind(("127.0.0.1", 0))
print(*[x.getsockname()[1] for x in s])')"
home=$(mktemp -d /tmp/enroll-browser-XXXXXX)
chmod 755 "$home"
log=$PWD/build/test/browser-enrolld.log
mkdir -p build/test
service=
stop() {
	if [ -n "$service" ]; then kill "$service" 2> /dev/null; wait "$service"; fi
	rm -rf "$home"
}
trap stop EXIT
trap 'exit 1' INT TERM
fail() { echo "not ok - $1"; tail -5 "$log" | sed 's/^/# /'; exit 1; }

make -s tests/browser/node_modules/.package-lock.json || fail "the browser tests' packages install"
export ENROLL_HOME=$home ENROLL_PORT=$port ENROLL_AGENT_PORT=$agent_port ENROLL_DEMO=1 ENROLL_TEST_CLOCK=1 ENROLL_SMTP_URL=
export ENROLL_URL=https://localhost:$port ENROLL_AGENT_URL=https://localhost:$agent_port
"$enrolld" > build/test/browser-enrolld.out 2> "$log" &
service=$!
for _ in $(seq 900); do
	curl -ksf "$ENROLL_URL/readyz" > /dev/null && break
	kill -0 $service 2> /dev/null || fail "enrolld stays up"
	sleep 0.2
done
curl -ksf "$ENROLL_URL/readyz" > /dev/null || fail "enrolld becomes ready within 3 minutes"
echo "ok - enrolld becomes ready"
node tests/browser/people.mjs registry db/data/rpps_personne_activite_fictif.txt > "$home/registry.txt"
"$ENROLLCTL" registry import --force "$home/registry.txt" > build/test/browser-registry.log 2>&1 || fail "the registry is imported"

status=0
tests=("$@")
last=
if [ ${#tests[@]} = 0 ]; then
	tests=(tests/browser/spine.test.mjs $(ls tests/browser/*.test.mjs | grep -vE 'spine|later')) # the longest first
	last=tests/browser/later.test.mjs # it moves the clock
fi
one() { node "$1" > "build/test/browser-$(basename "$1" .test.mjs).log" 2>&1; }
export -f one
printf '%s\0' "${tests[@]}" | xargs -0 -n1 -P2 bash -c 'one "$0" || exit 1' || status=1
[ -z "$last" ] || { one $last || status=1; tests+=($last); }
for t in "${tests[@]}"; do
	cat "build/test/browser-$(basename "$t" .test.mjs).log"
done
say() { if "${@:2}" > /dev/null 2>&1; then echo "ok - $1"; else echo "not ok - $1"; status=1; fi; }
say "the eight invariants hold afterwards" "$ENROLLCTL" invariants
say "enrolld is still up afterwards" kill -0 $service
exit $status

#!/bin/bash
# Starts one service of its own (demonstration data, clock that tests may move, a mail catcher), runs tests/browser/*.test.mjs
# against it and stops it. With SCREENSHOTS=folder the pages' pictures are kept there. Arguments: only these tests.
cd "$(dirname "$0")/../.." || exit 1
enrolld=${ENROLLD:-build/enrolld}
export ENROLLCTL=$(dirname "$enrolld")/enrollctl
ports=$(python3 - <<'P'
import socket
s = [socket.socket() for _ in range(3)]
for x in s:
    x.bind(("127.0.0.1", 0))
print(*[x.getsockname()[1] for x in s])
P
)
read -r port agent_port smtp_port <<< "$ports"
home=$(mktemp -d)
mail=$(mktemp -d)
chmod 755 "$home"
pids=()
stop() {
	for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
	wait
	rm -rf "$home" "$mail"
}
trap stop EXIT
trap 'exit 1' INT TERM

make -s tests/browser/node_modules/.package-lock.json || { echo "not ok - the browser tests' packages install"; exit 1; }
python3 -m aiosmtpd -n -l "127.0.0.1:$smtp_port" -c aiosmtpd.handlers.Mailbox "$mail/box" > /dev/null 2>&1 &
pids+=($!)
export ENROLL_HOME=$home ENROLL_PORT=$port ENROLL_AGENT_PORT=$agent_port ENROLL_DEMO=1 ENROLL_TEST_CLOCK=1
export ENROLL_SMTP_URL=smtp://127.0.0.1:$smtp_port
mkdir -p build/test
$enrolld > build/test/browser-enrolld.out 2> build/test/browser-enrolld.log &
service=$!
pids+=($service)
for _ in $(seq 300); do
	curl -ksf "https://localhost:$port/readyz" > /dev/null && break
	kill -0 $service 2> /dev/null || { echo "not ok - enrolld stays up"; tail -5 build/test/browser-enrolld.log; exit 1; }
	sleep 0.2
done
curl -ksf "https://localhost:$port/readyz" > /dev/null || { echo "not ok - enrolld becomes ready within 60 s"; tail -5 build/test/browser-enrolld.log; exit 1; }
echo "ok - enrolld becomes ready"

export ENROLL_URL=https://localhost:$port ENROLL_AGENT_URL=https://localhost:$agent_port ENROLL_MAIL=$mail/box/new
status=0
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(tests/browser/*.test.mjs)
for t in "${tests[@]}"; do
	node "$t" || status=1
done
if kill -0 $service 2> /dev/null; then echo "ok - enrolld is still up afterwards"; else echo "not ok - enrolld is still up afterwards"; status=1; fi
exit $status

#!/bin/bash
# Installs what is missing of docker/*.txt and nothing else: docker/install.sh run build test bench
# Quick when all is there. Also the Dockerfiles' way, so that the lists exist once.
set -euo pipefail
cd "$(dirname "$0")"

wanted=()
for list in "$@"; do
	mapfile -t -O "${#wanted[@]}" wanted < "$list.txt"
	if [ "$list" != run ] && [ "$list" != build ] && ! { command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; } > /dev/null 2>&1; then
		wanted+=(nodejs npm)
	fi
done

installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
missing=$(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<< "$installed"))
[ -n "$missing" ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo > /dev/null || { echo "missing packages, and neither root nor sudo: $(tr '\n' ' ' <<< "$missing")" >&2; exit 1; }
	as_root=(sudo)
fi
# The service makes its own cluster: Debian's would only take the port and memory.
if ! grep -qx postgresql-common <<< "$installed"; then
	"${as_root[@]}" mkdir -p /etc/postgresql-common
	echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf > /dev/null
fi
# Of these the tests and the bench want the program: their servers shall not start by themselves.
for server in prometheus nginx; do
	if grep -qx $server <<< "$missing" && [ ! -e /etc/systemd/system/$server.service ]; then
		"${as_root[@]}" mkdir -p /etc/systemd/system
		"${as_root[@]}" ln -s /dev/null /etc/systemd/system/$server.service
	fi
done
echo "installing: $(tr '\n' ' ' <<< "$missing")"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
# shellcheck disable=SC2086
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold $missing

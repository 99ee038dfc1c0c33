#!/bin/bash
# `make container-test`: builds the images and drives them. Root, Debian 12, no Docker engine, no registry: the official
# images stand in for themselves by name (Debian by debootstrap, postgres and maildev as in images/), everything is kept
# in build/container and in networks and containers named enroll-test*.
#
#	tests/container/run.sh [one unit compose]
cd "$(dirname "$0")/../.." || exit 1
[ "$(id -u)" = 0 ] || exec sudo -E "$0" "$@"
here=$PWD/build/container
mkdir -p "$here"
wanted=${*:-one unit compose}
failed=0
say() { # SENTENCE COMMAND...
	local sentence=$1 log=$here/step.log
	shift
	if "$@" > "$log" 2>&1; then echo "ok - $sentence"; else
		echo "not ok - $sentence"
		tail -n 25 "$log" | sed 's/^/# /'
		failed=$((failed + 1))
		return 1
	fi
}

docker/install.sh container || exit 1

# A store of our own. Machines where nobody may raise a limit want lower ones than podman's million.
driver=overlay
[ "$(stat -f -c %T "$here")" != overlayfs ] || driver=vfs
cat > "$here/storage.conf" << CONF
[storage]
driver = "$driver"
runroot = "$here/run"
graphroot = "$here/storage"
CONF
cat > "$here/containers.conf" << CONF
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "$here/networks"
CONF
export CONTAINERS_STORAGE_CONF=$here/storage.conf CONTAINERS_CONF=$here/containers.conf
have() { podman image exists "$1" 2> /dev/null; }

# The machine's own sources say where Debian is.
sources() { # CODENAME
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' | awk -v c="$1" '$2 == c {print $1; exit}'
}
base() {
	local mirror security
	mirror=$(sources bookworm) security=$(sources bookworm-security)
	[ -n "$mirror" ] || { echo "apt knows no bookworm"; return 1; }
	rm -rf "$here/rootfs"
	debootstrap --variant=minbase bookworm "$here/rootfs" "$mirror" || return 1
	{
		echo "deb $mirror bookworm main"
		[ -z "$security" ] || echo "deb $security bookworm-security main"
	} > "$here/rootfs/etc/apt/sources.list"
	rm -rf "$here"/rootfs/var/cache/apt/archives/*.deb "$here"/rootfs/var/lib/apt/lists/*
	tar -C "$here/rootfs" -c . | podman import - docker.io/library/debian:12-slim && rm -rf "$here/rootfs"
}
image() { # TAG FILE CONTEXT
	buildah bud --isolation chroot --pull=never --format docker --layers -f "$2" -t "$1" "$3"
}
# What a checkout holds, not what was built beside it.
context() {
	rm -rf "$here/context" && mkdir "$here/context" &&
		git ls-files -z -co --exclude-standard | while IFS= read -rd '' f; do [ ! -f "$f" ] || printf '%s\0' "$f"; done |
		tar --null -T - -c | tar -C "$here/context" -x
}

# By the machine's npm, which knows what the machine trusts.
maildev() {
	mkdir -p "$here/images/maildev" &&
		npm install --prefix "$here/images/maildev" --no-audit --no-fund --loglevel=error maildev@2.2.1 &&
		image docker.io/maildev/maildev:2.2.1 tests/container/images/maildev.Dockerfile "$here/images"
}

have docker.io/library/debian:12-slim || say "a base image is made from the machine's Debian sources" base || exit 1
context
say "docker/Dockerfile builds in two stages" image localhost/enroll:latest "$here/context/docker/Dockerfile" "$here/context" || exit 1
[[ " $wanted " != *" one "* ]] || python3 tests/container/drive.py one || failed=$((failed + 1))
if [[ " $wanted " == *" unit "* ]]; then
	say "an image with systemd is made, to try the unit in" image localhost/enroll-unit:latest tests/container/images/unit.Dockerfile "$here/context" &&
		python3 tests/container/drive.py unit || failed=$((failed + 1))
fi
if [[ " $wanted " == *" compose "* ]]; then
	have docker.io/library/postgres:15 ||
		say "a stand-in for the official postgres image is made" image docker.io/library/postgres:15 tests/container/images/postgres.Dockerfile tests/container/images || exit 1
	have docker.io/maildev/maildev:2.2.1 || say "a stand-in for the maildev image is made" maildev || exit 1
	python3 tests/container/drive.py compose || failed=$((failed + 1))
fi
podman volume prune -f > /dev/null 2>&1
exit $((failed > 0))

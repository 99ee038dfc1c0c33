#!/bin/bash
# What the official image does at its first start, no more.
set -e
if [ "$(id -u)" = 0 ]; then
	install -d -o postgres -g postgres -m 700 "$PGDATA"
	exec setpriv --reuid=postgres --regid=postgres --init-groups "$0"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb -U postgres --auth-local=trust --auth-host=scram-sha-256 --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") > /dev/null
	echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
	pg_ctl -w start -o "-c listen_addresses='' -c unix_socket_directories=/tmp" > /dev/null
	for f in /docker-entrypoint-initdb.d/*.sh; do
		[ ! -f "$f" ] || PGHOST=/tmp bash "$f"
	done
	pg_ctl -w -m fast stop > /dev/null
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp

#!/bin/bash
# Makes this machine the synchronous standby of $PRIMARY, then runs the command (a PostgreSQL): as the entrypoint of the
# postgres image, or by hand as user postgres. A folder that holds a database already is what was a primary: it is wound
# back to where the two parted. From the moment it streams, the primary acknowledges nothing that this one has not.
# $PRIMARY, $PRIMARY_PORT, $PGDATA, $STANDBY (its name), $ENROLL_DB_PASSWORD (of the superuser).
set -euo pipefail
PGDATA=${PGDATA:-/var/lib/postgresql/data} PRIMARY_PORT=${PRIMARY_PORT:-5432} STANDBY=${STANDBY:-two}
export PGDATA
if [ "$(id -u)" = 0 ]; then
	chown postgres:postgres "$PGDATA"
	exec setpriv --reuid=postgres --regid=postgres --init-groups /bin/bash "$0" "$@"
fi
chmod 700 "$PGDATA"
export PGPASSWORD=${ENROLL_DB_PASSWORD:-}
primary="host=$PRIMARY port=$PRIMARY_PORT user=postgres dbname=postgres"

if [ -f "$PGDATA/standby.signal" ]; then
	: # it only was stopped
elif [ -s "$PGDATA/PG_VERSION" ]; then
	psql -qXc checkpoint "$primary" # else the new timeline is not seen
	rm -f "$PGDATA/postmaster.pid"
	postgres --single -D "$PGDATA" template1 < /dev/null > /dev/null 2>&1 || true # ends its recovery: only what ended well can be wound back
	pg_rewind -D "$PGDATA" --source-server "$primary" -R
else
	pg_basebackup -d "$primary" -D "$PGDATA" -c fast -X stream -R
fi
# The last line of a name counts; a copy brings along what its primary waited for, which this one must not.
cat >> "$PGDATA/postgresql.auto.conf" <<EOF
primary_conninfo = 'host=$PRIMARY port=$PRIMARY_PORT user=postgres password=${PGPASSWORD//\'/\'\'} application_name=$STANDBY'
synchronous_standby_names = ''
recovery_target_timeline = 'latest'
EOF
touch "$PGDATA/standby.signal"
{
	until [ "$(psql -qXAtc "select count(*) from pg_stat_replication where application_name = '$STANDBY' and state = 'streaming'" "$primary")" = 1 ]; do sleep 0.5; done
	psql -qXc "alter system set synchronous_standby_names = '$STANDBY'" -c "select pg_reload_conf()" "$primary" > /dev/null
} &
exec "$@"

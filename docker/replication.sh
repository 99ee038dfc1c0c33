#!/bin/bash
# Run once by the postgres image, beside roles.sh: a standby may copy and follow, with the superuser's password.
set -e
echo "host replication all samenet scram-sha-256" >> "$PGDATA/pg_hba.conf"

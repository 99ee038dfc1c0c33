#!/bin/bash
# Run once by the postgres image: the three roles and the database that the owner of the schema makes its own.
set -e
psql -v ON_ERROR_STOP=1 -v password="$ENROLL_DB_PASSWORD" -U postgres <<'SQL'
create role enroll_owner login password :'password';
create role enroll_service login password :'password';
create role enroll_purge login password :'password';
create database enroll owner enroll_owner encoding 'UTF8' template template0;
SQL

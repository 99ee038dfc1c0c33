/*
 * A real PostgreSQL for the tests of one binary: made on first use in a temporary folder, removed when the program
 * ends.
 *
 *	const struct cluster *c = pgtest_cluster();          a bare database
 *	const char *dsn = pgtest_dsn();                      … of the service
 *	pgtest_sql(c->owner_dsn, "create table …");          fails the test when refused
 */
#ifndef TESTS_LIB_PGTEST_H
#define TESTS_LIB_PGTEST_H

#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>
#include "../../db/cluster.h"
#include "../../db/db.h"

struct cluster *pgtest_cluster(void);
const char *pgtest_dsn(void);
void pgtest_sql(const char *dsn, const char *sql);
/* SIGKILL to a backend, upon which PostgreSQL ends all the others and recovers: returns when it has. */
void pgtest_kill_backend(pid_t pid);
/* The whole schema, with the transition table of this program. Fails the test when a migration is refused. */
void pgtest_migrate(void);
/* The service's lanes on the migrated database; lanes_close() is the caller's. */
struct lanes *pgtest_lanes(int write, const char *name);
/* A folder that goes away with the program; reachable by PostgreSQL's user. */
const char *pgtest_folder(void);
/* One value of one row, on a connection of its own; in a buffer that the next call reuses. "" for no row or NULL. */
const char *pgtest_value(const char *dsn, const char *sql);

#endif

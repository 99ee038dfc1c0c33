/*
 * The private PostgreSQL that the service makes for itself when no DSN is given: under HOME/pg, on a Unix socket only.
 *
 *	struct cluster c;
 *	if (cluster_start("var", pool, &c, &e)) …         initdb when new, recovers after a crash, waits until it answers
 *	… c.dsn (service), c.owner_dsn, c.purge_dsn …
 *	cluster_stop(&c);                                 only when this process started it; fast shutdown
 *
 * Two programs may call it at once (a lock file decides who starts it; the other uses the running one). PostgreSQL refuses
 * root: as root it is run as user `postgres` (setuid in the child). The socket folder is HOME/pg/socket, or a short one
 * under /tmp made private (0700) when that path would be longer than 100 bytes. postgresql.conf is tuned for one service:
 * fsync on, synchronous_commit on, no TCP. Binaries are looked up in /usr/lib/postgresql/NN/bin, newest first, then PATH.
 */
#ifndef DB_CLUSTER_H
#define DB_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>
#include "../server/base/err.h"
#include "../server/base/pool.h"

struct cluster {
	const char *home, *dsn, *owner_dsn, *purge_dsn, *bin; /* bin: folder of pg_dump, pg_ctl … */
	bool started; /* by this process */
	pid_t pid;    /* postmaster */
};
int cluster_start(const char *home, struct pool *pool, struct cluster *out, struct err *e) MUST_USE;
void cluster_stop(struct cluster *c);
/* Still there? A service restarts it when it died. */
bool cluster_alive(const struct cluster *c);

#endif

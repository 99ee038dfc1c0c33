/*
 * The private PostgreSQL that the service makes for itself when no DSN is given: under HOME/pg, on a Unix socket only.
 *
 *	struct cluster c;
 *	if (cluster_start("var", pool, &c, &e)) …      made when new, recovered after a crash; it answers
 *	… c.dsn (service), c.owner_dsn, c.purge_dsn …
 *	cluster_stop(&c);                              fast shutdown, when no other program uses it
 *
 * Any number of programs may call it at once: a lock file decides who starts it, the others use the running one, and
 * the last to stop takes it down (so a server orphaned by a killed program ends with the next one). PostgreSQL refuses
 * root: as root it is run as the owner of HOME, or as user `postgres` when that is root too; where that user cannot
 * reach HOME, the files are under /var/lib/enroll/ and HOME/pg is a link. The socket folder is HOME/pg/socket, or a
 * short private one under /tmp when that path would be too long. Who may connect is asked of the kernel (peer): only
 * that user and root. postgresql.conf is ours and written at each start, tuned for one service: fsync on,
 * synchronous_commit on, no TCP; HOME/pg/local.conf is read after it. Binaries are those of /usr/lib/postgresql/NN/bin,
 * newest first, then PATH; a cluster that exists keeps its version.
 */
#ifndef DB_CLUSTER_H
#define DB_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>
#include "../server/base/err.h"
#include "../server/base/pool.h"

struct cluster {
	const char *home, *dsn, *owner_dsn, *purge_dsn;
	const char *super_dsn; /* backup and restore */
	const char *bin;       /* folder of pg_dump, pg_ctl … */
	const char *folder;    /* HOME/pg, without links */
	bool started;          /* by this process */
	pid_t pid;             /* postmaster */
	int users;             /* lock file held shared as long as it is used */
};
int cluster_start(const char *home, struct pool *pool, struct cluster *out, struct err *e) MUST_USE;
void cluster_stop(struct cluster *c);
/* Still there? A service restarts it when it died: cluster_start() again, with the same home; the DSNs stay the same.
 */
bool cluster_alive(const struct cluster *c);

#endif

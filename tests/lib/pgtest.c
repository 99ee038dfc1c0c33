#include "pgtest.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../db/migrate.h"
#include "../../db/pg.h"
#include "../../workflow/workflow.h"
#include "folder.h"

static struct pool *pool;
static struct cluster cluster;
static bool running;
static pid_t owner;

static char *folders[16];
static size_t folder_count;

static void clean(void)
{
	/* A child that ends with exit() leaves its parent's things alone. */
	if (getpid() != owner)
		return;
	if (running)
		cluster_stop(&cluster);
	for (size_t i = 0; i < folder_count; i++)
		folder_remove(folders[i]);
	pool_free(pool);
}

static void prepare(void)
{
	if (pool)
		return;
	pool = pool_new();
	owner = getpid();
	atexit(clean);
}

const char *pgtest_folder(void)
{
	prepare();
	if (folder_count == COUNT(folders))
		abort();
	char *f = folders[folder_count++] = folder_new(pool);
	if (chmod(f, 0755))
		abort();
	return f;
}

struct cluster *pgtest_cluster(void)
{
	prepare();
	if (!running) {
		struct err e;
		const char *home = pgtest_folder();
		if (cluster_start(home, pool, &cluster, &e)) {
			fprintf(stderr, "no PostgreSQL for the tests: %s\n", e.detail);
			abort();
		}
		running = true;
	}
	return &cluster;
}

const char *pgtest_dsn(void)
{
	return pgtest_cluster()->dsn;
}

void pgtest_migrate(void)
{
	struct err e;
	struct pool *p = pool_new();
	int applied;

	if (migrate(pgtest_cluster()->owner_dsn, workflow_print(p), workflow_digest(p), &applied, &e)) {
		fprintf(stderr, "migrate: %s\n", e.detail);
		abort();
	}
	pool_free(p);
}

struct lanes *pgtest_lanes(int write, const char *name)
{
	struct err e;
	struct lanes_options o = { .dsn = pgtest_dsn(), .write = write, .application_name = name };
	struct lanes *l;

	pgtest_migrate();
	l = lanes_open(&o, NULL, NULL, &e);
	if (!l) {
		fprintf(stderr, "lanes: %s\n", e.detail);
		abort();
	}
	return l;
}

/* A server that recovers answers in a moment. */
static struct plain *open_patiently(const char *dsn, struct err *e)
{
	struct plain *c = NULL;

	for (int i = 0; i < 300 && !(c = plain_open(dsn, "test", e)); i++)
		usleep(100000);
	return c;
}

void pgtest_kill_backend(pid_t pid)
{
	struct err e;
	struct plain *witness = open_patiently(pgtest_dsn(), &e);
	if (!witness || kill(pid, SIGKILL))
		abort();
	/* It is ended with the others: only then has the server noticed, and asking anew is asking the recovered one.
	 */
	for (int i = 0; i < 3000 && !plain_script(witness, "select 1", NULL, NULL, &e); i++)
		usleep(10000);
	plain_close(witness);
	plain_close(open_patiently(pgtest_dsn(), &e));
}

void pgtest_sql(const char *dsn, const char *sql)
{
	struct err e;
	if (db_script(dsn, sql, &e)) {
		fprintf(stderr, "refused: %s\n", e.detail);
		abort();
	}
}

const char *pgtest_value(const char *dsn, const char *sql)
{
	static char value[131072];
	struct err e;
	struct pool *p = pool_new();
	const struct rows *r = NULL;
	struct plain *c = plain_open(dsn, "test", &e);
	if (!c || plain_script(c, sql, p, &r, &e)) {
		fprintf(stderr, "refused: %s\n", e.detail);
		abort();
	}
	const char *v = rows_text_at(r, 0, 0);
	snprintf(value, sizeof value, "%s", v ? v : "");
	plain_close(c);
	pool_free(p);
	return value;
}

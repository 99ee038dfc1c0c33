#include "../../db/cluster.h"
#include "../../db/db.h"
#include "../lib/pgtest.h"
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/test.h"

static struct pool *pool;
static struct err e;

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static void start(const char *home, struct cluster *c)
{
	if (cluster_start(home, pool, c, &e))
		fail_msg("%s", e.detail);
}

/* A zombie that nobody has buried yet is gone. */
static bool exists(pid_t pid)
{
	const struct cluster c = { .pid = pid };
	return cluster_alive(&c);
}

static void it_is_made_once_and_keeps_what_it_was_given(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	start(home, &c);
	assert_true(c.started && cluster_alive(&c));
	pgtest_sql(c.owner_dsn,
		   "create schema enroll; create table enroll.t (x int); insert into enroll.t values (42);"
		   "grant usage on schema enroll to enroll_service; grant select on enroll.t to enroll_service");
	pid_t first = c.pid;
	cluster_stop(&c);
	assert_false(exists(first));
	assert_false(cluster_alive(&c));
	cluster_stop(&c); /* a second time does nothing */
	start(home, &c);
	assert_true(c.pid != first);
	assert_string_equal(pgtest_value(c.dsn, "select x from t"), "42");
	cluster_stop(&c);
}

static void its_roles_are_apart_and_its_settings_safe(void **state)
{
	(void)state;
	struct cluster *c = pgtest_cluster();
	assert_string_equal(pgtest_value(c->dsn, "select current_user"), "enroll_service");
	assert_string_equal(pgtest_value(c->owner_dsn, "select current_user"), "enroll_owner");
	assert_string_equal(pgtest_value(c->purge_dsn, "select current_user"), "enroll_purge");
	assert_string_equal(
		pgtest_value(
			c->dsn,
			"select string_agg(rolname, ',' order by rolname) from pg_roles where rolsuper or rolbypassrls "
			"or rolcreaterole or rolcreatedb or rolreplication"),
		"postgres");
	assert_string_equal(
		pgtest_value(c->dsn, "select pg_get_userbyid(datdba) from pg_database where datname = 'enroll'"),
		"enroll_owner");
	static const char *const safe[][2] = { { "fsync", "on" },
					       { "synchronous_commit", "on" },
					       { "full_page_writes", "on" },
					       { "listen_addresses", "" },
					       { "server_encoding", "UTF8" },
					       { "lc_collate", "C" },
					       { "log_min_error_statement", "panic" },
					       { "log_parameter_max_length_on_error", "0" },
					       { "TimeZone", "UTC" } };
	for (size_t i = 0; i < COUNT(safe); i++)
		assert_string_equal(pgtest_value(c->dsn, pool_printf(pool, "show %s", safe[i][0])), safe[i][1]);
	/* Letters of French are known as letters. */
	assert_string_equal(pgtest_value(c->dsn, "select lower('\xc3\x89\xc3\x87') || upper('\xc3\xa9')"),
			    "\xc3\xa9\xc3\xa7\xc3\x89");
}

static void nobody_else_reaches_it(void **state)
{
	(void)state;
	struct stat st;
	struct cluster *c = pgtest_cluster();
	static const char *const closed[] = { "", "/data", "/socket" };
	for (size_t i = 0; i < COUNT(closed); i++) {
		assert_int_equal(stat(pool_printf(pool, "%s%s", c->folder, closed[i]), &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
		assert_int_not_equal(st.st_uid, 0); /* PostgreSQL never runs as root */
	}
}

static void nothing_typed_by_people_is_in_its_log(void **state)
{
	(void)state;
	struct cluster *c = pgtest_cluster();
	char text[65536];
	assert_int_equal(db_script(c->owner_dsn, "select 'MARKER-7731'::int", &e), -1);
	assert_int_equal(
		db_script(c->owner_dsn,
			  "create temp table k (x text unique); insert into k values ('MARKER-7732'), ('MARKER-7732')",
			  &e),
		-1);
	FILE *f = fopen(pool_printf(pool, "%s/log", c->folder), "r");
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	assert_null(strstr(text, "MARKER"));
}

static void a_second_caller_uses_the_running_one_and_the_last_stops_it(void **state)
{
	(void)state;
	struct cluster a, b;
	const char *home = pgtest_folder();
	start(home, &a);
	start(home, &b);
	assert_true(a.started && !b.started);
	assert_int_equal(a.pid, b.pid);
	assert_string_equal(a.dsn, b.dsn);
	pid_t pid = a.pid;
	cluster_stop(&a); /* who started it goes first */
	assert_true(cluster_alive(&b));
	assert_string_equal(pgtest_value(b.dsn, "select 1"), "1");
	cluster_stop(&b);
	assert_false(exists(pid));
}

static void programs_that_start_at_once_share_one(void **state)
{
	(void)state;
	enum { N = 4 };
	const char *home = pgtest_folder();
	int out[2], in[2];
	pid_t children[N], pids[N];
	assert_int_equal(pipe(out) | pipe(in), 0);
	for (int i = 0; i < N; i++) {
		if ((children[i] = fork()))
			continue;
		struct cluster c;
		char go;
		close(in[1]);
		if (cluster_start(home, pool, &c, &e) || write(out[1], &c.pid, sizeof c.pid) != sizeof c.pid)
			_exit(1);
		/* All use it until all have it. */
		if (read(in[0], &go, 1) < 0)
			_exit(1);
		cluster_stop(&c);
		_exit(0);
	}
	for (int i = 0; i < N; i++)
		assert_int_equal(read(out[0], &pids[i], sizeof pids[i]), sizeof pids[i]);
	for (int i = 1; i < N; i++)
		assert_int_equal(pids[i], pids[0]);
	close(in[1]);
	for (int i = 0; i < N; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_false(exists(pids[0]));
	close(in[0]);
	close(out[0]);
	close(out[1]);
}

static void an_orphan_of_a_killed_program_is_taken_over(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	int out[2];
	pid_t pid, child;
	assert_int_equal(pipe(out), 0);
	if (!(child = fork())) {
		if (cluster_start(home, pool, &c, &e) || write(out[1], &c.pid, sizeof c.pid) != sizeof c.pid)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(read(out[0], &pid, sizeof pid), sizeof pid);
	start(home, &c);
	assert_int_equal(c.pid, pid);
	assert_false(c.started);
	cluster_stop(&c);
	assert_false(exists(pid));
	close(out[0]);
	close(out[1]);
}

static void what_was_committed_survives_the_kill_of_the_server(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	start(home, &c);
	pgtest_sql(c.owner_dsn, "create table public.t (x int)");
	for (int i = 1; i <= 3; i++) {
		pgtest_sql(c.owner_dsn, "insert into public.t values (1)");
		kill(c.pid, SIGKILL);
		for (int ms = 0; cluster_alive(&c) && ms < 5000; ms++)
			usleep(1000);
		assert_false(cluster_alive(&c));
		cluster_stop(&c);
		start(home, &c);
		char n[16];
		snprintf(n, sizeof n, "%d", i);
		assert_string_equal(pgtest_value(c.owner_dsn, "select count(*) from public.t"), n);
	}
	cluster_stop(&c);
}

static void a_stale_number_of_another_process_does_not_stop_it(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	start(home, &c);
	const char *file = pool_printf(pool, "%s/data/postmaster.pid", c.folder);
	cluster_stop(&c);
	/* As in a container started again: our own number stands there. */
	FILE *f = fopen(file, "w");
	fprintf(f, "%d\n%s/data\n0\n5432\n\n\n", (int)getpid(), c.folder);
	fclose(f);
	start(home, &c);
	cluster_stop(&c);
}

static void an_initdb_cut_short_is_done_again(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	char path[256];
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", home, i ? "pg/data.new" : "pg");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof path, "%s/pg/data.new/PG_VERSION", home);
	FILE *f = fopen(path, "w");
	fputs("15\n", f);
	fclose(f);
	const struct passwd *pw = getpwnam("postgres");
	if (!geteuid() && pw) /* who had run that initdb */
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof path, "%s/pg/data.new%s", home, i ? "/PG_VERSION" : "");
			assert_int_equal(chown(path, pw->pw_uid, pw->pw_gid), 0);
		}
	start(home, &c);
	assert_string_equal(pgtest_value(c.dsn, "select 1"), "1");
	cluster_stop(&c);
}

static void a_long_path_has_its_socket_elsewhere(void **state)
{
	(void)state;
	struct cluster c;
	char home[256], link[300], to[300];
	snprintf(home, sizeof home, "%s/%0100d it's", pgtest_folder(), 0);
	start(home, &c);
	assert_string_equal(pgtest_value(c.dsn, "select 1"), "1");
	snprintf(link, sizeof link, "%s/socket", c.folder);
	ssize_t n = readlink(link, to, sizeof to - 1);
	assert_true(n > 0);
	to[n] = 0;
	assert_true(strncmp(to, "/tmp/enroll-", 12) == 0);
	struct stat st;
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	cluster_stop(&c);
	/* Gone with a cleaning of /tmp: another one is made. */
	rmdir(to);
	start(home, &c);
	assert_string_equal(pgtest_value(c.dsn, "select 1"), "1");
	n = readlink(link, to, sizeof to - 1);
	assert_true(n > 0);
	to[n] = 0;
	cluster_stop(&c);
	rmdir(to);
}

static void a_folder_closed_to_its_user_leads_elsewhere(void **state)
{
	(void)state;
	struct cluster c;
	const char *closed = pgtest_folder();
	if (geteuid())
		skip(); /* only root runs it as someone else */
	assert_int_equal(chmod(closed, 0700), 0);
	const char *home = pool_printf(pool, "%s/home", closed);
	start(home, &c);
	assert_true(strncmp(c.folder, "/var/lib/enroll/pg-", 19) == 0);
	assert_string_equal(pgtest_value(c.dsn, "select 1"), "1");
	cluster_stop(&c);
	start(home, &c);
	cluster_stop(&c);
	/* It is for the tests to remove what lies outside of their folders. */
	pid_t rm = fork();
	if (!rm) {
		execl("/bin/rm", "rm", "-rf", "--", c.folder, (char *)NULL);
		_exit(127);
	}
	waitpid(rm, NULL, 0);
}

static void local_settings_are_read_after_ours_and_a_bad_one_is_told(void **state)
{
	(void)state;
	struct cluster c;
	const char *home = pgtest_folder();
	start(home, &c);
	const char *local = pool_printf(pool, "%s/local.conf", c.folder);
	cluster_stop(&c);
	FILE *f = fopen(local, "w");
	fputs("work_mem = '3MB'\n", f);
	fclose(f);
	chmod(local, 0644);
	start(home, &c);
	assert_string_equal(pgtest_value(c.dsn, "show work_mem"), "3MB");
	cluster_stop(&c);
}

static void a_home_that_cannot_be_made_is_told(void **state)
{
	(void)state;
	struct cluster c;
	assert_int_equal(cluster_start("/proc/nowhere/var", pool, &c, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_true(e.detail[0]);
	cluster_stop(&c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_is_made_once_and_keeps_what_it_was_given),
		T(its_roles_are_apart_and_its_settings_safe),
		T(nobody_else_reaches_it),
		T(nothing_typed_by_people_is_in_its_log),
		T(a_second_caller_uses_the_running_one_and_the_last_stops_it),
		T(programs_that_start_at_once_share_one),
		T(an_orphan_of_a_killed_program_is_taken_over),
		T(what_was_committed_survives_the_kill_of_the_server),
		T(a_stale_number_of_another_process_does_not_stop_it),
		T(an_initdb_cut_short_is_done_again),
		T(a_long_path_has_its_socket_elsewhere),
		T(a_folder_closed_to_its_user_leads_elsewhere),
		T(local_settings_are_read_after_ours_and_a_bad_one_is_told),
		T(a_home_that_cannot_be_made_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

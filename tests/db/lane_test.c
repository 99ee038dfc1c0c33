#include "../../db/db.h"
#include "../../db/pg.h"
#include "../../server/base/str.h"
#include "../lib/pgtest.h"
#include "../lib/test.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <poll.h>
#include <unistd.h>

static const struct statement t_number = { "t_number", "select $1::bigint as n" };
STATEMENT(t_number);
static const struct statement t_types = {
	"t_types",
	"select $1::text as t, $2::bytea as b, $3::date as d, $4::timestamptz as i, $5::boolean as o, $6::text[] as a, "
	"array_length($6::text[], 1) as n, ($6::text[])[2] as second, 1.5::float8 as f, null::text as nothing"
};
STATEMENT(t_types);
static const struct statement t_divide = { "t_divide", "select 1 / $1::bigint as n" };
STATEMENT(t_divide);
static const struct statement t_set = { "t_set", "select set_config('enroll.role', $1::text, true) as role" };
STATEMENT(t_set);
static const struct statement t_who = { "t_who",
					"select coalesce(current_setting('enroll.role', true), 'unset') as role" };
STATEMENT(t_who);
static const struct statement t_add = { "t_add", "insert into t (id, v) values ($1::bigint, $2::text)" };
STATEMENT(t_add);
static const struct statement t_add_later = { "t_add_later", "insert into t_later (id) values ($1::bigint)" };
STATEMENT(t_add_later);
static const struct statement t_count = { "t_count", "select count(*) as n from t" };
STATEMENT(t_count);
static const struct statement t_lock = { "t_lock", "select v from t where id = $1::bigint for update" };
STATEMENT(t_lock);
static const struct statement t_sleep = { "t_sleep", "select pg_sleep($1::float8)" };
STATEMENT(t_sleep);
static const struct statement t_pid = { "t_pid", "select pg_backend_pid() as pid" };
STATEMENT(t_pid);
static const struct statement t_missing = { "t_missing", "select nothing from no_such_table" };
STATEMENT(t_missing);
static const struct statement t_long = { "t_long", "select repeat('x', $1::int) as t, length($2::text) as n" };
STATEMENT(t_long);
static const struct statement t_zone = {
	"t_zone", "select current_setting('TimeZone') as z, current_setting('DateStyle') as d, "
		  "current_setting('lock_timeout') as l, "
		  "current_setting('statement_timeout') as s, current_setting('search_path') as p"
};
STATEMENT(t_zone);

static const struct statement t_shape = { "t_shape", "select * from t_shape" };
STATEMENT(t_shape);
static const struct statement t_wait_then_add = {
	"t_wait_then_add",
	"insert into t (id, v) select $1::bigint, v from (select pg_sleep(0.3), v from t where id = $2::bigint "
	"for update) x"
};
STATEMENT(t_wait_then_add);

static struct pool *pool;
static struct lanes *lanes;

static const struct lanes_options service = { .fast = 1, .write = 2, .slow = 1, .slow_timeout_ms = 300 };

static struct lanes *open_lanes(const struct lanes_options *like)
{
	struct lanes_options o = *like;
	struct err e;
	o.dsn = pgtest_dsn();
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	assert_non_null(l);
	return l;
}

static int group(void **state)
{
	(void)state;
	pgtest_sql(
		pgtest_cluster()->owner_dsn,
		"create schema if not exists enroll; create table t (id bigint primary key, v text);"
		"create table t_later (id bigint, constraint t_later_once unique (id) deferrable initially deferred);"
		"create table t_shape as select 1 as a;"
		"create table t_mail (email text constraint account_email unique);"
		"grant usage on schema enroll to enroll_service; grant all on all tables in schema enroll to "
		"enroll_service;");
	return 0;
}

static int setup(void **state)
{
	(void)state;
	pgtest_sql(pgtest_cluster()->owner_dsn, "truncate t, t_later");
	pool = pool_new();
	lanes = open_lanes(&service);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lanes_close(lanes);
	pool_free(pool);
	return 0;
}

/* ---- helpers ---- */

struct seen {
	bool done;
	int order;
	bool failed;
	struct err e;
};
static int order;

static void note(struct segment *s, void *arg)
{
	struct seen *x = arg;
	assert_false(x->done); /* once only */
	x->done = true;
	x->order = ++order;
	x->failed = segment_failed(s, &x->e);
}

static void wait_for(const bool *flag)
{
	struct err e;
	assert_int_equal(db_wait(lanes, flag, &e), 0);
}

static void send(struct segment *s)
{
	struct err e;
	assert_int_equal(segment_send(s, &e), 0);
}

static int64_t count_rows(void)
{
	struct err e;
	const struct rows *r;
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_count, NO_ARGS, &r, &e), 0);
	return rows_i64(r, 0, "n");
}

static int64_t pid_of(enum lane lane)
{
	struct err e;
	const struct rows *r;
	assert_int_equal(db_run(lanes, pool, lane, &t_pid, NO_ARGS, &r, &e), 0);
	return rows_i64(r, 0, "pid");
}

static void end_backend(int64_t pid)
{
	char sql[96];
	snprintf(sql, sizeof sql, "select pg_terminate_backend(%lld)", (long long)pid);
	pgtest_sql(pgtest_cluster()->super_dsn, sql);
}

/* ---- values ---- */

static void values_of_every_type_travel_both_ways(void **state)
{
	(void)state;
	struct err e;
	const struct rows *r;
	const unsigned char bytes[] = { 0, 1, 255, '\\', '\'' };
	const char *texts[] = { "a", "with \"quotes\" and \\ and , and {}", "é" };
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_types,
				ARGS(arg_text("N\xe2\x80\x99Guessan"), arg_bytes(bytes, sizeof bytes),
				     arg_day(pool, day_from_ymd(2026, 11, 22)), arg_instant(pool, -1), arg_bool(true),
				     arg_texts(pool, texts, 3)),
				&r, &e),
			 0);
	assert_int_equal(rows_count(r), 1);
	assert_string_equal(rows_text(r, 0, "t"), "N\xe2\x80\x99Guessan");
	size_t n;
	const unsigned char *b = rows_bytes(r, 0, "b", pool, &n);
	assert_int_equal(n, sizeof bytes);
	assert_memory_equal(b, bytes, n);
	assert_int_equal(rows_day(r, 0, "d"), day_from_ymd(2026, 11, 22));
	assert_int_equal(rows_instant(r, 0, "i"), -1);
	assert_true(rows_bool(r, 0, "o"));
	assert_int_equal(rows_i64(r, 0, "n"), 3);
	assert_string_equal(rows_text(r, 0, "second"), texts[1]);
	assert_true(rows_f64(r, 0, "f") > 1.49 && rows_f64(r, 0, "f") < 1.51);
	assert_true(rows_null(r, 0, "nothing"));
	assert_null(rows_text(r, 0, "nothing"));
	assert_string_equal(rows_str(r, 0, "nothing"), "");
	assert_null(rows_text(r, 1, "t"));
	assert_null(rows_text(r, 0, "no_such_column"));
	assert_int_equal(rows_count(NULL), 0);
}

static void nothing_is_null_for_days_instants_and_texts(void **state)
{
	(void)state;
	struct err e;
	const struct rows *r;
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_types,
				ARGS(arg_text(NULL), arg_text(NULL), arg_day(pool, DAY_NONE),
				     arg_instant(pool, INSTANT_NONE), arg_text(NULL), arg_texts(pool, NULL, 0)),
				&r, &e),
			 0);
	assert_true(rows_null(r, 0, "t") && rows_null(r, 0, "b") && rows_null(r, 0, "o"));
	assert_int_equal(rows_day(r, 0, "d"), DAY_NONE);
	assert_int_equal(rows_instant(r, 0, "i"), INSTANT_NONE);
	assert_string_equal(rows_text(r, 0, "a"), "{}");
}

static void a_session_speaks_utc_and_iso_and_knows_its_lane(void **state)
{
	(void)state;
	struct err e;
	const struct rows *r;
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_zone, NO_ARGS, &r, &e), 0);
	assert_string_equal(rows_text(r, 0, "z"), "UTC");
	assert_string_equal(rows_text(r, 0, "d"), "ISO, YMD");
	assert_string_equal(rows_text(r, 0, "l"), "5s");
	assert_string_equal(rows_text(r, 0, "p"), "enroll, pg_temp");
	assert_int_equal(db_run(lanes, pool, LANE_SLOW, &t_zone, NO_ARGS, &r, &e), 0);
	assert_string_equal(rows_text(r, 0, "s"), "300ms");
}

/* ---- segments ---- */

static void segments_are_answered_in_the_order_they_were_sent(void **state)
{
	(void)state;
	enum { N = 200 };
	struct seen seen[N] = { 0 };
	struct segment *s[N];
	order = 0;
	for (int i = 0; i < N; i++) {
		s[i] = segment_new(lanes, pool, LANE_FAST, note, &seen[i]);
		segment_ask(s[i], &t_number, ARGS(arg_i64(pool, i)));
		segment_ask(s[i], &t_number, ARGS(arg_i64(pool, -i)));
		send(s[i]);
	}
	wait_for(&seen[N - 1].done);
	for (int i = 0; i < N; i++) {
		assert_true(seen[i].done);
		assert_false(seen[i].failed);
		assert_int_equal(seen[i].order, i + 1);
		assert_int_equal(rows_i64(segment_rows(s[i], 0), 0, "n"), i);
		assert_int_equal(rows_i64(segment_rows(s[i], 1), 0, "n"), -i);
	}
	assert_int_equal(lanes_counts(lanes).segments, N);
}

static void an_error_stays_in_its_own_segment(void **state)
{
	(void)state;
	struct seen seen[3] = { 0 };
	struct segment *s[3];
	for (int i = 0; i < 3; i++) {
		s[i] = segment_new(lanes, pool, LANE_FAST, note, &seen[i]);
		segment_ask(s[i], &t_number, ARGS(arg_i64(pool, 7)));
		segment_ask(s[i], &t_divide, ARGS(arg_i64(pool, i == 1 ? 0 : 1)));
		segment_ask(s[i], &t_number, ARGS(arg_i64(pool, 8)));
		send(s[i]);
	}
	wait_for(&seen[2].done);
	assert_false(seen[0].failed);
	assert_false(seen[2].failed);
	assert_int_equal(rows_i64(segment_rows(s[2], 2), 0, "n"), 8);
	assert_true(seen[1].failed);
	assert_int_equal(seen[1].e.kind, ERR_FAULT);
	assert_non_null(strstr(seen[1].e.detail, "22012"));
	assert_non_null(strstr(seen[1].e.detail, "t_divide"));
	assert_int_equal(rows_i64(segment_rows(s[1], 0), 0, "n"), 7);
	assert_null(segment_rows(s[1], 1));
	assert_null(segment_rows(s[1], 2));
}

static void an_identity_lasts_exactly_one_segment(void **state)
{
	(void)state;
	struct seen seen[3] = { 0 };
	struct segment *s[3];
	for (int i = 0; i < 3; i++) {
		s[i] = segment_new(lanes, pool, LANE_FAST, note, &seen[i]);
		if (i == 1)
			segment_ask(s[i], &t_set, ARGS(arg_text("delegate")));
		segment_ask(s[i], &t_who, NO_ARGS);
		send(s[i]);
	}
	wait_for(&seen[2].done);
	assert_string_not_equal(rows_text(segment_rows(s[0], 0), 0, "role"), "delegate");
	assert_string_equal(rows_text(segment_rows(s[1], 1), 0, "role"), "delegate");
	assert_string_equal(rows_text(segment_rows(s[2], 0), 0, "role"), "");
}

static void an_identity_does_not_survive_a_failed_segment(void **state)
{
	(void)state;
	struct seen seen[2] = { 0 };
	struct segment *a = segment_new(lanes, pool, LANE_FAST, note, &seen[0]);
	segment_ask(a, &t_set, ARGS(arg_text("delegate")));
	segment_ask(a, &t_divide, ARGS(arg_i64(pool, 0)));
	send(a);
	struct segment *b = segment_new(lanes, pool, LANE_FAST, note, &seen[1]);
	segment_ask(b, &t_who, NO_ARGS);
	send(b);
	wait_for(&seen[1].done);
	assert_true(seen[0].failed);
	assert_string_not_equal(rows_text(segment_rows(b, 0), 0, "role"), "delegate");
}

static void a_segment_that_writes_is_all_or_nothing(void **state)
{
	(void)state;
	struct err e;
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, NULL, NULL);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("y")));
	assert_int_equal(db_send_wait(s, &e), -1);
	assert_int_equal(count_rows(), 0);
}

static void a_refusal_at_the_sync_itself_is_a_failure(void **state)
{
	(void)state;
	struct err e;
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, NULL, NULL);
	segment_ask(s, &t_add_later, ARGS(arg_i64(pool, 1)));
	segment_ask(s, &t_add_later, ARGS(arg_i64(pool, 1)));
	assert_int_equal(db_send_wait(s, &e), -1);
	assert_non_null(strstr(e.detail, "t_later_once"));
	s = segment_new(lanes, pool, LANE_WRITE, NULL, NULL);
	segment_ask(s, &t_add_later, ARGS(arg_i64(pool, 1)));
	assert_int_equal(db_send_wait(s, &e), 0);
}

static const struct statement t_mail = { "t_mail", "insert into t_mail values ($1::text)" };
STATEMENT(t_mail);

static void a_constraint_tells_the_field_and_the_text(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_mail, ARGS(arg_text("camille@example.org")), NULL, &e), 0);
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_mail, ARGS(arg_text("camille@example.org")), NULL, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.field, "email");
	assert_non_null(strstr(e.detail, "account_email"));
	assert_null(strstr(e.detail, "camille"));
}

static void a_statement_that_cannot_be_prepared_fails_where_it_is_used(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_missing, NO_ARGS, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_non_null(strstr(e.detail, "42P01"));
	pgtest_sql(pgtest_cluster()->owner_dsn,
		   "create table no_such_table (nothing text); grant select on no_such_table to enroll_service");
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_missing, NO_ARGS, NULL, &e), 0);
	pgtest_sql(pgtest_cluster()->owner_dsn, "drop table no_such_table");
}

static void an_empty_segment_is_answered_too(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(db_send_wait(segment_new(lanes, pool, LANE_FAST, NULL, NULL), &e), 0);
}

static void megabytes_both_ways_do_not_block(void **state)
{
	(void)state;
	enum { N = 6, SIZE = 3000000 };
	struct seen seen[N] = { 0 };
	struct segment *s[N];
	char *text = pool_alloc(pool, SIZE + 1);
	memset(text, 'y', SIZE);
	for (int i = 0; i < N; i++) {
		s[i] = segment_new(lanes, pool, LANE_FAST, note, &seen[i]);
		segment_ask(s[i], &t_long, ARGS(arg_i64(pool, SIZE), arg_text(text)));
		send(s[i]);
	}
	wait_for(&seen[N - 1].done);
	for (int i = 0; i < N; i++) {
		assert_int_equal(strlen(rows_text(segment_rows(s[i], 0), 0, "t")), SIZE);
		assert_int_equal(rows_i64(segment_rows(s[i], 0), 0, "n"), SIZE);
	}
}

static void the_slow_lane_gives_up_in_time_and_holds_nobody(void **state)
{
	(void)state;
	struct seen slow = { 0 };
	struct err e;
	struct segment *s = segment_new(lanes, pool, LANE_SLOW, note, &slow);
	segment_ask(s, &t_sleep, ARGS(arg_text("20")));
	send(s);
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 1)), NULL, &e), 0);
	assert_false(slow.done);
	wait_for(&slow.done);
	assert_true(slow.failed);
	assert_int_equal(slow.e.kind, ERR_BUSY);
	assert_non_null(strstr(slow.e.detail, "57014"));
}

static void a_full_queue_refuses_and_says_so(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	struct seen seen[3] = { 0 };
	lanes_close(lanes);
	o.queue_max = 3;
	lanes = open_lanes(&o);
	for (int i = 0; i < 4; i++) {
		struct segment *s = segment_new(lanes, pool, LANE_FAST, note, i < 3 ? &seen[i] : NULL);
		segment_ask(s, &t_number, ARGS(arg_i64(pool, i)));
		assert_int_equal(segment_send(s, &e), i < 3 ? 0 : -1);
	}
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(lanes_counts(lanes).busy, 1);
	assert_int_equal(lanes_counts(lanes).waiting[LANE_FAST], 3);
	wait_for(&seen[2].done);
	assert_false(seen[0].failed || seen[1].failed || seen[2].failed);
}

static void a_cancelled_read_is_dropped_and_never_sent(void **state)
{
	(void)state;
	struct seen seen[3] = { 0 };
	struct segment *s[3];
	for (int i = 0; i < 3; i++) {
		s[i] = segment_new(lanes, pool, LANE_FAST, note, &seen[i]);
		segment_ask(s[i], &t_number, ARGS(arg_i64(pool, i)));
		send(s[i]);
	}
	segment_cancel(s[1]);
	wait_for(&seen[2].done);
	assert_true(seen[1].done && seen[1].failed);
	assert_int_equal(seen[1].e.kind, ERR_BUSY);
	assert_false(seen[0].failed || seen[2].failed);
	assert_int_equal(lanes_counts(lanes).segments, 2);
	assert_int_equal(lanes_counts(lanes).dropped, 1);
}

static void a_cancelled_write_is_finished(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, note, &seen);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	send(s);
	segment_cancel(s);
	wait_for(&seen.done);
	assert_false(seen.failed);
	assert_int_equal(count_rows(), 1);
}

static void a_pool_freed_too_early_takes_its_segments_along(void **state)
{
	(void)state;
	struct err e;
	struct seen never[2] = { 0 }, last = { 0 };
	struct pool *short_lived = pool_new(), *other = pool_new();
	/* One on its way, one still waiting. */
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 0)), NULL, &e), 0);
	struct segment *a = segment_new(lanes, short_lived, LANE_FAST, note, &never[0]);
	segment_ask(a, &t_number, ARGS(arg_i64(short_lived, 1)));
	send(a);
	lanes_dispatch(lanes);
	struct segment *b = segment_new(lanes, other, LANE_FAST, note, &never[1]);
	segment_ask(b, &t_number, ARGS(arg_i64(other, 2)));
	send(b);
	struct segment *c = segment_new(lanes, pool, LANE_FAST, note, &last);
	segment_ask(c, &t_number, ARGS(arg_i64(pool, 3)));
	send(c);
	pool_free(short_lived);
	pool_free(other);
	wait_for(&last.done);
	assert_int_equal(rows_i64(segment_rows(c, 0), 0, "n"), 3);
	assert_false(never[0].done || never[1].done);
}

static void free_both(struct segment *s, void *arg)
{
	(void)s;
	pool_free(arg);
}

static void done_may_free_the_pool_of_another_segment_that_ended_with_it(void **state)
{
	(void)state;
	struct err e;
	struct pool *shared = pool_new();
	struct lanes_options o = service;
	o.dsn = "host=/nonexistent";
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	for (int i = 0; i < 2; i++) {
		struct segment *s = segment_new(l, shared, LANE_FAST, free_both, shared);
		segment_ask(s, &t_number, ARGS(arg_i64(shared, i)));
		send(s);
	}
	lanes_close(l); /* both end at once; the first done frees the second */
}

/* ---- connections lost ---- */

static void a_read_lost_with_its_connection_goes_again_once(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	int64_t pid = pid_of(LANE_FAST);
	struct segment *s = segment_new(lanes, pool, LANE_FAST, note, &seen);
	segment_ask(s, &t_sleep, ARGS(arg_text("1")));
	size_t i = segment_ask(s, &t_pid, NO_ARGS);
	send(s);
	lanes_dispatch(lanes);
	end_backend(pid);
	wait_for(&seen.done);
	assert_false(seen.failed);
	assert_int_not_equal(rows_i64(segment_rows(s, i), 0, "pid"), pid);
	assert_int_equal(lanes_counts(lanes).lost, 1);
}

static void a_write_lost_with_its_connection_is_unsure(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	int64_t pid = pid_of(LANE_WRITE);
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, note, &seen);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	segment_ask(s, &t_sleep, ARGS(arg_text("5")));
	send(s);
	lanes_dispatch(lanes);
	/* SIGKILL leaves no message: nobody can know. */
	pgtest_kill_backend((pid_t)pid);
	wait_for(&seen.done);
	assert_true(seen.failed);
	assert_int_equal(seen.e.kind, ERR_UNSURE);
	assert_int_equal(lanes_counts(lanes).unsure, 1);
	assert_int_equal(count_rows(), 0);
}

static void lanes_survive_the_death_of_the_whole_server(void **state)
{
	(void)state;
	struct err e;
	struct cluster *c = pgtest_cluster();
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_add, ARGS(arg_i64(pool, 5), arg_text("kept")), NULL, &e),
			 0);
	pid_of(LANE_FAST);
	assert_true(cluster_alive(c));
	kill(c->pid, SIGKILL);
	while (cluster_alive(c))
		usleep(1000);
	struct seen seen = { 0 };
	struct segment *s = segment_new(lanes, pool, LANE_FAST, note, &seen);
	segment_ask(s, &t_count, NO_ARGS);
	send(s);
	lanes_dispatch(lanes);
	struct pool *p = pool_new();
	struct cluster again;
	assert_int_equal(cluster_start(c->home, p, &again, &e), 0);
	assert_string_equal(again.dsn, c->dsn);
	wait_for(&seen.done);
	assert_false(seen.failed);
	assert_int_equal(rows_i64(segment_rows(s, 0), 0, "n"), 1);
	/* The first handle takes the new server over, for the tests that follow. */
	c->pid = again.pid;
	again.pid = 0;
	cluster_stop(&again);
	pool_free(p);
	assert_true(cluster_alive(c));
}

static void without_a_server_a_segment_is_busy_after_a_while(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	o.dsn = "host=/nonexistent";
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	assert_non_null(l);
	assert_int_equal(db_run(l, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 1)), NULL, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_false(lanes_up(l));
	lanes_close(l);
}

static void a_loop_without_a_server_rests_between_its_tries(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	o.dsn = "host=/nonexistent";
	o.slow = 2;
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	assert_non_null(l);
	for (int lane = LANE_FAST; lane <= LANE_SLOW; lane++) {
		struct segment *s = segment_new(l, pool, (enum lane)lane, NULL, NULL);
		segment_ask(s, &t_number, ARGS(arg_i64(pool, 1)));
		assert_int_equal(segment_send(s, &e), 0);
	}
	int turns = 0;
	for (int64_t end = clock_monotonic() + SECOND; clock_monotonic() < end; turns++) {
		lanes_dispatch(l);
		int ms = lanes_timeout(l);
		assert_true(ms >= 0);
		poll(NULL, 0, ms < 1000 ? ms : 1000);
	}
	assert_in_range(turns, 3, 100);
	lanes_close(l);
}

static void several_hosts_are_tried_until_one_answers(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	o.dsn = pool_printf(
		pool,
		"host=/nonexistent,%s port=5432 dbname=enroll user=enroll_service target_session_attrs=read-write",
		pool_printf(pool, "%s/socket", pgtest_cluster()->folder));
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	assert_int_equal(db_run(l, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 1)), NULL, &e), 0);
	lanes_close(l);
}

static void a_standby_answers_what_it_may_while_there_is_no_primary(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	const char *socket = pool_printf(pool, "%s/socket", pgtest_cluster()->folder);
	/* Two hosts, neither of them what the lanes look for: as between the loss of one and the promotion of the
	 * other. */
	o.dsn = pool_printf(pool, "host=%s,%s port=5432 dbname=enroll user=enroll_service target_session_attrs=standby",
			    socket, socket);
	o.standby = true;
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	struct seen stays = { 0 };
	struct segment *stay = segment_new(l, pool, LANE_FAST, note, &stays);
	segment_ask(stay, &t_number, ARGS(arg_i64(pool, 1)));
	assert_int_equal(segment_send(stay, &e), 0);
	for (int i = 0; i < 2; i++) {
		struct segment *s = segment_new(l, pool, i ? LANE_SLOW : LANE_FAST, NULL, NULL);
		segment_anywhere(s);
		segment_ask(s, &t_number, ARGS(arg_i64(pool, 7)));
		assert_int_equal(db_send_wait(s, &e), 0);
		assert_int_equal(rows_i64(segment_rows(s, 0), 0, "n"), 7);
	}
	assert_false(stays.done);
	assert_false(lanes_up(l));
	assert_true(lanes_on_standby(l, LANE_FAST));
	lanes_close(l);
	assert_true(stays.failed);
	/* With one host there is no other to ask. */
	o.dsn = "host=/nonexistent";
	l = lanes_open(&o, NULL, NULL, &e);
	assert_int_equal(db_run(l, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 1)), NULL, &e), -1);
	assert_false(lanes_on_standby(l, LANE_FAST));
	lanes_close(l);
}

static void a_standby_is_left_when_the_primary_is_there(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	const char *socket = pool_printf(pool, "%s/socket", pgtest_cluster()->folder);
	o.dsn = pool_printf(pool, "host=%s,/nonexistent port=5432 dbname=enroll user=enroll_service", socket);
	o.standby = true;
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	for (int i = 0; i < 3; i++) {
		struct segment *s = segment_new(l, pool, LANE_FAST, NULL, NULL);
		segment_anywhere(s);
		segment_ask(s, &t_number, ARGS(arg_i64(pool, 7)));
		assert_int_equal(db_send_wait(s, &e), 0);
	}
	assert_false(lanes_on_standby(l, LANE_FAST));
	assert_int_equal(lanes_counts(l).waiting[LANE_STANDBY], 0);
	lanes_close(l);
}

static void a_changed_schema_is_prepared_again_unseen(void **state)
{
	(void)state;
	struct err e;
	const struct rows *r;
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_shape, NO_ARGS, &r, &e), 0);
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_shape, NO_ARGS, &r, &e), 0);
	pgtest_sql(pgtest_cluster()->owner_dsn, "alter table t_shape add column b int default 2");
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_shape, NO_ARGS, &r, &e), 0);
	assert_int_equal(rows_i64(r, 0, "b"), 2);
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &t_shape, NO_ARGS, &r, &e), 0);
	/* A transaction is told to begin again: the first flight may have been long ago. */
	pgtest_sql(pgtest_cluster()->owner_dsn, "alter table t_shape add column c int default 3");
	int kinds[ERR_FAULT + 1] = { 0 };
	for (int i = 0; i < 5 && !kinds[ERR_NONE]; i++) {
		struct tx *t = tx_new(lanes, pool);
		struct segment *s = tx_flight(t, NULL, NULL);
		segment_ask(s, &t_shape, NO_ARGS);
		tx_commit(t);
		kinds[db_send_wait(s, &e) ? e.kind : ERR_NONE]++;
	}
	assert_int_equal(kinds[ERR_NONE], 1);
	assert_int_equal(kinds[ERR_RETRY], 1);
}

static void a_segment_undone_by_a_deadlock_is_asked_again(void **state)
{
	(void)state;
	struct err e;
	struct seen seen[2] = { 0 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			db_run(lanes, pool, LANE_WRITE, &t_add, ARGS(arg_i64(pool, i), arg_text("x")), NULL, &e), 0);
	/* Each locks one row, then wants the other's: one of the two is undone, and done after the other. */
	for (int i = 0; i < 2; i++) {
		struct segment *s = segment_new(lanes, pool, LANE_WRITE, note, &seen[i]);
		segment_ask(s, &t_wait_then_add, ARGS(arg_i64(pool, 10 + i), arg_i64(pool, i)));
		segment_ask(s, &t_lock, ARGS(arg_i64(pool, 1 - i)));
		send(s);
	}
	wait_for(&seen[0].done);
	wait_for(&seen[1].done);
	assert_false(seen[0].failed);
	assert_false(seen[1].failed);
	assert_int_equal(count_rows(), 4);
}

static void a_dsn_that_cannot_be_read_is_refused_without_quoting_it(void **state)
{
	(void)state;
	struct err e;
	struct lanes_options o = service;
	o.dsn = "host=a password=secret nonsense";
	assert_null(lanes_open(&o, NULL, NULL, &e));
	assert_int_equal(e.kind, ERR_FAULT);
	assert_null(strstr(e.detail, "secret"));
}

static void closing_tells_everybody_who_waits(void **state)
{
	(void)state;
	struct seen queued = { 0 }, sent = { 0 }, written = { 0 };
	pid_of(LANE_FAST);
	pid_of(LANE_WRITE);
	struct segment *a = segment_new(lanes, pool, LANE_FAST, note, &sent);
	segment_ask(a, &t_sleep, ARGS(arg_text("5")));
	send(a);
	struct segment *w = segment_new(lanes, pool, LANE_WRITE, note, &written);
	segment_ask(w, &t_sleep, ARGS(arg_text("5")));
	send(w);
	lanes_dispatch(lanes);
	struct segment *b = segment_new(lanes, pool, LANE_FAST, note, &queued);
	segment_ask(b, &t_number, ARGS(arg_i64(pool, 1)));
	send(b);
	lanes_close(lanes);
	assert_true(sent.failed && queued.failed && written.failed);
	assert_int_equal(queued.e.kind, ERR_BUSY);
	assert_int_equal(sent.e.kind, ERR_BUSY);
	assert_int_equal(written.e.kind, ERR_UNSURE);
	lanes = open_lanes(&service);
}

/* ---- a watcher in the place of an event loop ---- */

struct watched {
	struct {
		int fd;
		bool r, w;
	} fds[16];
	size_t n;
	unsigned closed;
};

static void watch(void *context, int fd, bool r, bool w)
{
	struct watched *x = context;
	size_t i = 0;
	while (i < x->n && x->fds[i].fd != fd)
		i++;
	if (!r && !w) {
		assert_true(i < x->n); /* it was told of it before */
		x->fds[i] = x->fds[--x->n];
		assert_int_equal(close(fd), 0);
		x->closed++;
		return;
	}
	if (i == x->n)
		x->n++;
	assert_true(x->n < COUNT(x->fds));
	x->fds[i].fd = fd;
	x->fds[i].r = r;
	x->fds[i].w = w;
}

static void turn(struct lanes *l, struct watched *x)
{
	struct pollfd p[16];
	size_t n = x->n;
	lanes_dispatch(l);
	n = x->n;
	for (size_t i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = x->fds[i].fd,
					.events = (short)((x->fds[i].r ? POLLIN : 0) | (x->fds[i].w ? POLLOUT : 0)) };
	int ms = lanes_timeout(l);
	poll(p, n, ms < 0 || ms > 1000 ? 1000 : ms);
	for (size_t i = 0; i < n; i++)
		if (p[i].revents)
			lanes_ready(l, p[i].fd, p[i].revents & (POLLIN | POLLHUP | POLLERR), p[i].revents & POLLOUT);
}

static void a_loop_owns_duplicates_and_hears_of_every_change(void **state)
{
	(void)state;
	struct err e;
	struct watched x = { 0 };
	struct seen seen[4] = { 0 };
	struct lanes_options o = service;
	o.dsn = pgtest_dsn();
	struct lanes *l = lanes_open(&o, watch, &x, &e);
	char *text = pool_alloc(pool, 4000001);
	memset(text, 'z', 4000000);
	for (int i = 0; i < 3; i++) {
		struct segment *s = segment_new(l, pool, LANE_FAST, note, &seen[i]);
		segment_ask(s, &t_long, ARGS(arg_i64(pool, 2000000), arg_text(text)));
		send(s);
	}
	for (int i = 0; i < 10000 && !seen[2].done; i++)
		turn(l, &x);
	assert_true(seen[2].done);
	assert_false(seen[0].failed || seen[1].failed || seen[2].failed);
	for (int i = 0; i < 1000 && !lanes_up(l); i++)
		turn(l, &x);
	assert_true(lanes_up(l));
	lanes_dispatch(l);
	/* At rest nothing is to be written: a loop must not spin. */
	for (size_t i = 0; i < x.n; i++)
		assert_true(x.fds[i].r && !x.fds[i].w);
	assert_int_equal(lanes_timeout(l), -1);
	pgtest_sql(pgtest_cluster()->super_dsn,
		   "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'enroll_service'");
	struct segment *s = segment_new(l, pool, LANE_FAST, note, &seen[3]);
	segment_ask(s, &t_number, ARGS(arg_i64(pool, 9)));
	send(s);
	for (int i = 0; i < 10000 && !seen[3].done; i++)
		turn(l, &x);
	assert_false(seen[3].failed);
	lanes_close(l);
	assert_int_equal(x.n, 0);
	assert_true(x.closed >= 2);
}

/* ---- transactions ---- */

static void a_transaction_of_two_flights_commits(void **state)
{
	(void)state;
	struct err e;
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	size_t i = segment_ask(s, &t_count, NO_ARGS);
	assert_int_equal(db_send_wait(s, &e), 0);
	assert_int_equal(rows_i64(segment_rows(s, i), 0, "n"), 1);
	assert_int_equal(count_rows(), 0); /* not seen from elsewhere */
	s = tx_flight(t, NULL, NULL);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 2), arg_text("y")));
	tx_commit(t);
	assert_int_equal(db_send_wait(s, &e), 0);
	assert_int_equal(rows_affected(segment_rows(s, 0)), 1);
	assert_int_equal(count_rows(), 2);
}

static void a_transaction_rolled_back_leaves_nothing_and_frees_its_connection(void **state)
{
	(void)state;
	struct err e;
	for (int i = 0; i < 5; i++) {
		struct tx *t = tx_new(lanes, pool);
		struct segment *s = tx_flight(t, NULL, NULL);
		segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
		assert_int_equal(db_send_wait(s, &e), 0);
		tx_rollback(t);
	}
	assert_int_equal(count_rows(), 0);
}

static void a_failed_flight_rolls_back_by_itself(void **state)
{
	(void)state;
	struct err e;
	for (int i = 0; i < 5; i++) {
		struct tx *t = tx_new(lanes, pool);
		struct segment *s = tx_flight(t, NULL, NULL);
		segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
		segment_ask(s, &t_divide, ARGS(arg_i64(pool, 0)));
		segment_ask(s, &t_add, ARGS(arg_i64(pool, 2), arg_text("x")));
		tx_commit(t);
		assert_int_equal(db_send_wait(s, &e), -1);
		assert_int_equal(e.kind, ERR_FAULT);
		assert_non_null(strstr(e.detail, "t_divide"));
		s = tx_flight(t, NULL, NULL);
		assert_int_equal(segment_send(s, &e), -1);
		tx_rollback(t);
	}
	assert_int_equal(count_rows(), 0);
}

static void a_commit_that_is_refused_is_told(void **state)
{
	(void)state;
	struct err e;
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	segment_ask(s, &t_add_later, ARGS(arg_i64(pool, 1)));
	segment_ask(s, &t_add_later, ARGS(arg_i64(pool, 1)));
	tx_commit(t);
	assert_int_equal(db_send_wait(s, &e), -1);
	assert_non_null(strstr(e.detail, "t_later_once"));
	assert_int_equal(count_rows(), 0);
}

static void a_transaction_holds_one_connection_and_others_wait_their_turn(void **state)
{
	(void)state;
	struct err e;
	struct tx *held[2];
	for (int i = 0; i < 2; i++) {
		held[i] = tx_new(lanes, pool);
		struct segment *s = tx_flight(held[i], NULL, NULL);
		segment_ask(s, &t_number, ARGS(arg_i64(pool, 1)));
		assert_int_equal(db_send_wait(s, &e), 0);
	}
	struct seen third = { 0 };
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, note, &third);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 3), arg_text("z")));
	tx_commit(t);
	send(s);
	assert_int_equal(db_run(lanes, pool, LANE_FAST, &t_number, ARGS(arg_i64(pool, 1)), NULL, &e), 0);
	assert_false(third.done);
	assert_int_equal(lanes_counts(lanes).waiting[LANE_WRITE], 1);
	tx_rollback(held[0]);
	wait_for(&third.done);
	assert_false(third.failed);
	tx_rollback(held[1]);
}

static void a_deadlock_asks_to_try_again(void **state)
{
	(void)state;
	struct err e;
	struct tx *t[2];
	struct seen seen[2] = { 0 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			db_run(lanes, pool, LANE_WRITE, &t_add, ARGS(arg_i64(pool, i), arg_text("x")), NULL, &e), 0);
	for (int i = 0; i < 2; i++) {
		t[i] = tx_new(lanes, pool);
		struct segment *s = tx_flight(t[i], NULL, NULL);
		segment_ask(s, &t_lock, ARGS(arg_i64(pool, i)));
		assert_int_equal(db_send_wait(s, &e), 0);
	}
	for (int i = 0; i < 2; i++) {
		struct segment *s = tx_flight(t[i], note, &seen[i]);
		segment_ask(s, &t_lock, ARGS(arg_i64(pool, 1 - i)));
		tx_commit(t[i]);
		send(s);
	}
	wait_for(&seen[0].done);
	wait_for(&seen[1].done);
	assert_int_equal(seen[0].failed + seen[1].failed, 1);
	assert_int_equal(seen[seen[0].failed ? 0 : 1].e.kind, ERR_RETRY);
}

static void a_connection_lost_before_the_commit_asks_to_try_again(void **state)
{
	(void)state;
	struct err e;
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	size_t i = segment_ask(s, &t_pid, NO_ARGS);
	assert_int_equal(db_send_wait(s, &e), 0);
	end_backend(rows_i64(segment_rows(s, i), 0, "pid"));
	s = tx_flight(t, NULL, NULL);
	tx_commit(t);
	/* Whether it was noticed before sending or not, it must not be taken for done. */
	assert_int_equal(db_send_wait(s, &e), -1);
	assert_true(e.kind == ERR_RETRY || e.kind == ERR_UNSURE);
	assert_int_equal(count_rows(), 0);
}

static void a_connection_lost_with_the_commit_is_unsure(void **state)
{
	(void)state;
	struct err e;
	struct seen seen = { 0 };
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	size_t i = segment_ask(s, &t_pid, NO_ARGS);
	assert_int_equal(db_send_wait(s, &e), 0);
	int64_t pid = rows_i64(segment_rows(s, i), 0, "pid");
	s = tx_flight(t, note, &seen);
	segment_ask(s, &t_sleep, ARGS(arg_text("5")));
	tx_commit(t);
	send(s);
	lanes_dispatch(lanes);
	pgtest_kill_backend((pid_t)pid);
	wait_for(&seen.done);
	assert_int_equal(seen.e.kind, ERR_UNSURE);
}

static void a_connection_ended_by_an_administrator_before_the_commit_is_sure(void **state)
{
	(void)state;
	struct err e;
	struct seen seen = { 0 };
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	size_t i = segment_ask(s, &t_pid, NO_ARGS);
	assert_int_equal(db_send_wait(s, &e), 0);
	int64_t pid = rows_i64(segment_rows(s, i), 0, "pid");
	s = tx_flight(t, note, &seen);
	segment_ask(s, &t_sleep, ARGS(arg_text("5")));
	tx_commit(t);
	send(s);
	lanes_dispatch(lanes);
	usleep(50000);
	end_backend(pid);
	wait_for(&seen.done);
	assert_int_equal(seen.e.kind, ERR_RETRY);
}

static void a_transaction_whose_pool_goes_is_rolled_back(void **state)
{
	(void)state;
	struct err e;
	for (int i = 0; i < 5; i++) {
		struct pool *p = pool_new();
		struct tx *t = tx_new(lanes, p);
		struct segment *s = tx_flight(t, NULL, NULL);
		segment_ask(s, &t_add, ARGS(arg_i64(p, i), arg_text("x")));
		assert_int_equal(db_send_wait(s, &e), 0);
		if (i % 2) {
			/* … with a flight on its way */
			s = tx_flight(t, note, NULL);
			segment_ask(s, &t_sleep, ARGS(arg_text("0.05")));
			if (i == 3)
				tx_commit(t);
			send(s);
			lanes_dispatch(lanes);
		}
		pool_free(p);
	}
	/* The one whose COMMIT had left may have been carried out; the locks and the connections are free either way.
	 */
	assert_true(count_rows() <= 1);
	pgtest_sql(pgtest_cluster()->owner_dsn, "set lock_timeout = '5s'; truncate t");
	assert_int_equal(count_rows(), 0);
}

static void a_flight_out_of_turn_is_refused(void **state)
{
	(void)state;
	struct err e;
	struct tx *t = tx_new(lanes, pool);
	struct segment *a = tx_flight(t, NULL, NULL);
	segment_ask(a, &t_number, ARGS(arg_i64(pool, 1)));
	assert_int_equal(db_send_wait(a, &e), 0);
	assert_int_equal(segment_send(a, &e), -1);
	struct segment *b = tx_flight(t, NULL, NULL);
	tx_commit(t);
	assert_int_equal(db_send_wait(b, &e), 0);
	struct segment *c = tx_flight(t, NULL, NULL);
	assert_int_equal(segment_send(c, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
}

static void one_connection_serves_all_lanes_of_a_tool(void **state)
{
	(void)state;
	struct err e;
	const struct lanes_options tool = { .write = 1 };
	lanes_close(lanes);
	lanes = open_lanes(&tool);
	int64_t pid = pid_of(LANE_FAST);
	assert_int_equal(pid_of(LANE_WRITE), pid);
	assert_int_equal(pid_of(LANE_SLOW), pid);
	struct tx *t = tx_new(lanes, pool);
	struct segment *s = tx_flight(t, NULL, NULL);
	segment_ask(s, &t_add, ARGS(arg_i64(pool, 1), arg_text("x")));
	tx_commit(t);
	assert_int_equal(db_send_wait(s, &e), 0);
	assert_int_equal(count_rows(), 1);
	assert_true(lanes_up(lanes));
}

/* ---- scripts and COPY ---- */

static void a_script_is_all_or_nothing_and_tells_the_line(void **state)
{
	(void)state;
	struct err e;
	const char *dsn = pgtest_cluster()->owner_dsn;
	assert_int_equal(
		db_script(dsn, "insert into t values (1, 'é');\n\ninsert into t values (2, no_such_column);", &e), -1);
	assert_non_null(strstr(e.detail, "line 3"));
	assert_int_equal(count_rows(), 0);
	assert_int_equal(db_script(dsn, "insert into t values (1); insert into t values (2);", &e), 0);
	assert_int_equal(count_rows(), 2);
}

static void copy_takes_any_text_and_commits_at_its_end(void **state)
{
	(void)state;
	struct err e;
	const char *dsn = pgtest_cluster()->owner_dsn, *odd = "tab\tback\\slash\nline\r\\N é";
	struct copy *c = copy_open(dsn, "delete from t", "copy t (id, v) from stdin", &e);
	assert_non_null(c);
	struct str line = str_in(pool);
	for (int i = 0; i < 1000; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", i);
		str_clear(&line);
		copy_field(&line, id, false);
		copy_field(&line, i == 0 ? NULL : odd, true);
		assert_int_equal(copy_write(c, line.s, line.len, &e), 0);
	}
	assert_int_equal(copy_end(c, "update t set v = v where id = 1", &e), 0);
	assert_int_equal(count_rows(), 1000);
	assert_string_equal(pgtest_value(dsn, "select v from t where id = 999"), odd);
	assert_string_equal(pgtest_value(dsn, "select count(*) from t where v is null"), "1");
}

static void a_copy_that_fails_or_is_left_changes_nothing(void **state)
{
	(void)state;
	struct err e;
	const char *dsn = pgtest_cluster()->owner_dsn;
	struct copy *c = copy_open(dsn, NULL, "copy t (id, v) from stdin", &e);
	assert_int_equal(copy_write(c, "1\tx\n", 4, &e), 0);
	copy_abort(c);
	c = copy_open(dsn, NULL, "copy t (id, v) from stdin", &e);
	assert_int_equal(copy_write(c, "1\tx\n", 4, &e), 0);
	assert_int_equal(copy_end(c, "select 1/0", &e), -1);
	c = copy_open(dsn, NULL, "copy t (id, v) from stdin", &e);
	assert_int_equal(copy_write(c, "one\tx\n", 6, &e), 0);
	assert_int_equal(copy_end(c, NULL, &e), -1);
	assert_null(copy_open(dsn, "nonsense", "copy t (id, v) from stdin", &e));
	assert_null(copy_open(dsn, NULL, "select 1", &e));
	assert_int_equal(count_rows(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(values_of_every_type_travel_both_ways),
		T(nothing_is_null_for_days_instants_and_texts),
		T(a_session_speaks_utc_and_iso_and_knows_its_lane),
		T(segments_are_answered_in_the_order_they_were_sent),
		T(an_error_stays_in_its_own_segment),
		T(an_identity_lasts_exactly_one_segment),
		T(an_identity_does_not_survive_a_failed_segment),
		T(a_segment_that_writes_is_all_or_nothing),
		T(a_refusal_at_the_sync_itself_is_a_failure),
		T(a_constraint_tells_the_field_and_the_text),
		T(a_statement_that_cannot_be_prepared_fails_where_it_is_used),
		T(an_empty_segment_is_answered_too),
		T(megabytes_both_ways_do_not_block),
		T(the_slow_lane_gives_up_in_time_and_holds_nobody),
		T(a_full_queue_refuses_and_says_so),
		T(a_cancelled_read_is_dropped_and_never_sent),
		T(a_cancelled_write_is_finished),
		T(a_pool_freed_too_early_takes_its_segments_along),
		T(done_may_free_the_pool_of_another_segment_that_ended_with_it),
		T(a_read_lost_with_its_connection_goes_again_once),
		T(a_write_lost_with_its_connection_is_unsure),
		T(lanes_survive_the_death_of_the_whole_server),
		T(without_a_server_a_segment_is_busy_after_a_while),
		T(a_loop_without_a_server_rests_between_its_tries),
		T(several_hosts_are_tried_until_one_answers),
		T(a_standby_answers_what_it_may_while_there_is_no_primary),
		T(a_standby_is_left_when_the_primary_is_there),
		T(a_changed_schema_is_prepared_again_unseen),
		T(a_segment_undone_by_a_deadlock_is_asked_again),
		T(a_dsn_that_cannot_be_read_is_refused_without_quoting_it),
		T(closing_tells_everybody_who_waits),
		T(a_loop_owns_duplicates_and_hears_of_every_change),
		T(a_transaction_of_two_flights_commits),
		T(a_transaction_rolled_back_leaves_nothing_and_frees_its_connection),
		T(a_failed_flight_rolls_back_by_itself),
		T(a_commit_that_is_refused_is_told),
		T(a_transaction_holds_one_connection_and_others_wait_their_turn),
		T(a_deadlock_asks_to_try_again),
		T(a_connection_lost_before_the_commit_asks_to_try_again),
		T(a_connection_lost_with_the_commit_is_unsure),
		T(a_connection_ended_by_an_administrator_before_the_commit_is_sure),
		T(a_transaction_whose_pool_goes_is_rolled_back),
		T(a_flight_out_of_turn_is_refused),
		T(one_connection_serves_all_lanes_of_a_tool),
		T(a_script_is_all_or_nothing_and_tells_the_line),
		T(copy_takes_any_text_and_commits_at_its_end),
		T(a_copy_that_fails_or_is_left_changes_nothing),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, group, NULL);
}

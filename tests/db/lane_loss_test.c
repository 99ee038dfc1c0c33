/*
 * Transactions and reads while connections are killed under them: what was acknowledged is there, what was refused is
 * not, "unsure" may be either, and everybody is told exactly once. The same seed asks the same things.
 */
#include "../../db/db.h"
#include "../lib/pgtest.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../lib/test.h"

static const struct statement l_add = { "l_add", "insert into loss (id) values ($1::bigint)" };
STATEMENT(l_add);
static const struct statement l_read = { "l_read", "select count(*) as n from loss where id < 10" };
STATEMENT(l_read);
static const struct statement l_ids = { "l_ids", "select string_agg(id::text, ' ' order by id) as ids from loss" };
STATEMENT(l_ids);
static const struct statement l_backends = {
	"l_backends", "select pid from pg_stat_activity where usename = 'enroll_service' and pid <> pg_backend_pid()"
};
STATEMENT(l_backends);

enum { IDS = 40000, AT_ONCE = 100, SECONDS = 4 };
enum { NOT_DONE, DONE, PERHAPS };

static struct lanes *lanes;
static unsigned char fate[IDS + 1];
static bool told[IDS + 1];
static int live;
static long acknowledged, unsure, refused, read_well;

struct work {
	struct pool *pool;
	struct tx *tx;
	int id;
	bool second;
};

static void over(struct work *w)
{
	assert_false(told[w->id]);
	told[w->id] = true;
	live--;
	pool_free(w->pool);
}

static void step(struct segment *s, void *arg)
{
	struct work *w = arg;
	struct err e;
	if (segment_failed(s, &e)) {
		assert_true(e.kind == ERR_UNSURE || e.kind == ERR_RETRY || e.kind == ERR_BUSY);
		if (e.kind == ERR_UNSURE) {
			fate[w->id] = PERHAPS;
			unsure++;
		} else {
			refused++;
		}
		over(w);
	} else if (w->second) {
		fate[w->id] = DONE;
		acknowledged++;
		over(w);
	} else if (w->id % 7 == 0) {
		tx_rollback(w->tx);
		over(w);
	} else if (w->id % 11 == 0) {
		over(w); /* its pool goes with the transaction open */
	} else {
		struct segment *n = tx_flight(w->tx, step, w);
		w->second = true;
		segment_ask(n, &l_read, NO_ARGS);
		tx_commit(w->tx);
		if (segment_send(n, &e)) {
			refused++;
			over(w);
		}
	}
}

static void read_step(struct segment *s, void *arg)
{
	struct err e;
	if (!segment_failed(s, &e))
		read_well++;
	else
		assert_int_equal(e.kind, ERR_BUSY);
	live--;
	pool_free(arg);
}

static int next_id;

static void one_more(void)
{
	struct pool *pool = pool_new();
	struct err e;
	live++;
	if (rand() % 2) {
		struct segment *s = segment_new(lanes, pool, LANE_FAST, read_step, pool);
		segment_ask(s, &l_read, NO_ARGS);
		assert_int_equal(segment_send(s, &e), 0);
		if (rand() % 10 == 0)
			segment_cancel(s);
		return;
	}
	struct work *w = POOL_NEW(pool, struct work);
	*w = (struct work){ .pool = pool, .id = ++next_id, .tx = tx_new(lanes, pool) };
	struct segment *s = tx_flight(w->tx, step, w);
	segment_ask(s, &l_add, ARGS(arg_i64(pool, w->id)));
	assert_int_equal(segment_send(s, &e), 0);
}

/* ---- a loop ---- */

static struct pollfd fds[16];
static nfds_t fd_count;

static void watch(void *context, int fd, bool r, bool w)
{
	(void)context;
	nfds_t i = 0;
	while (i < fd_count && fds[i].fd != fd)
		i++;
	if (!r && !w) {
		assert_true(i < fd_count);
		fds[i] = fds[--fd_count];
		close(fd);
		return;
	}
	if (i == fd_count)
		assert_true(++fd_count <= COUNT(fds));
	fds[i] = (struct pollfd){ .fd = fd, .events = (short)((r ? POLLIN : 0) | (w ? POLLOUT : 0)) };
}

static void turn(void)
{
	lanes_dispatch(lanes);
	struct pollfd now[COUNT(fds)];
	nfds_t n = fd_count;
	for (nfds_t i = 0; i < n; i++)
		now[i] = fds[i];
	int ms = lanes_timeout(lanes);
	if (poll(now, n, ms < 0 || ms > 50 ? 50 : ms) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (now[i].revents)
			lanes_ready(lanes, now[i].fd, now[i].revents & (POLLIN | POLLERR | POLLHUP),
				    now[i].revents & POLLOUT);
}

static void kill_one(struct lanes *super)
{
	struct pool *pool = pool_new();
	struct err e;
	const struct rows *r;
	if (!db_run(super, pool, LANE_WRITE, &l_backends, NO_ARGS, &r, &e) && rows_count(r)) {
		pid_t pid = (pid_t)rows_i64(r, (size_t)rand() % rows_count(r), "pid");
		/* Ended, its statement cancelled, and rarely the whole server sent into recovery. */
		int how = rand() % 12;
		kill(pid, how == 0 ? SIGKILL : how % 3 ? SIGTERM : SIGINT);
	}
	pool_free(pool);
}

static void what_was_acknowledged_is_there_and_what_was_refused_is_not(void **state)
{
	(void)state;
	struct err e;
	const struct rows *r;
	struct cluster *c = pgtest_cluster();
	struct pool *pool = pool_new();
	const struct lanes_options service = { .dsn = c->dsn, .fast = 1, .write = 4, .slow = 1 };
	const struct lanes_options tool = { .dsn = c->super_dsn, .write = 1 };
	pgtest_sql(c->owner_dsn,
		   "create schema enroll; create table enroll.loss (id bigint primary key);"
		   "grant usage on schema enroll to enroll_service; grant all on enroll.loss to enroll_service");
	lanes = lanes_open(&service, watch, NULL, &e);
	struct lanes *super = lanes_open(&tool, NULL, NULL, &e);
	assert_true(lanes && super);
	srand(7);
	int64_t begin = clock_monotonic(), last = begin;
	while (clock_monotonic() - begin < SECONDS * SECOND && next_id < IDS) {
		while (live < AT_ONCE && next_id < IDS)
			one_more();
		turn();
		if (clock_monotonic() - last > SECOND / 8) {
			last = clock_monotonic();
			kill_one(super);
		}
	}
	while (live)
		turn();
	struct lanes_counts counts = lanes_counts(lanes);
	lanes_close(lanes);
	assert_int_equal(fd_count, 0);
	lanes = lanes_open(&tool, NULL, NULL, &e);
	assert_int_equal(db_run(lanes, pool, LANE_WRITE, &l_ids, NO_ARGS, &r, &e), 0);
	const char *p = rows_str(r, 0, "ids");
	for (int id = 1; id <= next_id; id++) {
		char *end;
		bool there = strtol(p, &end, 10) == id;
		if (there)
			p = end;
		if ((fate[id] == DONE && !there) || (fate[id] == NOT_DONE && there))
			fail_msg("%d: told %d, there %d", id, fate[id], there);
		assert_true(told[id]);
	}
	print_message("%d transactions: %ld acknowledged, %ld refused, %ld unsure; %ld reads; %lu connections lost\n",
		      next_id, acknowledged, refused, unsure, read_well, (unsigned long)counts.lost);
	assert_true(acknowledged > 100 && read_well > 100 && counts.lost > 5);
	lanes_close(lanes);
	lanes_close(super);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_acknowledged_is_there_and_what_was_refused_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The database seen from the service: statements that wait for nobody.
 *
 *	static const struct statement file_by_id = { "file_by_id", "select … where id = $1::bigint" };
 *	STATEMENT(file_by_id);                              registers it: every connection prepares it when it opens
 *
 *	struct segment *s = segment_new(lanes, pool, LANE_FAST, done, arg);
 *	size_t i = segment_ask(s, &file_by_id, ARGS(arg_i64(pool, id)));
 *	segment_send(s);                                    queued; sent at the end of the loop's turn
 *	…
 *	static void done(struct segment *s, void *arg)      once, after the sync: the implicit transaction has committed
 *	{	struct err e;
 *		if (segment_failed(s, &e)) …
 *		const struct rows *r = segment_rows(s, i); …
 *
 * A segment is one pipeline segment with its own sync, hence one implicit transaction: set_config(…, true) in its first
 * statement lasts exactly until its end. A transaction of two flights (read, decide, write) is a `tx`.
 *
 * struct lanes belongs to one thread. It knows no event loop: it tells which descriptors to watch, and is told when
 * they are ready. enrollctl and background threads use db_wait(), which polls.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../server/base/clock.h"
#include "../server/base/err.h"
#include "../server/base/pool.h"

/* ---- statements and their arguments ---- */

struct statement {
	const char *name; /* unique, ≤ 60 characters */
	const char *sql;  /* $n with casts where the type is not evident */
};
/* In a linker section of pointers, so that there is no central list. */
#define STATEMENT(s) \
	static const struct statement *const statement_##s __attribute__((section("enroll_statements"), used)) = &s
/* A public statement and its registration, said once: SQL(file_by_id, "select …"); the header declares it extern. */
#define SQL(name, text)                                \
	const struct statement name = { #name, text }; \
	STATEMENT(name)
size_t statements_all(const struct statement *const **out);

struct arg {
	const char *bytes; /* NULL is SQL NULL */
	int size;          /* of binary arguments */
	bool binary;       /* bytea */
};
#define ARGS(...) (const struct arg[]){ __VA_ARGS__ }, sizeof((const struct arg[]){ __VA_ARGS__ }) / sizeof(struct arg)
#define NO_ARGS NULL, 0
struct arg arg_text(const char *text); /* NULL is SQL NULL; not copied: it must live until the segment is done */
struct arg arg_i64(struct pool *pool, int64_t value);
struct arg arg_bool(bool value);
struct arg arg_day(struct pool *pool, day_t day);        /* DAY_NONE is NULL */
struct arg arg_instant(struct pool *pool, instant_t at); /* INSTANT_NONE is NULL */
struct arg arg_bytes(const void *bytes, size_t size);
/* A PostgreSQL array literal of texts: '{"a","b"}'. */
struct arg arg_texts(struct pool *pool, const char *const *texts, size_t count);

/* ---- rows: valid as long as the pool of their segment ---- */

struct rows;
size_t rows_count(const struct rows *r); /* NULL gives 0 */
size_t rows_affected(const struct rows *r);
bool rows_null(const struct rows *r, size_t row, const char *column);
const char *rows_text(const struct rows *r, size_t row,
		      const char *column); /* NULL for SQL NULL; fault-logs an unknown column and gives NULL */
const char *rows_str(const struct rows *r, size_t row, const char *column); /* "" for SQL NULL */
int64_t rows_i64(const struct rows *r, size_t row, const char *column);     /* 0 for SQL NULL */
double rows_f64(const struct rows *r, size_t row, const char *column);
bool rows_bool(const struct rows *r, size_t row, const char *column);
day_t rows_day(const struct rows *r, size_t row, const char *column);         /* DAY_NONE for NULL */
instant_t rows_instant(const struct rows *r, size_t row, const char *column); /* timestamptz as text in UTC */
/* bytea: decoded into the pool. */
const unsigned char *rows_bytes(const struct rows *r, size_t row, const char *column, struct pool *pool, size_t *size);

/* ---- lanes ---- */

/* LANE_STANDBY is nobody's to name: lanes.c sends there what segment_anywhere() lets go. */
enum lane { LANE_FAST, LANE_WRITE, LANE_SLOW, LANE_STANDBY, LANE_COUNT };

struct lanes_options {
	const char *dsn;       /* libpq URI or keywords; several hosts allowed */
	int fast, write, slow; /* connections: 1, 4, 2 for a loop; 0, 1, 0 for a tool (all lanes then share it) */
	int queue_max;         /* segments waiting in a lane before ERR_BUSY; 0 = 2000 */
	int slow_timeout_ms;   /* statement_timeout of the slow lane; 0 = 15000 */
	bool standby;          /* one more connection when the DSN names several hosts: see segment_anywhere() */
	const char *application_name;
};

struct lanes;
/* `watch` is told each time the wish for a descriptor changes (fd, want_read, want_write). The descriptor is a
 * duplicate made for the watcher, who owns it: told that nothing is wanted any more, it forgets it AND CLOSES it. May
 * be NULL when only db_wait() is used. One connection of each lane opens at the first dispatch, others on need, and
 * again, with backoff, when lost. A name server that does not answer can hold the thread: name hosts by address, or
 * keep them in /etc/hosts. */
typedef void lanes_watch(void *context, int fd, bool want_read, bool want_write);
struct lanes *lanes_open(const struct lanes_options *o, lanes_watch *watch, void *context, struct err *e);
/* From now on what is queued, on its way or asked is answered with ERR_BUSY, until who still holds them is done. */
void lanes_end(struct lanes *l);
void lanes_close(struct lanes *l);                                       /* the same, and they are freed */
void lanes_ready(struct lanes *l, int fd, bool readable, bool writable); /* the loop says so */
void lanes_dispatch(struct lanes *l); /* once per turn: fill pipelines, flush once per connection */
/* Milliseconds until lanes_dispatch() must be called again at the latest (reconnect timers), -1: no need. */
int lanes_timeout(const struct lanes *l);
bool lanes_up(const struct lanes *l); /* at least one connection of each lane in use works */
struct lanes_counts {
	uint64_t segments, busy, lost, unsure, dropped;
	int waiting[LANE_COUNT], connected;
};
struct lanes_counts lanes_counts(const struct lanes *l);

struct segment;
typedef void segment_done(struct segment *s, void *arg);
struct segment *segment_new(struct lanes *l, struct pool *pool, enum lane lane, segment_done *done, void *arg);
size_t segment_ask(struct segment *s, const struct statement *st, const struct arg *args, size_t count);
/* A standby may answer it (the directory, public figures: never what follows a write). It goes there when its own lane
 * has lost the database and the DSN names several hosts: on a connection opened for that, closed when no longer needed.
 */
void segment_anywhere(struct segment *s);
bool lanes_on_standby(const struct lanes *l, enum lane lane); /* where such a segment would go now */
/* ERR_BUSY when the queue is full (done is then not called). */
int segment_send(struct segment *s, struct err *e) MUST_USE;
/* The visitor left: a segment not yet sent is dropped (done is called with ERR_BUSY unless `silent`). */
void segment_cancel(struct segment *s);
/* The first failure of its statements: constraints become ERR_INPUT with field and text (constraints.c), 40001/40P01
 * ERR_RETRY, a lost connection ERR_BUSY for reads, ERR_UNSURE for a lost commit, all else ERR_FAULT. */
bool segment_failed(const struct segment *s, struct err *e);
const struct rows *segment_rows(const struct segment *s, size_t index); /* NULL when it failed before */

/*
 * A transaction in flights, on one connection of the write lane held until it ends.
 *
 *	struct tx *t = tx_new(lanes, pool);
 *	struct segment *s = tx_flight(t, done1, arg);      BEGIN comes with the first flight
 *	segment_ask(s, …); segment_send(s, &e);
 *	done1: s = tx_flight(t, done2, arg); segment_ask(s, …);
 *	       tx_commit(t);                               COMMIT travels with this flight
 *	       segment_send(s, &e);
 *	   or: tx_rollback(t);                             nothing more to do
 *
 * After a failed flight the transaction is rolled back by itself. ERR_UNSURE only when COMMIT had been sent.
 */
struct tx;
struct tx *tx_new(struct lanes *l, struct pool *pool);
struct segment *tx_flight(struct tx *t, segment_done *done, void *arg);
void tx_commit(struct tx *t);
void tx_rollback(struct tx *t);

/* ---- for tools and background threads: the same statements, waiting ---- */

/* Polls until *flag is true (set by a done callback). */
int db_wait(struct lanes *l, const bool *flag, struct err *e) MUST_USE;
/* One statement, waiting. Rows live in the pool. */
int db_run(struct lanes *l, struct pool *pool, enum lane lane, const struct statement *st, const struct arg *args,
	   size_t count, const struct rows **out, struct err *e) MUST_USE;
/* A segment already filled, waiting: its own done/arg must be NULL. */
int db_send_wait(struct segment *s, struct err *e) MUST_USE;
/* A script of several statements on a connection of its own (migrations, seed), in one transaction. */
int db_script(const char *dsn, const char *sql, struct err *e) MUST_USE;
/* COPY … FROM STDIN on a connection of its own, streaming: open, rows (already in COPY text format), end or abort.
 * `before` and `after` are SQL run in the same transaction. */
struct copy;
struct copy *copy_open(const char *dsn, const char *before, const char *copy_sql, struct err *e);
int copy_write(struct copy *c, const void *bytes, size_t n, struct err *e) MUST_USE;
int copy_end(struct copy *c, const char *after, struct err *e) MUST_USE; /* frees it; commits unless after fails */
void copy_abort(struct copy *c);
/* COPY text-format escaping of one field onto a buffer; NULL gives \N. */
struct str;
void copy_field(struct str *out, const char *text, bool last);

/* Who asks, for row-level security: the first statement of a segment. NULLs are ''. All pooled texts. */
struct identity {
	unsigned role;          /* one bit of enum role (workflow.h), 0 nobody */
	int64_t account, agent; /* 0: none */
	const char *name;       /* to show */
	const char *region;     /* observer */
	const char *const *caisses;
	size_t caisse_count;
	bool may_sign;
	const char *csrf; /* of the session, or NULL */
	const char *email;
};

#endif

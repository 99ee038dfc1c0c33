/*
 * libpq behind a curtain: private to db/. pg.c is the only file that sees libpq; no type of it appears here.
 *
 * Two kinds of connection. `struct pg` never waits and speaks in pipeline mode; lane.c drives it:
 *
 *	struct pg *c = pg_open(dsn, "enrolld", 0, &e);        starts connecting
 *	while (pg_connecting(c) is PG_WANT_…) wait for the socket
 *	pg_ask(c, st, args, n, true); … pg_sync(c); pg_flush(c);
 *	pg_read(c) when readable, then pg_next() until PG_NOTHING
 *
 * `struct plain` waits: migrations, COPY, the making of the cluster.
 */
#ifndef DB_PG_H
#define DB_PG_H

#include "db.h"

/* What the server said of a failure. The message is kept only where it can hold no value of a row. */
struct pg_error {
	char sqlstate[6]; /* "" when the connection itself failed */
	char constraint[64];
	char message[120];
	bool stale_plan; /* what was prepared no longer fits the schema: prepared again it will */
};
/* Fills *e from a server's error: constraints.c, then the classes of SQLSTATE. `statement` is its name or NULL. */
void pg_error_tell(const struct pg_error *error, const char *statement, struct err *e);

/* ---- never waiting ---- */

struct pg;
int pg_check(const char *dsn, size_t *hosts, struct err *e) MUST_USE; /* can it be read, and how many does it name? */
enum pg_step { PG_FAILED, PG_WANT_READ, PG_WANT_WRITE, PG_UP };
/* `turn` rotates the hosts of the DSN: after an attempt that hung, the next one starts with another host. `standby`:
 * rather one that only reads, whatever the DSN says of target_session_attrs. */
struct pg *pg_open(const char *dsn, const char *application, unsigned turn, bool standby, struct err *e);
enum pg_step pg_connecting(struct pg *c); /* PG_UP: connected, non-blocking, in pipeline mode */
void pg_close(struct pg *c);
int pg_socket(const struct pg *c); /* may change while connecting */

/* Each returns -1 when the connection is lost. Nothing is sent before pg_flush(). */
int pg_prepare(struct pg *c, const struct statement *st);
int pg_ask(struct pg *c, const struct statement *st, const struct arg *args, size_t count, bool prepared);
int pg_sync(struct pg *c);
int pg_flush(struct pg *c); /* 1: more to send, wait for writable (and readable) */
int pg_read(struct pg *c);  /* -1: lost, but what had arrived is still given by pg_next() */

enum pg_got { PG_NOTHING, PG_ROWS, PG_ERROR, PG_ABORTED, PG_SYNC, PG_GONE };
struct pg_answer {
	enum pg_got got;
	void *result;          /* PG_ROWS: give it to pg_rows() or pg_drop() */
	struct pg_error error; /* PG_ERROR */
};
/* One answer for each statement asked, then PG_SYNC. PG_NOTHING: not arrived yet, PG_GONE: nor will it. */
enum pg_got pg_next(struct pg *c, struct pg_answer *out);
struct rows *pg_rows(struct pool *pool, void *result);
void pg_drop(void *result);
bool pg_outside(const struct pg *c); /* of a transaction; only meaningful when nothing is in flight */
const char *rows_text_at(const struct rows *r, size_t row, size_t column); /* NULL for SQL NULL, or outside */
const char *rows_tag(const struct rows *r);                                /* "COMMIT", "INSERT 0 1" */

enum { PG_ARGS_MAX = 64 };

/* ---- waiting ---- */

struct plain;
struct plain *plain_open(const char *dsn, const char *application, struct err *e);
void plain_close(struct plain *p);
/* Several statements; *last (may be NULL) gets the rows of the last one. Errors tell the line of the text. */
int plain_script(struct plain *p, const char *sql, struct pool *pool, const struct rows **last, struct err *e) MUST_USE;
/* One statement with arguments. */
int plain_ask(struct plain *p, const char *sql, const struct arg *args, size_t count, struct pool *pool,
	      const struct rows **out, struct err *e) MUST_USE;
int plain_copy(struct plain *p, const char *copy_sql, struct err *e) MUST_USE; /* starts COPY … FROM STDIN */
int plain_copy_write(struct plain *p, const void *bytes, size_t n, struct err *e) MUST_USE;
int plain_copy_end(struct plain *p, struct err *e) MUST_USE;

/* The DSN as "PGHOST=…" texts for a program of PostgreSQL's, NULL at the end: nothing of it on a command line. */
const char *const *pg_environment(const char *dsn, struct pool *pool, struct err *e);

enum pg_ping { PING_OK, PING_STARTING, PING_SILENT };
enum pg_ping pg_ping(const char *dsn);

/*
 * Words of the session that both kinds set: UTC, ISO dates, search path. The path is that of the schema's own
 * functions: with another, a function called from both (enroll_now) would be planned again at each turn.
 */
#define PG_SESSION                                                                           \
	"set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false), " \
	"set_config('search_path', 'enroll, pg_temp', false), set_config('bytea_output', 'hex', false)"

#endif

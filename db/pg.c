#include "pg.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libpq-fe.h>
#include "../server/base/log.h"
#include "../server/base/str.h"
#include "constraints.h"

/* ---- what goes in ---- */

/* The linker gives them these names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl51-cpp) */
extern const struct statement *const __start_enroll_statements[] __attribute__((weak));
extern const struct statement *const __stop_enroll_statements[] __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl51-cpp) */

size_t statements_all(const struct statement *const **out)
{
	*out = __start_enroll_statements;
	/* cppcheck-suppress comparePointers ; the linker puts both around one array */
	return *out ? (size_t)(__stop_enroll_statements - __start_enroll_statements) : 0;
}

struct arg arg_text(const char *text)
{
	return (struct arg){ .bytes = text };
}

struct arg arg_i64(struct pool *pool, int64_t value)
{
	char text[STR_I64];
	return arg_text(pool_strdup(pool, str_of_i64(text, value)));
}

struct arg arg_bool(bool value)
{
	return arg_text(value ? "t" : "f");
}

struct arg arg_day(struct pool *pool, day_t day)
{
	return arg_text(day == DAY_NONE ? NULL : day_iso(pool, day));
}

struct arg arg_instant(struct pool *pool, instant_t at)
{
	if (at == INSTANT_NONE)
		return arg_text(NULL);
	int64_t second = at / SECOND, micro = at % SECOND;
	if (micro < 0) {
		micro += SECOND;
		second--;
	}
	int64_t day = second / 86400, rest = second % 86400;
	if (rest < 0) {
		rest += 86400;
		day--;
	}
	struct ymd d = day_ymd((day_t)day);
	return arg_text(pool_printf(pool, "%04d-%02d-%02d %02d:%02d:%02d.%06d+00", d.year, d.month, d.day,
				    (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60), (int)micro));
}

struct arg arg_bytes(const void *bytes, size_t size)
{
	return (struct arg){ .bytes = bytes ? bytes : "", .size = (int)size, .binary = true };
}

struct arg arg_texts(struct pool *pool, const char *const *texts, size_t count)
{
	struct str s = str_in(pool);
	str_add_c(&s, '{');
	for (size_t i = 0; i < count; i++) {
		if (i)
			str_add_c(&s, ',');
		if (!texts[i]) {
			str_add(&s, "NULL");
			continue;
		}
		str_add_c(&s, '"');
		for (const char *p = texts[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				str_add_c(&s, '\\');
			str_add_c(&s, *p);
		}
		str_add_c(&s, '"');
	}
	str_add_c(&s, '}');
	return arg_text(s.s);
}

/* ---- what comes out ---- */

struct rows {
	PGresult *result;
	int count, columns;
	int *hint; /* column read last: columns are mostly read in their order */
};

static void clear_result(void *result)
{
	PQclear(result);
}

struct rows *pg_rows(struct pool *pool, void *result)
{
	struct rows *r = POOL_NEW(pool, struct rows);
	*r = (struct rows){ .result = result, .count = PQntuples(result), .columns = PQnfields(result) };
	r->hint = POOL_NEW(pool, int);
	pool_defer(pool, clear_result, result);
	return r;
}

void pg_drop(void *result)
{
	PQclear(result);
}

const char *rows_tag(const struct rows *r)
{
	return r ? PQcmdStatus(r->result) : "";
}

size_t rows_count(const struct rows *r)
{
	return r ? (size_t)r->count : 0;
}

size_t rows_affected(const struct rows *r)
{
	int64_t n;
	return r && str_to_i64(PQcmdTuples(r->result), &n) == 0 ? (size_t)n : 0;
}

static int column_of(const struct rows *r, const char *column)
{
	for (int i = 0, c = *r->hint; i < r->columns; i++, c++) {
		if (c >= r->columns)
			c = 0;
		if (strcmp(PQfname(r->result, c), column) == 0) {
			*r->hint = c;
			return c;
		}
	}
	log_event(LOG_ERROR, "db.column", "name", column);
	return -1;
}

const char *rows_text(const struct rows *r, size_t row, const char *column)
{
	if (!r || row >= (size_t)r->count)
		return NULL;
	int c = column_of(r, column);
	if (c < 0 || PQgetisnull(r->result, (int)row, c))
		return NULL;
	return PQgetvalue(r->result, (int)row, c);
}

const char *rows_text_at(const struct rows *r, size_t row, size_t column)
{
	if (!r || row >= (size_t)r->count || column >= (size_t)r->columns ||
	    PQgetisnull(r->result, (int)row, (int)column))
		return NULL;
	return PQgetvalue(r->result, (int)row, (int)column);
}

bool rows_null(const struct rows *r, size_t row, const char *column)
{
	return !rows_text(r, row, column);
}

const char *rows_str(const struct rows *r, size_t row, const char *column)
{
	const char *t = rows_text(r, row, column);
	return t ? t : "";
}

int64_t rows_i64(const struct rows *r, size_t row, const char *column)
{
	const char *t = rows_text(r, row, column);
	int64_t v;
	return t && str_to_i64(t, &v) == 0 ? v : 0;
}

double rows_f64(const struct rows *r, size_t row, const char *column)
{
	const char *t = rows_text(r, row, column);
	return t ? strtod(t, NULL) : 0;
}

bool rows_bool(const struct rows *r, size_t row, const char *column)
{
	const char *t = rows_text(r, row, column);
	return t && *t == 't';
}

day_t rows_day(const struct rows *r, size_t row, const char *column)
{
	const char *t = rows_text(r, row, column);
	day_t day;
	return t && !day_parse(t, &day) ? day : DAY_NONE; /* infinity is no day */
}

/* `digits` of them, or -1. */
static int number(const char **p, int digits)
{
	int v = 0;
	for (int i = 0; i < digits; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

/* "2026-11-22 00:32:58.123456+00": lanes set the time zone to UTC. */
instant_t rows_instant(const struct rows *r, size_t row, const char *column)
{
	const char *p = rows_text(r, row, column);
	if (!p)
		return INSTANT_NONE;
	int v[6];
	static const char after[] = "-- ::";
	for (int i = 0; i < 6; i++) {
		if ((v[i] = number(&p, i ? 2 : 4)) < 0)
			return INSTANT_NONE;
		if (i < 5 && *p++ != after[i])
			return INSTANT_NONE;
	}
	day_t day = day_from_ymd(v[0], v[1], v[2]);
	if (day == DAY_NONE)
		return INSTANT_NONE;
	int64_t micro = 0;
	if (*p == '.')
		for (int64_t unit = SECOND / 10; *++p >= '0' && *p <= '9'; unit /= 10)
			micro += (*p - '0') * unit;
	return ((int64_t)day * 86400 + (int64_t)v[3] * 3600 + v[4] * 60 + v[5]) * SECOND + micro;
}

const unsigned char *rows_bytes(const struct rows *r, size_t row, const char *column, struct pool *pool, size_t *size)
{
	const char *t = rows_text(r, row, column);
	unsigned char *out;
	*size = 0;
	if (!t || t[0] != '\\' || t[1] != 'x')
		return NULL;
	long n = str_unhex(pool, t + 2, &out);
	if (n < 0)
		return NULL;
	*size = (size_t)n;
	return out;
}

/* ---- errors ---- */

static void copy_line(char *out, size_t size, const char *text)
{
	size_t n = 0;
	for (; text && *text && *text != '\n' && n + 1 < size; text++)
		out[n++] = *text;
	out[n] = 0;
}

/*
 * Messages of class 42 name objects, those of class EN and P0 are raised by our own functions with ids: the others may
 * quote what a person typed.
 */
static bool message_is_safe(const char *sqlstate)
{
	return !strncmp(sqlstate, "42", 2) || !strncmp(sqlstate, "EN", 2) || !strncmp(sqlstate, "26", 2) ||
	       !strncmp(sqlstate, "0A", 2) || !strncmp(sqlstate, "57", 2);
}

static void error_read(const PGresult *result, struct pg_error *out)
{
	*out = (struct pg_error){ 0 };
	copy_line(out->sqlstate, sizeof out->sqlstate, PQresultErrorField(result, PG_DIAG_SQLSTATE));
	copy_line(out->constraint, sizeof out->constraint, PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
	/* "cached plan must not change result type", in whatever language the server speaks. */
	const char *file = PQresultErrorField(result, PG_DIAG_SOURCE_FILE);
	out->stale_plan = !strcmp(out->sqlstate, "0A000") && file && strstr(file, "plancache.c");
	if (message_is_safe(out->sqlstate))
		copy_line(out->message, sizeof out->message, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
}

void pg_error_tell(const struct pg_error *x, const char *statement, struct err *e)
{
	const char *s = x->sqlstate, *name = statement ? statement : "";
	const struct constraint *c = x->constraint[0] ? constraint_get(x->constraint) : NULL;
	if (c) {
		*e = (struct err){ .kind = c->kind, .text = c->text, .field = c->field };
	} else if (!strcmp(s, "40001") || !strcmp(s, "40P01") || x->stale_plan) {
		fail(e, ERR_RETRY, "error.retry");
	} else if (!*s || !strncmp(s, "08", 2) || !strncmp(s, "53", 2) || !strncmp(s, "57", 2) || !strcmp(s, "55P03") ||
		   !strcmp(s, "25006") || !strcmp(s, "25P03")) {
		/* connection, resources, shutdown or timeout, a lock too long awaited, a standby */
		fail(e, ERR_BUSY, "error.busy");
	} else {
		fault(e, "%s %s", s, name);
	}
	snprintf(e->detail, sizeof e->detail, "%s %s %s %s", *s ? s : "lost", x->constraint, name, x->message);
}

/* ---- connecting ---- */

enum { KEYS_MAX = 64 };

struct keys {
	const char *keywords[KEYS_MAX + 1], *values[KEYS_MAX + 1];
	size_t n;
	PQconninfoOption *parsed;
	char *rotated[3];
};

static void keys_add(struct keys *k, const char *keyword, const char *value)
{
	if (k->n < KEYS_MAX) {
		k->keywords[k->n] = keyword;
		k->values[k->n++] = value;
	}
}

/* "a,b,c" from its turn-th element on: "b,c,a". NULL when there is one only. */
static char *rotate(const char *list, unsigned turn)
{
	size_t n = 1;
	for (const char *p = list; *p; p++)
		n += *p == ',';
	if (n == 1 || turn % n == 0)
		return NULL;
	const char *cut = list;
	for (size_t i = turn % n; i; i--)
		cut = strchr(cut, ',') + 1;
	char *out = NULL;
	if (asprintf(&out, "%s,%.*s", cut, (int)(cut - list - 1), list) < 0)
		return NULL;
	return out;
}

static int keys_make(struct keys *k, const char *dsn, const char *application, unsigned turn, bool standby,
		     struct err *e)
{
	/* A dead machine is noticed within some ten seconds; a DSN that says otherwise wins. */
	static const char *const defaults[][2] = { { "keepalives_idle", "5" },  { "keepalives_interval", "2" },
						   { "keepalives_count", "3" }, { "tcp_user_timeout", "10000" },
						   { "connect_timeout", "10" }, { "client_encoding", "UTF8" } };
	*k = (struct keys){ 0 };
	/* The parser's message may quote the password: it is not passed on. */
	char *message = NULL;
	if (!(k->parsed = PQconninfoParse(dsn ? dsn : "", &message))) {
		PQfreemem(message);
		return fault(e, "the DSN cannot be read");
	}
	for (const PQconninfoOption *o = k->parsed; o->keyword; o++) {
		char **rotated = !strcmp(o->keyword, "host")       ? &k->rotated[0]
				 : !strcmp(o->keyword, "hostaddr") ? &k->rotated[1]
				 : !strcmp(o->keyword, "port")     ? &k->rotated[2]
								   : NULL;
		if (!o->val || (standby && !strcmp(o->keyword, "target_session_attrs")))
			continue;
		if (rotated)
			*rotated = rotate(o->val, turn);
		keys_add(k, o->keyword, rotated && *rotated ? *rotated : o->val);
	}
	for (size_t i = 0; i < COUNT(defaults); i++) {
		bool said = false;
		for (size_t j = 0; j < k->n; j++)
			said |= !strcmp(k->keywords[j], defaults[i][0]);
		if (!said)
			keys_add(k, defaults[i][0], defaults[i][1]);
	}
	if (standby)
		keys_add(k, "target_session_attrs", "prefer-standby");
	keys_add(k, "fallback_application_name", application ? application : "enroll");
	return 0;
}

static void keys_free(struct keys *k)
{
	PQconninfoFree(k->parsed);
	for (size_t i = 0; i < COUNT(k->rotated); i++)
		free(k->rotated[i]);
}

static void no_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

/* ---- never waiting ---- */

struct pg {
	PGconn *conn;
	PostgresPollingStatusType wish;
	bool tail; /* the NULL that ends a statement's answers was just read */
};

int pg_check(const char *dsn, size_t *hosts, struct err *e)
{
	struct keys k;
	*hosts = 1;
	if (keys_make(&k, dsn, NULL, 0, false, e))
		return -1;
	for (const PQconninfoOption *o = k.parsed; o->keyword; o++) {
		size_t n = 1;
		for (const char *p = o->val; p && *p; p++)
			n += *p == ',';
		if (n > *hosts && (!strcmp(o->keyword, "host") || !strcmp(o->keyword, "hostaddr")))
			*hosts = n;
	}
	keys_free(&k);
	return 0;
}

struct pg *pg_open(const char *dsn, const char *application, unsigned turn, bool standby, struct err *e)
{
	struct keys k;
	if (keys_make(&k, dsn, application, turn, standby, e))
		return NULL;
	struct pg *c = calloc(1, sizeof *c);
	if (c && !(c->conn = PQconnectStartParams(k.keywords, k.values, 0))) {
		free(c);
		c = NULL;
	}
	keys_free(&k);
	if (!c) {
		fault(e, "no memory for a connection");
		return NULL;
	}
	PQsetNoticeReceiver(c->conn, no_notice, NULL);
	return c;
}

enum pg_step pg_connecting(struct pg *c)
{
	if (PQstatus(c->conn) == CONNECTION_BAD)
		return PG_FAILED;
	switch (PQconnectPoll(c->conn)) {
	case PGRES_POLLING_READING:
		return PG_WANT_READ;
	case PGRES_POLLING_WRITING:
		return PG_WANT_WRITE;
	case PGRES_POLLING_OK:
		if (PQsetnonblocking(c->conn, 1) || !PQenterPipelineMode(c->conn))
			return PG_FAILED;
		return PG_UP;
	case PGRES_POLLING_ACTIVE:
	case PGRES_POLLING_FAILED:
		break;
	}
	return PG_FAILED;
}

void pg_close(struct pg *c)
{
	if (!c)
		return;
	PQfinish(c->conn);
	free(c);
}

int pg_socket(const struct pg *c)
{
	return PQsocket(c->conn);
}

int pg_prepare(struct pg *c, const struct statement *st)
{
	return PQsendPrepare(c->conn, st->name, st->sql, 0, NULL) ? 0 : -1;
}

int pg_ask(struct pg *c, const struct statement *st, const struct arg *args, size_t count, bool prepared)
{
	const char *values[PG_ARGS_MAX];
	int sizes[PG_ARGS_MAX], formats[PG_ARGS_MAX];
	for (size_t i = 0; i < count; i++) {
		values[i] = args[i].bytes;
		sizes[i] = args[i].size;
		formats[i] = args[i].binary;
	}
	int n = (int)count;
	int ok = prepared ? PQsendQueryPrepared(c->conn, st->name, n, values, sizes, formats, 0)
			  : PQsendQueryParams(c->conn, st->sql, n, NULL, values, sizes, formats, 0);
	return ok ? 0 : -1;
}

int pg_sync(struct pg *c)
{
	return PQpipelineSync(c->conn) ? 0 : -1;
}

int pg_flush(struct pg *c)
{
	return PQflush(c->conn);
}

int pg_read(struct pg *c)
{
	return PQconsumeInput(c->conn) ? 0 : -1;
}

enum pg_got pg_next(struct pg *c, struct pg_answer *out)
{
	*out = (struct pg_answer){ .got = PG_NOTHING };
	for (;;) {
		/* Asked while busy, PQgetResult() would wait. */
		if (PQisBusy(c->conn))
			return PG_NOTHING;
		PGresult *r = PQgetResult(c->conn);
		if (!r) {
			/* Each statement's answers end with one NULL; a second one means there is nothing more. */
			if (c->tail)
				return PG_NOTHING;
			c->tail = true;
			continue;
		}
		c->tail = false;
		switch (PQresultStatus(r)) {
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY:
			out->result = r;
			return out->got = PG_ROWS;
		case PGRES_PIPELINE_SYNC:
			PQclear(r);
			return out->got = PG_SYNC;
		case PGRES_PIPELINE_ABORTED:
			PQclear(r);
			return out->got = PG_ABORTED;
		default:
			error_read(r, &out->error);
			PQclear(r);
			/* A server always says a code: without one it is libpq that speaks of a connection lost. */
			return out->got = out->error.sqlstate[0] ? PG_ERROR : PG_GONE;
		}
	}
}

bool pg_outside(const struct pg *c)
{
	return PQtransactionStatus(c->conn) == PQTRANS_IDLE;
}

/* ---- waiting ---- */

struct plain {
	PGconn *conn;
};
enum { STARTING_MS = 20000 };

static int plain_failed(const PGresult *r, const char *sql, struct err *e)
{
	struct pg_error x;
	error_read(r, &x);
	/* Scripts, migrations and COPY hold no value that a person typed: the message helps whoever wrote them. */
	copy_line(x.message, sizeof x.message, PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
	pg_error_tell(&x, NULL, e);
	const char *position = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
	int64_t at;
	if (position && sql && str_to_i64(position, &at) == 0) {
		int line = 1;
		/* The position counts characters, not bytes. */
		for (const char *p = sql; *p && at > 1; p++) {
			line += *p == '\n';
			at -= (p[1] & 0xC0) != 0x80;
		}
		snprintf(e->detail, sizeof e->detail, "%s line %d: %s", x.sqlstate, line, x.message);
	}
	return -1;
}

static int plain_lost(struct err *e)
{
	fail(e, ERR_BUSY, "error.busy");
	snprintf(e->detail, sizeof e->detail, "the database does not answer");
	return -1;
}

struct plain *plain_open(const char *dsn, const char *application, struct err *e)
{
	struct keys k;
	if (keys_make(&k, dsn, application, 0, false, e))
		return NULL;
	struct plain *p = calloc(1, sizeof *p);
	/* A server that recovers says so: it is worth waiting for. */
	for (int ms = 0; p; ms += 100) {
		p->conn = PQconnectdbParams(k.keywords, k.values, 0);
		if (PQstatus(p->conn) == CONNECTION_OK || ms >= STARTING_MS ||
		    PQpingParams(k.keywords, k.values, 0) != PQPING_REJECT)
			break;
		PQfinish(p->conn);
		nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	}
	keys_free(&k);
	if (!p || PQstatus(p->conn) != CONNECTION_OK) {
		plain_close(p);
		plain_lost(e);
		return NULL;
	}
	PQsetNoticeReceiver(p->conn, no_notice, NULL);
	PGresult *r = PQexec(p->conn, "select " PG_SESSION);
	bool ok = PQresultStatus(r) == PGRES_TUPLES_OK;
	PQclear(r);
	if (!ok) {
		plain_close(p);
		plain_lost(e);
		return NULL;
	}
	return p;
}

void plain_close(struct plain *p)
{
	if (!p)
		return;
	PQfinish(p->conn);
	free(p);
}

static int plain_result(struct plain *p, PGresult *r, const char *sql, struct pool *pool, const struct rows **out,
			struct err *e)
{
	ExecStatusType status = PQresultStatus(r);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY) {
		if (PQstatus(p->conn) == CONNECTION_BAD)
			plain_lost(e);
		else
			plain_failed(r, sql, e);
		PQclear(r);
		return -1;
	}
	if (out && pool)
		*out = pg_rows(pool, r);
	else
		PQclear(r);
	return 0;
}

int plain_script(struct plain *p, const char *sql, struct pool *pool, const struct rows **last, struct err *e)
{
	return plain_result(p, PQexec(p->conn, sql), sql, pool, last, e);
}

int plain_ask(struct plain *p, const char *sql, const struct arg *args, size_t count, struct pool *pool,
	      const struct rows **out, struct err *e)
{
	const char *values[PG_ARGS_MAX];
	int sizes[PG_ARGS_MAX], formats[PG_ARGS_MAX];
	if (count > PG_ARGS_MAX)
		return fault(e, "too many arguments");
	for (size_t i = 0; i < count; i++) {
		values[i] = args[i].bytes;
		sizes[i] = args[i].size;
		formats[i] = args[i].binary;
	}
	return plain_result(p, PQexecParams(p->conn, sql, (int)count, NULL, values, sizes, formats, 0), sql, pool, out,
			    e);
}

int plain_copy(struct plain *p, const char *copy_sql, struct err *e)
{
	PGresult *r = PQexec(p->conn, copy_sql);
	if (PQresultStatus(r) != PGRES_COPY_IN) {
		if (PQstatus(p->conn) == CONNECTION_BAD)
			plain_lost(e);
		else if (PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK)
			fault(e, "this is no COPY FROM STDIN");
		else
			plain_failed(r, copy_sql, e);
		PQclear(r);
		return -1;
	}
	PQclear(r);
	return 0;
}

int plain_copy_write(struct plain *p, const void *bytes, size_t n, struct err *e)
{
	/* A message holds less than 2^31 bytes; smaller ones also keep libpq's buffer small. */
	enum { BLOCK = 1 << 20 };
	for (const char *at = bytes; n;) {
		size_t part = n < BLOCK ? n : BLOCK;
		if (PQputCopyData(p->conn, at, (int)part) != 1)
			return plain_lost(e);
		at += part;
		n -= part;
	}
	return 0;
}

int plain_copy_end(struct plain *p, struct err *e)
{
	if (PQputCopyEnd(p->conn, NULL) != 1)
		return plain_lost(e);
	int bad = 0;
	PGresult *r;
	while ((r = PQgetResult(p->conn))) {
		if (!bad)
			bad = plain_result(p, r, NULL, NULL, NULL, e);
		else
			PQclear(r);
	}
	return bad;
}

enum pg_ping pg_ping(const char *dsn)
{
	switch (PQping(dsn)) {
	case PQPING_OK:
		return PING_OK;
	case PQPING_REJECT:
		return PING_STARTING;
	default:
		return PING_SILENT;
	}
}

const char *const *pg_environment(const char *dsn, struct pool *pool, struct err *e)
{
	PQconninfoOption *all = PQconninfoParse(dsn, NULL);
	size_t n = 0;
	if (!all) {
		fault(e, "the DSN cannot be read");
		return NULL;
	}
	for (const PQconninfoOption *o = all; o->keyword; o++)
		n++;
	const char **out = POOL_ARRAY(pool, const char *, n + 3);
	n = 0;
	out[n++] = "LC_ALL=C.UTF-8";
	out[n++] = "PATH=/usr/bin:/bin";
	for (const PQconninfoOption *o = all; o->keyword; o++)
		if (o->val && o->envvar)
			out[n++] = pool_printf(pool, "%s=%s", o->envvar, o->val);
	PQconninfoFree(all);
	return out;
}

#include "rekey.h"

#include "sealed.h"

#define PASSES 5

/* Rows go by ranges of `a`, the first part of their key; `step` of them in one transaction. */
struct column {
	int step;
	const char *all;  /* key, rows */
	const char *last; /* at */
	const char *next; /* after, until, key: a, b, place, data of what another key sealed */
	const char *put;  /* a, b, data, first bytes it had, how many: nothing when it was changed meanwhile */
};

#define ID(data) "convert_from(substr(" data ", 3, get_byte(" data ", 1)), 'UTF8')"
#define COUNTS(table, data)                                                                    \
	"select " ID(data) " as key, count(*) as rows from " table " where octet_length(" data \
			   ") > 2 group by 1 order by 1"
#define NEXT(table, a, b, place, data)                                                                \
	"select " a " as a, " b " as b, " place " as place, " data " as data from " table " where " a \
	" > $1::bigint and " a " <= $2::bigint and octet_length(" data ") > 2 and " ID(data) " <> $3 order by 1, 2"
#define PUT(table, a, b, data, set)                                                             \
	"update " table " set " set " where " a " = $1::bigint and " b " = $2 and substr(" data \
	", 1, $5::int) = $4::bytea"
#define COLUMN(table, field, step, a, b, place, data, set)                                                       \
	{                                                                                                        \
		step, COUNTS(table, data), "select max(" a ") as at from " table,                                \
			NEXT(table, a, b, "'" table "." field ":' || " place, data), PUT(table, a, b, data, set) \
	}
#define PLAIN(table, field, step, a, b, place) COLUMN(table, field, step, a, b, place, field, field " = $3::bytea")

/* base64url in JSON */
#define SECRET                                                                                                         \
	"decode(translate(params::jsonb->>'secret', '-_', '+/') || repeat('=', (4 - length(params::jsonb->>'secret') " \
	"% 4) % 4), 'base64')"
#define SECRET_SET                                                                                                  \
	"params = jsonb_set(params::jsonb, '{secret}', to_jsonb(translate(encode($3::bytea, 'base64'), E'+/=\\n', " \
	"'-_')))::text"

static const struct column columns[] = {
	[SEALED_WORKING_COPY] = PLAIN("working_copy", "data", 200, "file", "''", "file"),
	[SEALED_FROZEN_COPY] = PLAIN("frozen_copy", "data", 200, "file", "seq::text", "file || '.' || seq"),
	[SEALED_EVENT_PERSONAL] = PLAIN("event_personal", "data", 200, "file", "seq::text", "file || '.' || seq"),
	[SEALED_EMPLOYER_LINK] = PLAIN("employer_link", "token", 200, "file", "''", "file"),
	[SEALED_MESSAGE_BODY] = PLAIN("message", "body", 200, "id", "''", "id"),
	[SEALED_MESSAGE_PARAMS] = COLUMN("message", "params", 500, "id", "''", "kind", SECRET, SECRET_SET),
	[SEALED_DOCUMENT] = PLAIN("document", "data", 50, "file", "kind || '.' || version || '.' || digest", "digest"),
	[SEALED_PIECE_NAME] = PLAIN("piece", "name", 500, "id", "''", "id"),
	[SEALED_UPLOAD_NAME] = PLAIN("upload", "name", 500, "id", "''", "id"),
	/* up to 10 MiB each */
	[SEALED_PIECE_CHUNK] = PLAIN("piece_chunk", "data", 4, "piece", "n::text", "piece || '.' || n"),
	[SEALED_UPLOAD_CHUNK] = PLAIN("upload_chunk", "data", 4, "upload", "at::text", "upload || '.' || at"),
};
_Static_assert(COUNT(columns) == SEALED_COUNT, "what is sealed can be sealed again");

int rekey_counts(const char *owner_dsn, struct pool *pool, struct rekey_count **out, size_t *n, struct err *e)
{
	struct plain *p = plain_open(owner_dsn, "enroll keys", e);
	size_t room = COUNT(columns) * 64;
	*out = POOL_ARRAY(pool, struct rekey_count, room);
	*n = 0;
	int bad = p ? 0 : -1;
	for (size_t i = 0; i < COUNT(columns) && !bad; i++) {
		const struct rows *r;
		bad = plain_ask(p, columns[i].all, NO_ARGS, pool, &r, e);
		for (size_t k = 0; !bad && k < rows_count(r) && *n < room; k++)
			(*out)[(*n)++] = (struct rekey_count){ sealed_name((enum sealed)i), rows_str(r, k, "key"),
							       rows_i64(r, k, "rows") };
	}
	plain_close(p);
	return bad ? -1 : 0;
}

/* ---- sealed again ---- */

static int seal_again(struct plain *p, const struct column *c, const struct keyring *keys, const struct rows *r,
		      size_t i, struct pool *pool, int64_t *rows, struct err *e)
{
	size_t size, n, sealed_size;
	unsigned char *plain, *sealed;
	const char *place = rows_str(r, i, "place");
	const unsigned char *data = rows_bytes(r, i, "data", pool, &size);
	const struct rows *put;
	size_t head = crypto_seal_head(data, size);
	if (!head)
		return fault(e, "%s is not a sealed text", place);
	if (crypto_open(keys, place, data, size, pool, &plain, &n, e) ||
	    crypto_seal(keys, place, plain, n, pool, &sealed, &sealed_size, e))
		return -1;
	if (plain_ask(p, c->put,
		      ARGS(arg_i64(pool, rows_i64(r, i, "a")), arg_text(rows_str(r, i, "b")),
			   arg_bytes(sealed, sealed_size), arg_bytes(data, head), arg_i64(pool, (int64_t)head)),
		      pool, &put, e))
		return -1;
	*rows += (int64_t)rows_affected(put);
	return 0;
}

static int batch(struct plain *p, const struct column *c, const struct keyring *keys, int64_t from, int64_t to,
		 int64_t *rows, struct err *e)
{
	struct pool *pool = pool_new_secret();
	const struct rows *r;
	int bad = plain_ask(p, c->next, ARGS(arg_i64(pool, from), arg_i64(pool, to), arg_text(keyring_current(keys))),
			    pool, &r, e);
	size_t n = bad ? 0 : rows_count(r);
	if (n)
		bad = plain_script(p, "begin", pool, NULL, e);
	for (size_t i = 0; i < n && !bad; i++)
		bad = seal_again(p, c, keys, r, i, pool, rows, e);
	if (n && !bad)
		bad = plain_script(p, "commit", pool, NULL, e);
	pool_free(pool);
	return bad ? -1 : 0;
}

static int one_column(struct plain *p, const struct column *c, const struct keyring *keys, rekey_tell *tell,
		      void *context, int64_t *rows, struct err *e)
{
	struct pool *pool = pool_new();
	const struct rows *r;
	int bad = plain_ask(p, c->last, NO_ARGS, pool, &r, e);
	int64_t last = bad ? 0 : rows_i64(r, 0, "at");
	for (int64_t at = 0; at < last && !bad; at += c->step) {
		bad = batch(p, c, keys, at, at + c->step, rows, e);
		if (tell && !bad)
			tell(context, sealed_name((enum sealed)(c - columns)),
			     at + c->step < last ? at + c->step : last, last);
	}
	pool_free(pool);
	return bad ? -1 : 0;
}

int rekey_run(const char *owner_dsn, const struct keyring *keys, rekey_tell *tell, void *context, int64_t *rows,
	      struct err *e)
{
	struct plain *p = plain_open(owner_dsn, "enroll keys", e);
	int bad = p ? 0 : -1;
	int64_t before = -1;
	*rows = 0;
	/* A program that had not taken the new key up yet may have sealed behind us. */
	for (int pass = 0; pass < PASSES && !bad && before != *rows; pass++) {
		before = *rows;
		for (size_t i = 0; i < COUNT(columns) && !bad; i++)
			bad = one_column(p, &columns[i], keys, tell, context, rows, e);
	}
	plain_close(p);
	return bad ? -1 : 0;
}

/* ---- equality ---- */

#define FILES_AT_ONCE 500

static int equality_of(struct plain *p, const struct rows *r, size_t i, rekey_again *again, void *context,
		       struct err *e)
{
	struct pool *pool = pool_new_secret();
	const char *nir = NULL, *iban = NULL;
	int64_t file = rows_i64(r, i, "id");
	size_t size = 0;
	const unsigned char *data = rows_bytes(r, i, "data", pool, &size);
	int bad = data ? 0 : fault(e, "file %lld has no answers to make its keys from", (long long)file);
	if (!bad)
		bad = again(context, file, rows_i64(r, i, "seq"), data, size, rows_text(r, i, "nir_hmac"),
			    rows_text(r, i, "iban_hmac"), pool, &nir, &iban, e);
	if (!bad)
		bad = plain_ask(p, "update file set nir_hmac = $2, iban_hmac = $3 where id = $1::bigint",
				ARGS(arg_i64(pool, file), arg_text(nir), arg_text(iban)), pool, NULL, e);
	pool_free(pool);
	return bad ? -1 : 0;
}

int rekey_equality(const char *owner_dsn, const char *key, rekey_again *again, void *context, int64_t *files,
		   struct err *e)
{
	struct pool *pool = pool_new();
	struct plain *p = plain_open(owner_dsn, "enroll keys", e);
	const struct rows *r = NULL;
	int64_t after = 0;
	*files = 0;
	/* The lock first: who serves cannot write a file behind us, and who begins to is seen. */
	int bad = !p || plain_script(p,
				     "begin; lock table file in exclusive mode;"
				     " select count(*) as n from pg_stat_activity where datname = current_database()"
				     "  and application_name ~ '^enroll(d$|-)'",
				     pool, &r, e);
	if (!bad && rows_i64(r, 0, "n"))
		bad = fault(e, "the service runs: stop every instance first");
	for (size_t n = 1; !bad && n;) {
		struct pool *page = pool_new_secret();
		bad = plain_ask(p,
				"select f.id, f.nir_hmac, f.iban_hmac, z.seq, z.data from file f left join lateral"
				" (select seq, data from frozen_copy where file = f.id and data is not null order by"
				" seq desc limit 1) z on true where f.id > $1::bigint and (f.nir_hmac is not null or"
				" f.iban_hmac is not null) order by f.id limit $2::int",
				ARGS(arg_i64(page, after), arg_i64(page, FILES_AT_ONCE)), page, &r, e);
		n = bad ? 0 : rows_count(r);
		for (size_t i = 0; i < n && !bad; i++) {
			bad = equality_of(p, r, i, again, context, e);
			after = rows_i64(r, i, "id");
			++*files;
		}
		pool_free(page);
	}
	if (!bad)
		bad = plain_ask(p,
				"insert into meta (key, value) values ('hmac_key', $1) on conflict (key) do update set "
				"value = excluded.value",
				ARGS(arg_text(key)), pool, NULL, e) ||
		      plain_script(p, "commit", pool, NULL, e);
	plain_close(p);
	pool_free(pool);
	return bad ? -1 : 0;
}

int rekey_equality_key(const char *dsn, struct pool *pool, const char **id, struct err *e)
{
	struct plain *p = plain_open(dsn, "enroll start", e);
	const struct rows *r;
	int bad = !p || plain_ask(p, "select value from meta where key = 'hmac_key'", NO_ARGS, pool, &r, e);
	*id = !bad && rows_count(r) ? rows_str(r, 0, "value") : NULL;
	plain_close(p);
	return bad ? -1 : 0;
}

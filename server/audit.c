#include "audit.h"

#include <stdio.h>
#include <string.h>

#include "../db/due.h"
#include "../db/identity.h"
#include "../db/operate.h"
#include "../db/sealed.h"
#include "chain.h"
#include "file_view.h"

#define BATCH 1000
#define TOLD_MOST 100

static const struct identity system_identity = { .role = SYSTEM };

/* ---- one event after the other ---- */

struct link {
	int64_t file, seq;
	const char *prev_hash, *hash, *body, *personal; /* personal: as it was hashed, or NULL when it is gone */
};

struct chain {
	int64_t file, seq;
	char hash[2 * SHA256_SIZE + 1];
	char state[32];
};

static void tell(struct audit *a, int64_t file, int64_t seq, const char *what)
{
	if (a->problems++ < TOLD_MOST)
		str_addf(&a->told, "file %lld event %lld: %s\n", (long long)file, (long long)seq, what);
}

/* "" when it is absent */
static const char *member(const char *json, const char *name, struct pool *pool)
{
	const char *text = json_member(json, name, pool);

	return text ? text : "";
}

static bool same(const char *a, const char *b)
{
	return str_eq(a ? a : "", b ? b : "");
}

/* What needs no database: the link to the one before, the hash, what the body says of itself. */
static void judge(struct audit *a, struct chain *c, const struct link *x, struct pool *pool)
{
	const char *both = pool_printf(pool, "%s%s", x->prev_hash, x->body), *canonical, *digest;
	int64_t n;

	if (x->file != c->file)
		*c = (struct chain){ .file = x->file };
	a->events++;
	a->files += c->seq == 0;
	if (x->seq != c->seq + 1)
		tell(a, x->file, x->seq, "the one before is missing");
	else if (!str_eq(x->prev_hash, c->hash))
		tell(a, x->file, x->seq, "does not follow the one before");
	if (!str_eq(x->hash, crypto_sha256_hex(pool, both, strlen(both))))
		tell(a, x->file, x->seq, "hash");
	canonical = json_canonical(x->body, pool);
	if (!canonical || !str_eq(canonical, x->body))
		tell(a, x->file, x->seq, "body is not canonical");
	if (str_to_i64(member(x->body, "file", pool), &n) || n != x->file ||
	    str_to_i64(member(x->body, "seq", pool), &n) || n != x->seq)
		tell(a, x->file, x->seq, "body belongs elsewhere");
	if (c->seq && !same(json_member(x->body, "from", pool), c->state))
		tell(a, x->file, x->seq, "begins in another state");
	digest = json_member(x->body, "personal", pool);
	if (x->personal) {
		a->personal++;
		if (!str_eq(digest, crypto_sha256_hex(pool, x->personal, strlen(x->personal))))
			tell(a, x->file, x->seq, "personal part");
	}
	c->seq = x->seq;
	snprintf(c->hash, sizeof c->hash, "%s", x->hash);
	snprintf(c->state, sizeof c->state, "%s", member(x->body, "to", pool));
}

/* ---- the whole database ---- */

/* The trigger compared them when the row was written: whoever could write past it changed one of the two. */
static void columns(struct audit *a, const struct rows *r, size_t i, const struct link *x, struct pool *pool)
{
	static const struct {
		const char *column, *member;
	} texts[] = {
		{ "event", "event" },
		{ "from_state", "from" },
		{ "to_state", "to" },
		{ "role", "role" },
		{ "actor", "actor" },
		{ "caisse", "caisse" },
		{ "holder", "holder" },
		{ "deadline_event", "deadline_event" },
		{ "return_to", "return_to" },
		{ "document", "document" },
		{ "effective_date", "effective_date" },
		{ "until_date", "until" },
	};
	static const char *const instants[] = { "at", "deadline" };
	const char *eligible = json_member(x->body, "eligible", pool);

	for (size_t k = 0; k < COUNT(texts); k++)
		if (!same(rows_text(r, i, texts[k].column), json_member(x->body, texts[k].member, pool)))
			tell(a, x->file, x->seq, pool_printf(pool, "column %s", texts[k].column));
	for (size_t k = 0; k < COUNT(instants); k++) {
		const char *said = json_member(x->body, instants[k], pool);
		instant_t at = INSTANT_NONE;

		if ((said && instant_parse(said, &at)) || at != rows_instant(r, i, instants[k]))
			tell(a, x->file, x->seq, pool_printf(pool, "column %s", instants[k]));
	}
	if (!eligible || str_eq(eligible, "true") != rows_bool(r, i, "eligible"))
		tell(a, x->file, x->seq, "column eligible");
}

static const struct rows *ask(struct lanes *l, struct pool *pool, const struct statement *st, const struct arg *args,
			      size_t count, struct err *e)
{
	struct segment *s = segment_new(l, pool, LANE_SLOW, NULL, NULL);

	identity_ask(s, pool, &system_identity, 0);
	segment_ask(s, st, args, count);
	return db_send_wait(s, e) ? NULL : segment_rows(s, 1);
}

static void one_row(struct service *s, struct audit *a, struct chain *c, const struct rows *r, size_t i,
		    struct pool *pool)
{
	struct link x = {
		.file = rows_i64(r, i, "file"),
		.seq = rows_i64(r, i, "seq"),
		.prev_hash = rows_str(r, i, "prev_hash"),
		.hash = rows_str(r, i, "hash"),
		.body = rows_str(r, i, "body"),
	};
	unsigned char *plain;
	size_t n;
	struct err e;

	if (sealed_read(s->keys, sealed_at2(SEALED_EVENT_PERSONAL, x.file, x.seq), r, i, "data", pool, &plain, &n,
			&e)) {
		tell(a, x.file, x.seq, "personal part cannot be opened");
	} else if (plain) {
		x.personal = (const char *)plain;
	} else if (json_member(x.body, "personal", pool)) {
		a->erased++;
		if (!rows_bool(r, i, "erased"))
			tell(a, x.file, x.seq, "personal part is gone without a purge");
	}
	judge(a, c, &x, pool);
	columns(a, r, i, &x, pool);
}

static int events(struct service *s, struct lanes *l, struct audit *a, struct err *e)
{
	struct chain c = { 0 };
	size_t n = BATCH;

	while (n == BATCH) {
		struct pool *pool = pool_new();
		const struct rows *r = ask(l, pool, &operate_events,
					   ARGS(arg_i64(pool, c.file), arg_i64(pool, c.seq), arg_i64(pool, BATCH)), e);

		n = rows_count(r);
		for (size_t i = 0; i < n; i++)
			one_row(s, a, &c, r, i, pool);
		pool_free(pool);
		if (!r)
			return -1;
	}
	return 0;
}

static char *root_of(const struct rows *r, struct pool *pool)
{
	size_t n = rows_count(r);
	struct chain_head *heads = POOL_ARRAY(pool, struct chain_head, n + 1);

	for (size_t i = 0; i < n; i++)
		heads[i] = (struct chain_head){ rows_i64(r, i, "file"), rows_str(r, i, "hash") };
	return chain_root(heads, n, pool);
}

/* Every signature; and the newest root is found again from the heads: a cut tail shows there. */
static int roots(struct service *s, struct lanes *l, struct pool *pool, struct audit *a, struct err *e)
{
	const struct rows *r = ask(l, pool, &operate_roots, NO_ARGS, e), *heads;
	size_t n = rows_count(r);

	if (!r)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *text = chain_signed(rows_instant(r, i, "at"), (size_t)rows_i64(r, i, "files"),
						rows_str(r, i, "root"), pool);

		a->roots++;
		if (!crypto_verify_hex(s->keys, rows_str(r, i, "signature"), text, strlen(text)))
			tell(a, 0, (int64_t)i + 1, "signature of a chain root");
	}
	if (!n)
		return 0;
	heads = ask(l, pool, &chain_heads, ARGS(arg_instant(pool, rows_instant(r, n - 1, "at"))), e);
	if (!heads)
		return -1;
	if ((int64_t)rows_count(heads) != rows_i64(r, n - 1, "files") ||
	    !str_eq(root_of(heads, pool), rows_str(r, n - 1, "root")))
		tell(a, 0, (int64_t)n, "the newest chain root is not that of the history");
	return 0;
}

int audit_database(struct service *s, struct lanes *l, struct pool *pool, struct audit *out, struct err *e)
{
	const struct rows *r;

	*out = (struct audit){ .told = str_in(pool) };
	if (events(s, l, out, e) || roots(s, l, pool, out, e))
		return -1;
	r = ask(l, pool, &operate_unfolded, NO_ARGS, e);
	for (size_t i = 0; i < rows_count(r); i++)
		tell(out, rows_i64(r, i, "file"), 0, "the file is not where its history leaves it");
	return r ? 0 : -1;
}

/* ---- one person's export ---- */

void audit_write(const struct file_view *v, struct json *out)
{
	json_obj(out);
	json_kt(out, "format", "enroll-history-1");
	json_ki(out, "file", v->id);
	json_kt(out, "number", v->number);
	json_key(out, "events");
	json_arr(out);
	for (size_t i = 0; i < v->event_count; i++) {
		const struct event_view *x = &v->events[i];

		json_obj(out);
		json_ki(out, "seq", x->seq);
		json_kt(out, "prev_hash", x->prev_hash);
		json_kt(out, "hash", x->hash);
		json_kt(out, "body", x->body);
		json_kt(out, "personal", x->personal);
		json_end(out);
	}
	json_end(out);
	json_end(out);
}

int audit_export(const char *json, struct pool *pool, struct audit *out, struct err *e)
{
	const char *format = json_member(json, "format", pool), *file = json_member(json, "file", pool);
	struct chain c = { 0 };
	int64_t id;
	size_t n;
	const char **items = json_elements(json, "events", pool, &n);

	*out = (struct audit){ .told = str_in(pool) };
	if (!str_eq(format, "enroll-history-1") || !items || !file || str_to_i64(file, &id))
		return fail(e, ERR_INPUT, "json.bad");
	for (size_t i = 0; i < n; i++) {
		struct link x = {
			.file = id,
			.prev_hash = member(items[i], "prev_hash", pool),
			.hash = member(items[i], "hash", pool),
			.body = member(items[i], "body", pool),
			.personal = json_member(items[i], "personal", pool),
		};

		if (str_to_i64(member(items[i], "seq", pool), &x.seq))
			return fail(e, ERR_INPUT, "json.bad");
		if (!x.personal && json_member(x.body, "personal", pool))
			out->erased++;
		judge(out, &c, &x, pool);
	}
	return 0;
}

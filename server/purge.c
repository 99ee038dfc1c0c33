#include "purge.h"

#include <string.h>

#include "../db/identity.h"
#include "../db/purge.h"
#include "../db/sealed.h"
#include "../forms/xml.h"
#include "../workflow/fire.h"
#include "base/log.h"

#define AT_ONCE 200

static const struct identity system_identity = { .role = SYSTEM };

static bool has(const char *kinds, const char *kind)
{
	size_t n = strlen(kind);
	for (const char *p = kinds; (p = strstr(p, kind)); p += n)
		if ((p == kinds || p[-1] == ',') && (p[n] == 0 || p[n] == ','))
			return true;
	return false;
}

/* The copies again, without the NIR: the rest of a refused file is kept. */
static int without_nir(struct service *s, struct lanes *l, struct pool *pool, int64_t file, struct segment *g,
		       struct err *e)
{
	struct segment *read = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(read, pool, &system_identity, 0);
	size_t at = segment_ask(read, &purge_frozen, ARGS(arg_i64(pool, file)));
	if (db_send_wait(read, e))
		return -1;
	const struct rows *r = segment_rows(read, at);
	for (size_t i = 0; i < rows_count(r); i++) {
		int64_t seq = rows_i64(r, i, "seq");
		struct sealed_place place = sealed_at2(SEALED_FROZEN_COPY, file, seq);
		size_t n, size;
		unsigned char *plain, *sealed;
		struct values v = values_in(pool);
		char *xml;
		if (sealed_read(s->keys, place, r, i, "data", pool, &plain, &n, e) || xml_to_values(plain, n, &v, e))
			return -1;
		values_remove(&v, "nir");
		if (xml_from_values(&v, "application", pool, &xml, &n, e) ||
		    sealed_make(s->keys, place, xml, n, pool, &sealed, &size, e))
			return -1;
		segment_ask(g, &purge_frozen_put,
			    ARGS(arg_i64(pool, file), arg_i64(pool, seq), arg_bytes(sealed, size)));
	}
	return 0;
}

static int erase(struct service *s, struct lanes *l, struct pool *pool, int64_t file, const char *kinds, struct err *e)
{
	static const struct {
		const char *kind;
		const struct statement *st;
	} steps[] = { { "proofs", &purge_proofs },     { "pieces", &purge_pieces },   { "nir", &purge_nir },
		      { "evidence", &purge_evidence }, { "answers", &purge_answers }, { "person", &purge_person },
		      { "profile", &purge_profile } };
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	const char *done[COUNT(steps)];
	size_t n = 0;
	identity_ask(g, pool, &system_identity, 0);
	if (has(kinds, "nir") && !has(kinds, "answers") && without_nir(s, l, pool, file, g, e)) {
		segment_cancel(g);
		return -1;
	}
	for (size_t i = 0; i < COUNT(steps); i++)
		if (has(kinds, steps[i].kind)) {
			segment_ask(g, steps[i].st, ARGS(arg_i64(pool, file)));
			done[n++] = steps[i].kind;
		}
	segment_ask(g, &purge_written, ARGS(arg_i64(pool, file), arg_texts(pool, done, n)));
	return db_send_wait(g, e);
}

static int purge_one(struct service *s, struct lanes *l, struct pool *pool, int64_t file, int64_t version,
		     const char *kinds, struct err *e)
{
	struct firing f = {
		.lanes = l,
		.pool = pool,
		.keys = s->keys,
		.policy = policy_now(s),
		.who = { .role = CLOCK },
		.public_url = s->settings.public_url,
		.file = file,
		.event = EV_PURGE,
		.version = version, /* two that purge at once: one is stale */
		.retention_over = true,
	};
	return fire_wait(&f, e) || erase(s, l, pool, file, kinds, e) ? -1 : 0;
}

static struct lanes *open_own(struct service *s, struct err *e)
{
	return lanes_open(
		&(struct lanes_options){ .dsn = s->purge_dsn, .write = 1, .application_name = "enroll-purge" }, NULL,
		NULL, e);
}

int purge_again(struct service *s, int64_t file, const char *kinds, struct err *e)
{
	struct lanes *own = open_own(s, e);
	struct pool *pool = pool_new_secret();
	int result = own ? purge_one(s, own, pool, file, -1, kinds, e) : -1;
	if (own)
		lanes_close(own);
	pool_free(pool);
	return result;
}

int purge_run(struct service *s, struct lanes *l, struct pool *pool, int *purged, struct err *e)
{
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	size_t at = segment_ask(g, &purge_due, ARGS(arg_i64(pool, AT_ONCE)));
	*purged = 0;
	if (db_send_wait(g, e))
		return -1;
	const struct rows *r = segment_rows(g, at);
	if (!rows_count(r))
		return 0;
	struct lanes *own = open_own(s, e);
	if (!own)
		return -1;
	int failed = 0;
	for (size_t i = 0; i < rows_count(r); i++) {
		struct pool *one = pool_new_secret();
		struct err why;
		int64_t file = rows_i64(r, i, "file");
		if (!purge_one(s, own, one, file, rows_i64(r, i, "version"), rows_str(r, i, "kinds"), &why)) {
			(*purged)++;
		} else if (why.kind != ERR_STALE) {
			log_event(LOG_ERROR, "purge.failed", "file", pool_printf(one, "%lld", (long long)file), "kind",
				  err_kind_name(why.kind), "detail", why.detail);
			failed++;
		}
		pool_free(one);
	}
	lanes_close(own);
	return failed && !*purged ? fault(e, "purge: %d files failed", failed) : 0;
}

#include "verify.h"

#include <string.h>

#include "../db/case.h"
#include "../db/identity.h"
#include "../db/sealed.h"
#include "../db/verify.h"
#include "../forms/xml.h"
#include "../server/base/str.h"
#include "checks.h"
#include "facts.h"

static const struct identity system_identity = { .role = SYSTEM };

/* Retried with backoff while a source is away (domain.md §3): 1, 2, 4 … minutes, at most one hour. */
static instant_t next_try(instant_t submitted, instant_t now)
{
	instant_t wait = (now - submitted) / 2;

	if (wait < 60 * SECOND)
		wait = 60 * SECOND;
	if (wait > 3600 * SECOND)
		wait = 3600 * SECOND;
	return now + wait;
}

struct gathered {
	const struct rows *file, *frozen, *copy, *lines, *commune, *twins, *pieces, *more;
	instant_t now;
	struct values answers;
};

static int read_answers(const struct firing *t, struct pool *pool, int64_t file, struct gathered *g, struct err *e)
{
	struct sealed_place at = sealed_at2(SEALED_FROZEN_COPY, file, rows_i64(g->frozen, 0, "seq"));
	unsigned char *plain;
	size_t n;

	g->answers = values_in(pool);
	if (sealed_read(t->keys, at, g->frozen, 0, "data", pool, &plain, &n, e))
		return -1;
	if (!plain)
		return fault(e, "file %lld: no frozen copy", (long long)file);
	return xml_to_values(plain, n, &g->answers, e);
}

static int gather(const struct firing *t, struct pool *pool, int64_t file, struct gathered *g, struct err *e)
{
	struct segment *s = segment_new(t->lanes, pool, LANE_WRITE, NULL, NULL);
	struct arg id = arg_i64(pool, file);
	size_t at[8];

	identity_ask(s, pool, &system_identity, 0);
	at[0] = segment_ask(s, &verify_file_row, ARGS(id));
	at[1] = segment_ask(s, &case_frozen, ARGS(id));
	at[2] = segment_ask(s, &verify_registry_copy, NO_ARGS);
	at[3] = segment_ask(s, &verify_registry_lines, ARGS(id));
	at[4] = segment_ask(s, &verify_commune, ARGS(id));
	at[5] = segment_ask(s, &verify_twins, ARGS(id));
	at[6] = segment_ask(s, &verify_pieces, ARGS(id));
	if (db_send_wait(s, e))
		return -1;
	*g = (struct gathered){
		.file = segment_rows(s, at[0]),
		.frozen = segment_rows(s, at[1]),
		.copy = segment_rows(s, at[2]),
		.lines = segment_rows(s, at[3]),
		.commune = segment_rows(s, at[4]),
		.twins = segment_rows(s, at[5]),
		.pieces = segment_rows(s, at[6]),
	};
	if (!rows_count(g->file))
		return fail(e, ERR_MISSING, "file.missing");
	g->now = rows_instant(g->file, 0, "now");
	return 0;
}

/* A registry copy at most 35 days old (domain.md §4). */
#define REGISTRY_DAYS 35

/* Asked last and only where it can change something: a source that is away costs nothing to anybody else. */
static bool inactive_elsewhere(const struct firing *t, const struct check_input *in)
{
	for (size_t i = 0; t->inactive && in->registry_there && i < in->line_count; i++)
		if (str_eq(in->lines[i].profession, "93"))
			return t->inactive(t->inactive_context, values_text(in->answers, "rpps"));
	return false;
}

static void judge(const struct firing *t, struct pool *pool, const struct gathered *g, struct check_result out[CHECKS])
{
	size_t n = rows_count(g->lines);
	struct registry_line *lines = POOL_ARRAY(pool, struct registry_line, n + 1);
	day_t today = day_in_paris(g->now), source = rows_count(g->copy) ? rows_day(g->copy, 0, "day") : DAY_NONE;
	struct check_input in = {
		.answers = &g->answers,
		.deposit = day_in_paris(rows_instant(g->file, 0, "submitted_at")),
		.registry_there = source != DAY_NONE && today - source <= REGISTRY_DAYS,
		.registry_day = source,
		.lines = lines,
		.line_count = n,
		.commune_known = rows_count(g->commune) > 0,
		/* By its prefix, known commune or not: an unknown one only leads to unrouted (domain.md §4). */
		.departement = departement_of_commune(pool, values_text(&g->answers, "address_commune")),
		.same_name_and_birth = (int)rows_i64(g->twins, 0, "same_name"),
		.same_iban = (int)rows_i64(g->twins, 0, "same_iban"),
		.bad_pieces = rows_text(g->pieces, 0, "bad"),
		.foreign_authorisation = rows_bool(g->pieces, 0, "authorisation"),
	};

	for (size_t i = 0; i < n; i++)
		lines[i] = (struct registry_line){
			.profession = rows_str(g->lines, i, "profession"),
			.last_name = rows_str(g->lines, i, "last_name"),
			.first_name = rows_str(g->lines, i, "first_name"),
			.authority = rows_str(g->lines, i, "authority"),
			.departement = rows_text(g->lines, i, "departement"),
			.mode = rows_str(g->lines, i, "mode"),
		};
	in.fhir_inactive = inactive_elsewhere(t, &in);
	checks_run(&in, pool, out);
}

/* The rows, then the facts they make, in one transaction of the system. */
static int store(const struct firing *t, struct pool *pool, int64_t file, struct gathered *g,
		 const struct check_result *r, struct facts *facts, struct err *e)
{
	struct segment *s = segment_new(t->lanes, pool, LANE_WRITE, NULL, NULL);
	struct arg id = arg_i64(pool, file), seq = arg_i64(pool, rows_i64(g->file, 0, "version"));
	size_t row, more;

	identity_ask(s, pool, &system_identity, 0);
	for (size_t i = 0; i < CHECKS; i++)
		segment_ask(s, &case_check,
			    ARGS(id, seq, arg_text(check_id(r[i].check)), arg_text(result_id(r[i].result)),
				 arg_text(r[i].reason), arg_text(r[i].source), arg_instant(pool, g->now),
				 arg_text(r[i].evidence),
				 arg_text(crypto_sha256_hex(pool, r[i].evidence, strlen(r[i].evidence)))));
	row = segment_ask(s, &verify_file_row, ARGS(id));
	more = segment_ask(s, &case_facts,
			   ARGS(id, arg_i64(pool, t->policy->unavailable_hours), arg_text("system"), arg_text(NULL),
				arg_text("applicant")));
	if (db_send_wait(s, e))
		return -1;
	facts_read(segment_rows(s, row), segment_rows(s, more), &system_identity, g->now, t->policy, t->expert_on,
		   t->expert_context, facts);
	return 0;
}

int verify_file(const struct firing *template, int64_t file, enum event *fired, instant_t *next, struct err *e)
{
	static const enum event verdicts[] = { EV_CHECKS_FAILED, EV_CHECKS_NEED_HUMAN, EV_CHECKS_PASSED };
	struct pool *pool = pool_new_secret();
	struct gathered g;
	struct check_result results[CHECKS];
	struct facts facts;
	int ret = -1;

	*fired = EV_NONE;
	*next = INSTANT_NONE;
	if (gather(template, pool, file, &g, e))
		goto out;
	ret = 0;
	if (!str_eq(rows_str(g.file, 0, "state"), "submitted"))
		goto out; /* someone was faster; its answers may be erased by now */
	if (read_answers(template, pool, file, &g, e)) {
		ret = -1;
		goto out;
	}
	judge(template, pool, &g, results);
	if (store(template, pool, file, &g, results, &facts, e)) {
		ret = -1;
		goto out;
	}
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		const struct transition *row;
		struct err no;
		struct firing f = *template;

		if (decide(&facts, verdicts[i], &row, &no))
			continue;
		f.pool = pool;
		f.who = system_identity;
		f.file = file;
		f.event = verdicts[i];
		f.version = rows_i64(g.file, 0, "version");
		f.body = NULL;
		f.key = NULL;
		ret = fire_wait(&f, e);
		if (!ret)
			*fired = verdicts[i];
		else if (e->kind == ERR_STALE)
			ret = 0; /* withdrawn meanwhile, or another clerk was faster */
		goto out;
	}
	*next = next_try(rows_instant(g.file, 0, "submitted_at"), g.now);
out:
	pool_free(pool);
	return ret;
}

#include "agents.h"

#include <string.h>

#include "../../db/queue.h"
#include "../base/str.h"
#include "../page.h"
#include "../text.h"

#define LAST_CHARACTER "\xf4\x8f\xbf\xbf" /* U+10FFFF: after every key with this beginning */

/* ---- what the URL asks for ---- */

void queue_filter_read(const struct job *j, struct queue_filter *out)
{
	*out = (struct queue_filter){
		.etat = values_text(&j->query, "etat"),
		.caisse = values_text(&j->query, "caisse"),
		.q = str_trim(j->pool, values_text(&j->query, "q")),
		.tri = values_text(&j->query, "tri"),
		.page = 1,
	};
	if (str_to_i64(values_text(&j->query, "page"), &out->page) || out->page < 1 || out->page > 100000)
		out->page = 1;
	if (strlen(out->q) > 200)
		out->q = "";
}

static void url_add(struct str *url, const char *name, const char *value)
{
	if (!*value)
		return;
	str_addf(url, "%s%s=", url->len ? "&" : "?", name);
	url_part(url, value);
}

char *queue_url(struct pool *pool, const struct queue_filter *f, const char *etat, int64_t page)
{
	struct str url = str_in(pool);

	url_add(&url, "etat", etat);
	url_add(&url, "caisse", f->caisse);
	url_add(&url, "q", f->q);
	url_add(&url, "tri", f->tri);
	if (page > 1)
		url_add(&url, "page", pool_printf(pool, "%lld", (long long)page));
	return url.s;
}

size_t states_waiting(unsigned role, const char *out[STATES])
{
	size_t n = 0;

	for (enum state s = ST_DRAFT; s < STATES; s++)
		if (state_waits_for(s) & role)
			out[n++] = state_id(s);
	return n;
}

/* ---- asking ---- */

/* "a_traiter" is the reader's saved view; else states, separated by commas. Unknown words find nothing. */
static struct arg states_arg(struct job *j, const char *etat)
{
	const char *wanted[STATES + 1];
	size_t n = 0;

	if (!*etat || str_eq(etat, "transferes"))
		return arg_text(NULL);
	if (str_eq(etat, "a_traiter"))
		return arg_texts(j->pool, wanted, states_waiting(j->who.role, wanted));
	for (const char *at = etat; *at && n < STATES;) {
		size_t len = strcspn(at, ",");

		wanted[n++] = pool_strndup(j->pool, at, len);
		at += len + (at[len] == ',');
	}
	return arg_texts(j->pool, wanted, n);
}

static const char *sort_of(const char *tri)
{
	static const char *const names[][2] = {
		{ "age", "age" },    { "recent", "recent" },     { "nom", "name" },
		{ "-nom", "-name" }, { "numero", "number" },     { "-numero", "-number" },
		{ "etat", "state" }, { "echeance", "deadline" }, { "suivi", "holder" },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(tri, names[i][0]))
			return names[i][1];
	return "age";
}

/*
 * A key is "dupont durand marie". What is typed may begin anywhere: "marie dup" is looked for from "marie dup" and from
 * "dup", and every word of it must begin a word of the name.
 */
#define WORDS_MOST 6
struct name_search {
	const char *from[WORDS_MOST], *to[WORDS_MOST], *like[WORDS_MOST];
	size_t count;
};

static void name_search(struct pool *pool, const char *key, struct name_search *out)
{
	out->count = 0;
	for (const char *at = key; at && *at && out->count < WORDS_MOST; out->count++) {
		const char *space = strchr(at, ' ');

		out->from[out->count] = at;
		out->to[out->count] = pool_printf(pool, "%s" LAST_CHARACTER, at);
		out->like[out->count] =
			pool_printf(pool, "%% %.*s%%", (int)(space ? space - at : (long)strlen(at)), at);
		at = space ? space + 1 : NULL;
	}
}

static char *upper(struct pool *pool, const char *s)
{
	char *out = pool_strdup(pool, s);

	for (char *c = out; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return out;
}

static char *digits(struct pool *pool, const char *s)
{
	struct str out = str_in(pool);

	for (; *s; s++)
		if (*s != ' ')
			str_add_c(&out, *s);
	return out.s;
}

size_t queue_list_ask(struct job *j, const struct queue_filter *f, int64_t limit)
{
	const char *waiting[STATES + 1];
	size_t n = states_waiting(j->who.role, waiting);
	const char *key = str_search_key(j->pool, f->q), *number = upper(j->pool, f->q);
	struct name_search name;
	const struct statement *st;
	struct arg args[12] = {
		states_arg(j, f->etat),    arg_text(*f->caisse ? f->caisse : NULL),
		arg_text(sort_of(f->tri)), arg_texts(j->pool, waiting, n),
		arg_i64(j->pool, limit),   arg_i64(j->pool, limit == QUEUE_PAGE ? (f->page - 1) * QUEUE_PAGE : 0),
	};
	size_t count = 6;

	if (!*f->q) {
		st = j->who.role == ADMIN            ? &queue_of_all
		     : j->who.role == EXPERT         ? &queue_of_experts
		     : str_eq(f->etat, "transferes") ? &queue_moved
						     : &queue_of_caisses;
	} else {
		name_search(j->pool, key, &name);
		st = j->who.role == ADMIN    ? &queue_search_all
		     : j->who.role == EXPERT ? &queue_search_experts
					     : &queue_search_caisses;
		if (j->who.role == ADMIN) {
			/* A search of signs only ("%") must find nothing, not everything. */
			if (!name.count || str_starts(number, "MSP-"))
				name.from[0] = name.count ? number : "\x01";
			args[count++] = arg_texts(j->pool, name.from, name.count ? name.count : 1);
		} else {
			args[count++] = arg_texts(j->pool, name.from, name.count);
			args[count++] = arg_texts(j->pool, name.to, name.count);
		}
		args[count++] = arg_texts(j->pool, name.like, name.count);
		args[count++] = arg_text(digits(j->pool, f->q));
		args[count++] = arg_text(number);
		args[count++] = arg_text(key);
	}
	return job_ask(j, st, pool_copy(j->pool, args, sizeof args), count);
}

/* ---- rows ---- */

void queue_item_read(struct job *j, const struct rows *r, size_t row, struct queue_item *out)
{
	instant_t since = rows_instant(r, row, "since"), deadline = rows_instant(r, row, "deadline");
	const char *last = rows_str(r, row, "last_name"), *first = rows_str(r, row, "first_name");

	*out = (struct queue_item){
		.id = rows_i64(r, row, "id"),
		.version = rows_i64(r, row, "version"),
		.total = rows_i64(r, row, "total"),
		.number = rows_str(r, row, "number"),
		.kind = rows_str(r, row, "kind"),
		.state = rows_str(r, row, "state"),
		.name = str_trim(j->pool, pool_printf(j->pool, "%s %s", last, first)),
		.commune = rows_text(r, row, "commune"),
		.commune_name = rows_text(r, row, "commune_name"),
		.caisse = rows_text(r, row, "caisse"),
		.caisse_name = rows_text(r, row, "caisse_name"),
		.holder = rows_text(r, row, "holder_name"),
		.since = since,
		.deadline = deadline,
		.mine = j->who.agent && rows_i64(r, row, "holder") == j->who.agent,
	};
	if (since != INSTANT_NONE)
		out->age = day_working_between(day_in_paris(since), day_in_paris(j->now));
	if (str_eq(out->state, "in_review"))
		out->target = policy_now(j->service)->review_target;
	out->late = (out->target && out->age > out->target) || (deadline != INSTANT_NONE && deadline < j->now);
}

/* ---- words and colours ---- */

const char *state_tag(const char *state)
{
	switch (state_from_id(state)) {
	case ST_DRAFT:
		return "msp-tag--grey";
	case ST_CORRECTION:
	case ST_TO_SIGN:
		return "msp-tag--warn";
	case ST_CONVENTIONED:
		return "msp-tag--ok";
	case ST_SUSPENDED:
	case ST_LEAVING:
		return "msp-tag--plum";
	case ST_REFUSED:
	case ST_CLOSED:
	case ST_WITHDRAWN:
	case ST_ENDED:
		return "msp-tag--ended";
	default:
		return "msp-tag--info";
	}
}

const char *result_tag(const char *result)
{
	return str_eq(result, "pass")     ? "msp-tag--ok"
	       : str_eq(result, "fail")   ? "msp-tag--error"
	       : str_eq(result, "review") ? "msp-tag--warn"
					  : "msp-tag--grey";
}

const char *number_text(struct pool *pool, int64_t n)
{
	return n < 1000 ? pool_printf(pool, "%lld", (long long)n)
			: pool_printf(pool, "%s\u202f%03lld", number_text(pool, n / 1000), (long long)(n % 1000));
}

const char *days_text(struct pool *pool, int64_t days)
{
	return pool_printf(pool, "%s\u00a0jour%s", number_text(pool, days), days > 1 ? "s" : "");
}

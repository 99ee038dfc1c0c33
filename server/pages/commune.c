#include <string.h>

#include "../text.h"
#include "directory.h"

/*
 * Communes by postcode or the beginning of a name: JSON for a list that fills while typing, and a page of its own for
 * who works without JavaScript.
 */

struct asked {
	bool searched;
	size_t at;
};

struct commune_row {
	const char *code, *label;
};
static const struct slot row_slots[] = { SLOT_T(struct commune_row, code), SLOT_T(struct commune_row, label) };
static const struct view row_view = VIEW(struct commune_row, row_slots);
struct communes_view {
	const char *q, *problem;
	const char *guess; /* what the items are, when none is what was searched */
	bool none;
	struct list items;
};
static const struct slot communes_slots[] = { SLOT_T(struct communes_view, q), SLOT_T(struct communes_view, problem),
					      SLOT_T(struct communes_view, guess), SLOT_B(struct communes_view, none),
					      SLOT_L(struct communes_view, items, &row_view) };
static const struct view communes_view = VIEW(struct communes_view, communes_slots);
static const struct page communes_page = { "server/pages/communes.html", &communes_view };
PAGE(communes_page);

const char *commune_label(const struct commune *c, struct pool *pool)
{
	const char *space = strchr(c->postcodes, ' ');
	const char *first = space ? pool_strndup(pool, c->postcodes, (size_t)(space - c->postcodes)) : c->postcodes;

	if (!*first)
		return pool_printf(pool, "%s (%s)", c->name, c->departement_name);
	return pool_printf(pool, "%s (%s%s, %s)", c->name, first, space ? "…" : "", c->departement_name);
}

void commune_json(struct json *j, const struct commune *c, struct pool *pool)
{
	char *copy = pool_strdup(pool, c->postcodes), *save = NULL;

	json_obj(j);
	json_kt(j, "code", c->code);
	json_kt(j, "name", c->name);
	json_key(j, "postcodes");
	json_arr(j);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		json_text(j, p);
	json_end(j);
	json_kt(j, "departement", c->departement);
	if (c->guess)
		json_kb(j, "guess", true);
	json_end(j);
}

int communes_ask(struct job *j, struct err *e)
{
	struct asked *a = j->state = POOL_NEW(j->pool, struct asked);
	struct arg *args = POOL_ARRAY(j->pool, struct arg, COMMUNE_ARGS);

	(void)e;
	if (!commune_search_args(values_text(&j->query, "q"), j->pool, args)) {
		a->searched = true;
		a->at = job_ask(j, &commune_search, args, COMMUNE_ARGS);
	}
	return 0;
}

int communes_answer(struct job *j, struct err *e)
{
	const struct asked *a = j->state;
	const struct commune *found = NULL;
	size_t n = a->searched ? commune_read(job_rows(j, a->at), j->pool, &found) : 0;
	struct communes_view v = { .q = values_text(&j->query, "q") };

	if (j->json) {
		struct json out = json_in(j->pool);
		if (!a->searched)
			return fail_field(e, "communes.short", "q");
		json_obj(&out);
		json_key(&out, "items");
		json_arr(&out);
		for (size_t i = 0; i < n; i++)
			commune_json(&out, &found[i], j->pool);
		json_end(&out);
		json_key(&out, "next");
		json_nil(&out);
		json_ki(&out, "total", (int64_t)n);
		json_end(&out);
		return job_json(j, 200, &out);
	}
	struct commune_row *rows = POOL_ARRAY(j->pool, struct commune_row, n + 1);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct commune_row){ found[i].code, commune_label(&found[i], j->pool) };
	v.items = (struct list){ rows, n };
	v.none = a->searched && !n;
	v.guess = n && found[0].guess ? text_fill(j->pool, "communes.guess", v.q) : NULL;
	if (!a->searched && values_get(&j->query, "q"))
		v.problem = text("communes.short");
	return job_page(j, v.problem ? 422 : 200, text("communes.title"), &communes_page, &v);
}

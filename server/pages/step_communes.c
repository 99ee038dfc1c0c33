#include "step_communes.h"

#include <string.h>

#include "../base/str.h"
#include "../text.h"
#include "directory.h"

/* ---- communes: chosen from a list once a postcode or a name is known ---- */

const char *const step_places[STEP_PLACES] = { "address", "address2" };

bool step_has_field(const struct step *step, const char *name)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].field && str_eq(step->items[i].field->name, name))
			return true;
	return false;
}

size_t step_places_ask(struct job *j, const struct values *answers)
{
	const char *codes[STEP_PLACES], *postcodes[STEP_PLACES];

	for (size_t i = 0; i < STEP_PLACES; i++) {
		codes[i] = values_text(answers, pool_printf(j->pool, "%s_commune", step_places[i]));
		postcodes[i] = values_text(answers, pool_printf(j->pool, "%s_postcode", step_places[i]));
	}
	return job_ask(j, &commune_unlike,
		       ARGS(arg_texts(j->pool, codes, STEP_PLACES), arg_texts(j->pool, postcodes, STEP_PLACES)));
}

/* "59000, 59160, 59260…": the first three. */
static const char *some_postcodes(const char *all, struct pool *pool)
{
	struct str out = str_in(pool);
	size_t n = 0;

	for (const char *at = all; *at && n < 3; n++) {
		size_t len = strcspn(at, " ");

		str_add(&out, n ? ", " : "");
		str_add_n(&out, at, len);
		at += len + (at[len] == ' ');
		if (n == 2 && *at)
			str_add(&out, "…");
	}
	return out.s;
}

static long unlike_row(const struct rows *r, size_t place)
{
	for (size_t i = 0; i < rows_count(r); i++)
		if (rows_i64(r, i, "n") == (int64_t)place + 1)
			return (long)i;
	return -1;
}

const char *step_place_name(const struct rows *r, size_t place)
{
	long at = unlike_row(r, place);

	return at < 0 ? NULL : rows_str(r, (size_t)at, "name");
}

const char *step_place_unlike(const struct rows *r, size_t place, const struct values *answers, struct pool *pool)
{
	long at = unlike_row(r, place);

	if (at < 0)
		return NULL;
	return pool_printf(pool, "%s (%s) n’a pas le code postal %s.", rows_str(r, (size_t)at, "name"),
			   some_postcodes(rows_str(r, (size_t)at, "postcodes"), pool),
			   values_text(answers, pool_printf(pool, "%s_postcode", step_places[place])));
}

void step_commune_ask(struct job *j, const char *words, struct commune_asked *out)
{
	struct arg args[COMMUNE_ARGS];

	*out = (struct commune_asked){ .asked = false };
	if (!*words || commune_search_args(words, j->pool, args))
		return;
	out->at = job_ask(j, &commune_search, args, COMMUNE_ARGS);
	out->asked = true;
}

/* The step with its communes as choices among what was found, or as a name to type. */
const struct step *step_with_communes(struct job *j, const struct form *form, const struct step *step,
				      const struct commune_asked asked[2], const struct values *shown,
				      struct form *copy)
{
	struct step *steps = pool_copy(j->pool, form->steps, form->step_count * sizeof *steps);
	struct item *items = pool_copy(j->pool, step->items, step->item_count * sizeof *items);
	struct step *mine = &steps[step - form->steps];

	for (size_t i = 0; i < step->item_count; i++) {
		struct field *field;
		const struct commune *found = NULL;
		size_t place, n = 0, options = 0;
		const char *now;

		if (!items[i].field || items[i].field->type != FIELD_COMMUNE)
			continue;
		place = str_starts(items[i].field->name, "address2") ? 1 : 0;
		field = pool_copy(j->pool, items[i].field, sizeof *field);
		items[i].field = field;
		now = values_text(shown, field->name);
		if (asked[place].asked)
			n = commune_read(job_rows(j, asked[place].at), j->pool, &found);
		if (!n && !commune_is_code(now)) {
			field->type = FIELD_TEXT;
			field->hint = text("step.commune.hint");
			continue;
		}
		struct option *list = POOL_ARRAY(j->pool, struct option, n + 1);
		bool there = !*now;
		for (size_t k = 0; k < n; k++) {
			list[options++] =
				(struct option){ .value = found[k].code, .label = commune_label(&found[k], j->pool) };
			there |= str_eq(found[k].code, now);
		}
		if (!there && commune_is_code(now))
			list[options++] =
				(struct option){ .value = now, .label = asked[place].name ? asked[place].name : now };
		field->type = FIELD_CHOICE;
		field->options = list;
		field->option_count = options;
	}
	mine->items = items;
	*copy = *form;
	copy->steps = steps;
	return mine;
}

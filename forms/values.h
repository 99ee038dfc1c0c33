/*
 * What a person sent or what we keep of it: an ordered list of flat names and texts. URL-encoded bodies, multipart
 * bodies, JSON bodies and stored XML all become this, so that there is one validation.
 *
 *	experience[0].from = 2015-01-01        a period's field
 *	public[] = adults, public[] = teens    several values of one field
 *	checklist.rights.waived = …            an object inside an object
 *
 * An array or a group sent empty (JSON `[]`, a page's hidden field) is the one value name[] = "".
 * Names are at most 120 bytes of [a-z0-9_.[]-]; anything else is dropped by the readers as unknown. Everything lives in
 * the pool given. It knows neither HTTP nor SQL.
 */
#ifndef FORMS_VALUES_H
#define FORMS_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include "../server/base/err.h"
#include "../server/base/pool.h"

struct value {
	const char *name, *text;
};

struct values {
	struct value *items;
	size_t count, cap;
	struct pool *pool;
};

struct values values_in(struct pool *pool);
void values_add(struct values *v, const char *name, const char *text); /* copies both */
void values_add_all(struct values *v, const struct values *from);
void values_set(struct values *v, const char *name, const char *text); /* replaces every one of that name */
void values_remove(struct values *v, const char *name);                /* every one of exactly that name */
void values_remove_group(struct values *v, const char *array); /* "experience": experience[…]…; "public": public[] */
const char *values_get(const struct values *v, const char *name);                     /* the first, or NULL */
const char *values_text(const struct values *v, const char *name);                    /* the first, or "" */
size_t values_all(const struct values *v, const char *name, const char *const **out); /* texts of that name, pooled */
/* Highest index + 1 of name[n]…; 0 when there is none. Indexes above 99 are not counted. */
size_t values_rows(const struct values *v, const char *array);
/* Renumbers name[n] so that rows are 0…n-1 without holes, keeping their order. */
void values_compact(struct values *v, const char *array);
bool values_has_group(const struct values *v, const char *array); /* name[… was sent, even empty */

/* May a reader keep this name? At most 120 bytes of [a-z0-9_.[]-], a letter first, brackets empty or holding digits. */
bool values_name_good(const char *name);
/*
 * Cuts "experience[3].from": 10 in *array_len, 3 in *row, "from" in *rest ("" when nothing follows the bracket). False
 * for a name without a written index ("public[]"), with one above 99, or with zeros before it.
 */
bool values_split(const char *name, size_t *array_len, size_t *row, const char **rest);

#endif

/*
 * Communes by what people know of them: a postcode, the beginning of a name, both, or the INSEE code. Offline, from the
 * reference data.
 *
 *	struct arg args[COMMUNE_ARGS];
 *	if (commune_search_args("59000 lille", pool, args)) … too little to search with
 *	at = job_ask(j, &commune_search, args, COMMUNE_ARGS);
 *	n = commune_read(job_rows(j, at), pool, &found);
 *
 * The best answers come first: the exact name, then the most inhabited. At most COMMUNE_MOST. When there is none, those
 * whose name is one slip away ("Marseile"), the first letter right; or with a postcode, those that have it.
 */
#ifndef DB_COMMUNE_H
#define DB_COMMUNE_H

#include <stdbool.h>
#include "db.h"

enum { COMMUNE_ARGS = 5, COMMUNE_MOST = 25 };

struct commune {
	const char *code, *name, *departement, *departement_name;
	const char *postcodes; /* separated by spaces */
	bool district;         /* a municipal arrondissement of Paris, Lyon or Marseille */
	bool exact;            /* its name is the one that was searched */
	bool guess;            /* nothing is called what was searched; this one nearly is, or has the postcode */
	bool located;
	double lon, lat;
};

extern const struct statement commune_search;
/*
 * $1 INSEE codes, $2 their postcodes, one by one. Rows only for those that do not go together: n (from 1), name,
 * postcodes. A code that is not known, and a postcode that no commune has but of the same département (CEDEX), are
 * let pass.
 */
extern const struct statement commune_unlike;
/*
 * The postcode that was typed, alone: "59000", "59 000" with any space, "59.000"; NULL for anything else. This and
 * commune_search_args() are the one place that reads one outside the forms (forms/validate.c has its own field).
 */
const char *commune_postcode(const char *text, struct pool *pool);
/* -1: nothing to search with (fewer than two letters and no postcode). */
int commune_search_args(const char *text, struct pool *pool, struct arg out[COMMUNE_ARGS]);
/* By INSEE code alone. */
void commune_code_args(const char *code, struct arg out[COMMUNE_ARGS]);
bool commune_is_code(const char *text); /* the shape of an INSEE code: 59350, 2A004 */
size_t commune_read(const struct rows *r, struct pool *pool, const struct commune **out);
/*
 * The one that was meant, or NULL when it is not clear (choices are to be shown). One alone, one of exactly this name,
 * or the arrondissement where its city has the same postcode; never a guess.
 */
const struct commune *commune_meant(const struct commune *found, size_t count);

#endif

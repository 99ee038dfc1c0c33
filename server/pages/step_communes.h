/*
 * Communes of a step, without JavaScript: a postcode or a name is looked up, then the page offers what was found as
 * choices, so that an INSEE code is never typed.
 */
#ifndef SERVER_PAGES_STEP_COMMUNES_H
#define SERVER_PAGES_STEP_COMMUNES_H

#include "../../db/commune.h"
#include "../file_view.h"

enum { STEP_PLACES = 2 };
extern const char *const step_places[STEP_PLACES]; /* prefixes of the fields: address, address2 */

struct commune_asked {
	bool asked;
	const char *name; /* of the commune that is kept, where it is known and not among those found */
	size_t at;        /* of job_rows() */
};

bool step_has_field(const struct step *step, const char *name);
/*
 * A postcode and a commune that do not go together: a typo in one of them, most often. Said beside it and to who reads
 * the file, never refused: La Poste knows addresses that the reference data does not.
 *
 *	at = step_places_ask(j, &answers);
 *	said = step_place_unlike(job_rows(j, at), place, &answers, pool);     "Lille (59000…) n’a pas …", or NULL
 */
size_t step_places_ask(struct job *j, const struct values *answers);
const char *step_place_unlike(const struct rows *r, size_t place, const struct values *answers, struct pool *pool);
const char *step_place_name(const struct rows *r, size_t place); /* of that commune, or NULL */
/* Queues the search for "59000 lille"; not asked when it is too little to search with. */
void step_commune_ask(struct job *j, const char *words, struct commune_asked *out);
/*
 * The step with its communes as choices among what was found, or as a name to type. `copy` becomes the form around it.
 * A step without communes is the same as before.
 */
const struct step *step_with_communes(struct job *j, const struct form *form, const struct step *step,
				      const struct commune_asked asked[STEP_PLACES], const struct values *shown,
				      struct form *copy);

#endif

/*
 * Which caisse for a commune (domain.md §6): the commune's own entry, never the département; no silent default.
 */
#ifndef DB_ROUTING_H
#define DB_ROUTING_H

#include "db.h"

struct route_answer {
	const char *commune;      /* INSEE code asked, as given */
	const char *commune_name; /* NULL: unknown commune */
	const char *caisse;       /* NULL: unrouted */
	const char *caisse_name;
	const char *rule;       /* commune; unrouted: commune_unknown, no_caisse */
	const char *method;     /* how the table knows: departement, arrondissement …; or NULL */
	const char *confidence; /* certain, probable, a_confirmer; NULL when unrouted */
	day_t valid_since;
	const char *explained; /* routing_words() */
};

/* For people: "commune 59350 → 595, table valable depuis le 1er janvier 2026, confiance à confirmer". `caisse` NULL: no
 * caisse for it; `known`: the table has that commune. */
char *routing_words(struct pool *pool, const char *commune, bool known, const char *caisse, day_t valid_since,
		    const char *confidence);

extern const struct statement routing_of_commune; /* $1 INSEE code; always one row */
/* An unknown commune is an answer, not an error. */
void routing_read(const struct rows *r, struct pool *pool, struct route_answer *out);
/* enrollctl routing explain: waits. */
int routing_explain(struct lanes *l, struct pool *pool, const char *commune, struct route_answer *out,
		    struct err *e) MUST_USE;

#endif

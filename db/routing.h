/*
 * Which caisse for a commune (domain.md §6): the commune's own entry, never the département; no silent default.
 */
#ifndef DB_ROUTING_H
#define DB_ROUTING_H

#include <stdbool.h>
#include "db.h"

struct route_answer {
	const char *commune;      /* INSEE code asked, as given */
	const char *commune_name; /* NULL: unknown commune */
	const char *caisse;       /* NULL: unrouted */
	const char *caisse_name;
	const char *rule;         /* departement, arrondissement, …; "commune_inconnue", "sans_caisse" when unrouted */
	const char *confidence;   /* certain, probable, a_confirmer; NULL when unrouted */
	const char *explained;    /* French: "commune 59350 → 595, table valable depuis le 1er janvier 2026, confiance …" */
};

extern const struct statement routing_of_commune; /* $1 INSEE code; always one row */
/* Reads that row; `e` is not needed: an unknown commune is an answer. */
void routing_read(const struct rows *r, struct pool *pool, struct route_answer *out);
/* enrollctl routing explain: waits. */
int routing_explain(struct lanes *l, struct pool *pool, const char *commune, struct route_answer *out, struct err *e) MUST_USE;

#endif

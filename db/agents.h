/*
 * The accounts of agents, as an administrator reads them. They are made and changed by enrollctl.
 */
#ifndef DB_AGENTS_H
#define DB_AGENTS_H

#include "db.h"

/* id, role, name, email, region, region_name, may_sign, active, caisses (names joined), codes, certificates, not_after,
 * exports (in 30 days) */
extern const struct statement agents_list;
/* Who took what out, the latest first: at, name, what, rows. */
extern const struct statement agents_exports;

#endif

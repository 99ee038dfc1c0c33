/*
 * Files that are stuck, or that are what they must never be: only those the reader may see.
 */
#ifndef DB_ANOMALY_H
#define DB_ANOMALY_H

#include "db.h"

/* overdue before, idle before (instants), hours of an unavailable source: kind, file, number, state, last_name,
 * first_name, caisse, caisse_name, since; the gravest first, 500 at most. */
extern const struct statement anomaly_list;
extern const struct statement anomaly_invariants; /* name, n: the eight views, whoever looks */

#endif

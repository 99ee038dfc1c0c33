/*
 * Lists of files for agents. Row-level security decides which files exist for the reader; the statements say it again
 * where an index can then serve (delegates: one B-tree per caisse). Name ranges, not LIKE: the planner may use an index
 * under row-level security only with leak-proof operators.
 *
 * Every list has the same arguments and columns:
 *	states (text[] or NULL), caisse or NULL, sort, states that wait for the reader (text[]), how many, offset
 *	id, number, kind, state, last_name, first_name, commune, commune_name, caisse, caisse_name, holder, holder_name,
 *	since, deadline, version, rpps, total
 *
 * Sort: "age" (what waits for the reader first, then the oldest), "recent",
 * "name", "-name", "number", "-number", "state", "deadline", "holder". A search adds: lowest keys (text[]), keys after
 * their last (text[]), patterns that the name's key must all meet (text[]), then exactly RPPS, number, e-mail's key;
 * queue_search_all has one list of keys for search_everywhere() instead of the two.
 */
#ifndef DB_QUEUE_H
#define DB_QUEUE_H

#include "db.h"

extern const struct statement queue_of_caisses, queue_of_experts, queue_of_all;
extern const struct statement queue_moved; /* given to another caisse less than 30 days ago */
extern const struct statement queue_search_caisses, queue_search_experts, queue_search_all;

/* The oldest that nobody holds: id, version. Skips what another is taking at this moment. */
extern const struct statement queue_next;
/* actor, beginning of the key: the file whose id ends such a key. */
extern const struct statement queue_next_known;
/* overdue before this instant: state, n, unheld, mine, overdue, oldest. */
extern const struct statement queue_counts;
extern const struct statement queue_caisses; /* code, name of every caisse */
extern const struct statement queue_region;  /* code: name */
extern const struct statement queue_export;  /* what, rows: who took data out */

#endif

/*
 * The policies in force: rows of `policy`, each with its bounds, which the history trigger and the directory's views
 * read as well (migration 0020). The owner alone writes them, and each change leaves a row of `policy_change`.
 */
#ifndef DB_POLICY_H
#define DB_POLICY_H

#include "db.h"

extern const struct statement policy_values; /* name, value */
extern const struct statement
	policy_list; /* name, value, lowest, highest; since, was, by: of the last change, or NULL */

/* policy_values on a connection of its own, when there are no lanes yet. */
int policy_read(const char *dsn, struct pool *pool, const struct rows **out, struct err *e) MUST_USE;
/* -1 with ERR_FAULT when the table refuses it: look at policy_list before. */
int policy_write(const char *owner_dsn, const char *name, int64_t value, struct err *e) MUST_USE;

#endif

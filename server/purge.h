/*
 * Erasing what has been kept long enough (domain.md §8), under the purge role: an event, then the data, then purge_log.
 */
#ifndef SERVER_PURGE_H
#define SERVER_PURGE_H

#include "service.h"

/* `l` reads what is due; a connection of the purge role is opened when there is something. *purged counts files. */
int purge_run(struct service *s, struct lanes *l, struct pool *pool, int *purged, struct err *e) MUST_USE;
/* What another database's purge_log says of a file that a backup brought back: an event, and erased again. */
int purge_again(struct service *s, int64_t file, const char *kinds, struct err *e) MUST_USE;

#endif

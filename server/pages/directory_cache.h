/*
 * Answers of the directory, kept as long as the database shows the same (directory_stamp): the next change to anything
 * makes them useless, so what is shown is never old. Shared by all loops; an answer lives as long as somebody reads it.
 */
#ifndef SERVER_PAGES_DIRECTORY_CACHE_H
#define SERVER_PAGES_DIRECTORY_CACHE_H

#include "../../db/directory.h"

/* `key`: the question, `stamp`: what the database showed before it was asked. NULL: not there. Kept until `reader`
 * goes. */
const struct directory *directory_cache_get(const char *key, const char *stamp, struct pool *reader);
/* Hands over an answer with the pool it was read into; the caller goes on reading it until `reader` goes. */
void directory_cache_put(const char *key, const char *stamp, struct pool *owned, const struct directory *answer,
			 struct pool *reader);
void directory_cache_clear(void);

#endif

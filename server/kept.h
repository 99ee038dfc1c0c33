/*
 * Answers that are the same for everybody who shows nothing, kept between requests: for ever, or for the short time
 * that a page may be old ("changes show within a second", domain.md §10). Shared by all loops.
 *
 *	const struct kept *k = kept_get(key, now, j->pool);              NULL: not there, or too old
 *	k = kept_put(key, now + 500000, type, bytes, size, j->pool);     and it is read until that pool is freed
 *
 * Of those who find it too old the first draws it again; for a quarter of a second the others still get the old one, so
 * that a page many ask for is not drawn by all of them at once.
 *
 * `key` is all that the answer depends on: question, face, encoding. A full table forgets; what is kept for ever stays.
 */
#ifndef SERVER_KEPT_H
#define SERVER_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/pool.h"

#define KEPT_FOREVER INT64_MAX

struct kept {
	const char *type, *etag;
	const void *bytes;
	size_t size;
	bool lasts; /* the bytes live as long as the process */
};

/* `now` and `until` as clock_monotonic() tells them. */
const struct kept *kept_get(const char *key, int64_t now, struct pool *reader);
const struct kept *kept_put(const char *key, int64_t until, const char *type, const void *bytes, size_t size,
			    struct pool *reader);
void kept_clear(void); /* when nobody reads any more */

#endif

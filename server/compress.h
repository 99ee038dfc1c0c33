/*
 * gzip, for what is compressed once and sent often: static files and pages that are the same for everybody. And back,
 * for a stream of a PDF.
 */
#ifndef SERVER_COMPRESS_H
#define SERVER_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/pool.h"

/* NULL when it would not be smaller. Level 1 (quick) to 9. */
unsigned char *compress_gzip(const void *bytes, size_t n, int level, struct pool *pool, size_t *out_n);
/* A zlib stream (RFC 1950), whole, of at most `most` bytes once opened; NULL when it is something else. */
unsigned char *compress_open(const void *bytes, size_t n, size_t most, struct pool *pool, size_t *out_n);
/* Does an Accept-Encoding header (or NULL) take gzip? */
bool compress_accepted(const char *accept_encoding);

#endif

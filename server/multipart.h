/*
 * Bodies of HTML forms: application/x-www-form-urlencoded and multipart/form-data (RFC 7578) into values and uploads.
 *
 *	urlencoded_read(bytes, n, &values, &e)
 *	multipart_read(content_type, bytes, n, &values, pool, &uploads, &count, &e)
 *
 * Names that values_name_good() refuses are dropped. Texts must be UTF-8 without a byte 0; CR LF becomes LF. An upload
 * points into the body: nothing is copied. Limits: 5 000 fields, 40 files, headers of a part 4 KiB.
 */
#ifndef SERVER_MULTIPART_H
#define SERVER_MULTIPART_H

#include <stddef.h>
#include "../forms/values.h"
#include "base/err.h"

/* A part of a multipart body that has a file name. */
struct upload {
	const char *field, *filename, *type; /* filename: last part only, no control characters, ≤ 200 bytes */
	const char *bytes;
	size_t size;
};

/* ERR_INPUT "body.bad" (400 by the caller). Also reads the query of a URL. */
int urlencoded_read(const char *bytes, size_t n, struct values *out, struct err *e) MUST_USE;
int multipart_read(const char *content_type, const char *bytes, size_t n, struct values *out, struct pool *pool,
		   struct upload **uploads, size_t *count, struct err *e) MUST_USE;
/* A file's name as people may see it: see struct upload; "document" when nothing is left of it. */
char *upload_filename(struct pool *pool, const char *name);
/* Decodes %XX (and + when `plus`) of n bytes; NULL when it is not UTF-8 or holds a byte 0. */
char *url_decode(struct pool *pool, const char *s, size_t n, bool plus);

#endif

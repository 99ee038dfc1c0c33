/*
 * Is a piece really what it says: a PDF, JPEG or PNG that opens and does nothing by itself (domain.md §4, `documents`).
 *
 *	struct piece_checked c;
 *	if (piece_check(bytes, n, pool, &c, &e)) …        our own trouble: qpdf is not there
 *	if (!c.type) …                                    not one of the three: refuse it at the door
 *	if (c.problem) …                                  "encrypted", "active", "unreadable", "polyglot", "small"
 *
 * A PDF is read by qpdf in a child with limits, up to 10 seconds: never on an event loop. Any thread.
 */
#ifndef SERVER_PIECE_CHECK_H
#define SERVER_PIECE_CHECK_H

#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"

struct piece_checked {
	const char *type;    /* application/pdf, image/jpeg, image/png, or NULL */
	const char *problem; /* code, or NULL: nothing found. With a NULL type: "type" */
	int pages;           /* of a PDF */
	int width, height;   /* of an image */
};

/* The type that the first bytes of a file announce (ISO 32000, ITU T.81, RFC 2083), static; NULL: none of the three. */
const char *piece_type_begun(const void *bytes, size_t n);

int piece_check(const void *bytes, size_t n, struct pool *pool, struct piece_checked *out, struct err *e) MUST_USE;

#endif

/*
 * The sealed columns, and the place of each text in them. A text opens in its own place only (crypto.h: the place is
 * authenticated with it), so what somebody moved to another row, or another column, does not open.
 *
 *	sealed_read(keys, sealed_at2(SEALED_FROZEN_COPY, file, seq), rows, 0, "data", pool, &plain, &n, &e)
 *	sealed_make(keys, sealed_at(SEALED_MESSAGE_BODY, id), html, size, pool, &out, &n, &e)
 *
 * Results live in the pool; what is opened ends with a 0 beyond its size. Errors: ERR_FAULT, of a key that is gone or
 * a text that was changed; it names the place. Any thread.
 *
 * A new sealed column: a value here, its name in sealed.c, its row in rekey.c.
 */
#ifndef DB_SEALED_H
#define DB_SEALED_H

#include "../server/base/crypto.h"
#include "pg.h"

enum sealed {
	SEALED_WORKING_COPY,   /* at file */
	SEALED_FROZEN_COPY,    /* at2 file, seq */
	SEALED_EVENT_PERSONAL, /* at2 file, seq */
	SEALED_EMPLOYER_LINK,  /* at file */
	SEALED_MESSAGE_BODY,   /* at message */
	SEALED_MESSAGE_PARAMS, /* as kind: written before the message has a number */
	SEALED_DOCUMENT,       /* as digest */
	SEALED_PIECE_NAME,     /* at piece */
	SEALED_UPLOAD_NAME,    /* at upload */
	SEALED_PIECE_CHUNK,    /* at2 piece, n */
	SEALED_UPLOAD_CHUNK,   /* at2 upload, offset */
	SEALED_COUNT
};

struct sealed_place {
	enum sealed column;
	int64_t id, n;    /* n: -1 where one number is enough */
	const char *text; /* instead of them, or NULL */
};

static inline struct sealed_place sealed_at2(enum sealed column, int64_t id, int64_t n)
{
	return (struct sealed_place){ column, id, n, NULL };
}

static inline struct sealed_place sealed_at(enum sealed column, int64_t id)
{
	return sealed_at2(column, id, -1);
}

static inline struct sealed_place sealed_as(enum sealed column, const char *text)
{
	return (struct sealed_place){ column, 0, -1, text };
}

/* "table.column", static */
const char *sealed_name(enum sealed column);
/* "table.column:42.3": what the seal names. */
char *sealed_where(struct sealed_place at, struct pool *pool);

int sealed_make(const struct keyring *k, struct sealed_place at, const void *plain, size_t n, struct pool *pool,
		unsigned char **out, size_t *size, struct err *e) MUST_USE;
int sealed_open(const struct keyring *k, struct sealed_place at, const void *sealed, size_t n, struct pool *pool,
		unsigned char **plain, size_t *size, struct err *e) MUST_USE;
/* What stands in a row's field; *plain is NULL where it is null (never written, or erased) or there is no such row. */
int sealed_read(const struct keyring *k, struct sealed_place at, const struct rows *r, size_t row, const char *field,
		struct pool *pool, unsigned char **plain, size_t *size, struct err *e) MUST_USE;

#endif

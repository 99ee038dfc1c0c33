#include "sealed.h"

static const char *const names[] = {
	[SEALED_WORKING_COPY] = "working_copy.data",
	[SEALED_FROZEN_COPY] = "frozen_copy.data",
	[SEALED_EVENT_PERSONAL] = "event_personal.data",
	[SEALED_EMPLOYER_LINK] = "employer_link.token",
	[SEALED_MESSAGE_BODY] = "message.body",
	[SEALED_MESSAGE_PARAMS] = "message.params",
	[SEALED_DOCUMENT] = "document.data",
	[SEALED_PIECE_NAME] = "piece.name",
	[SEALED_UPLOAD_NAME] = "upload.name",
	[SEALED_PIECE_CHUNK] = "piece_chunk.data",
	[SEALED_UPLOAD_CHUNK] = "upload_chunk.data",
};
_Static_assert(COUNT(names) == SEALED_COUNT, "each sealed column has its name");

const char *sealed_name(enum sealed column)
{
	return names[column];
}

char *sealed_where(struct sealed_place at, struct pool *pool)
{
	if (at.text)
		return pool_printf(pool, "%s:%s", names[at.column], at.text);
	if (at.n < 0)
		return pool_printf(pool, "%s:%lld", names[at.column], (long long)at.id);
	return pool_printf(pool, "%s:%lld.%lld", names[at.column], (long long)at.id, (long long)at.n);
}

int sealed_make(const struct keyring *k, struct sealed_place at, const void *plain, size_t n, struct pool *pool,
		unsigned char **out, size_t *size, struct err *e)
{
	return crypto_seal(k, sealed_where(at, pool), plain, n, pool, out, size, e);
}

int sealed_open(const struct keyring *k, struct sealed_place at, const void *sealed, size_t n, struct pool *pool,
		unsigned char **plain, size_t *size, struct err *e)
{
	return crypto_open(k, sealed_where(at, pool), sealed, n, pool, plain, size, e);
}

int sealed_read(const struct keyring *k, struct sealed_place at, const struct rows *r, size_t row, const char *field,
		struct pool *pool, unsigned char **plain, size_t *size, struct err *e)
{
	size_t n;
	const unsigned char *sealed = row < rows_count(r) ? rows_bytes(r, row, field, pool, &n) : NULL;

	*plain = NULL;
	*size = 0;
	return sealed ? sealed_open(k, at, sealed, n, pool, plain, size, e) : 0;
}

/* A multipart body; the first line is its Content-Type. Uploads lie inside the body. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/str.h"
#include "../../server/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data, *line = size ? memchr(body, '\n', size) : NULL;
	if (!line)
		return 0;
	struct pool *pool = pool_new();
	struct values v = values_in(pool);
	struct upload *uploads;
	size_t count, n = size - (size_t)(line + 1 - body);
	struct err e = { 0 };
	/* In memory of its own size, as the body of a request may be. */
	char *exact = malloc(n ? n : 1);
	if (!exact)
		abort();
	memcpy(exact, line + 1, n);
	const char *type = pool_strndup(pool, body, (size_t)(line - body));
	if (!multipart_read(type, exact, n, &v, pool, &uploads, &count, &e)) {
		for (size_t i = 0; i < count; i++) {
			const struct upload *u = &uploads[i];
			if (u->bytes < exact || u->bytes + u->size > exact + n || !values_name_good(u->field) ||
			    !*u->filename || strlen(u->filename) > 200 || strpbrk(u->filename, "/\\\r\n\"") ||
			    !str_is_utf8(u->filename, strlen(u->filename)))
				abort();
		}
		for (size_t i = 0; i < v.count; i++)
			if (!values_name_good(v.items[i].name) ||
			    !str_is_utf8(v.items[i].text, strlen(v.items[i].text)))
				abort();
	} else if (e.kind != ERR_INPUT) {
		abort();
	}
	free(exact);
	pool_free(pool);
	return 0;
}

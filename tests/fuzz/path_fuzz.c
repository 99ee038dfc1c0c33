/* A path and its query as they come off the wire: the first byte chooses method and listener. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/str.h"
#include "../../server/multipart.h"
#include "../../server/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum method methods[] = { METHOD_GET, METHOD_HEAD, METHOD_POST };
	if (!size || memchr(data, 0, size))
		return 0;
	struct pool *pool = pool_new();
	struct values query = values_in(pool);
	struct err e = { 0 };
	char *path = pool_copy(pool, data + 1, size - 1), *mark = strchr(path, '?');
	if (mark) {
		*mark++ = 0;
		if (urlencoded_read(mark, strlen(mark), &query, &e) && e.kind != ERR_INPUT)
			abort();
	}
	struct route_params params = { .count = 0 };
	int status = 0;
	const char *allow = NULL;
	const struct route *r = route_find(methods[data[0] % COUNT(methods)], data[0] & 64 ? AGENTS : PUBLIC, path,
					   pool, &params, &status, &allow);
	if (!r && status != 404 && (status != 405 || !allow || !*allow))
		abort();
	if (params.count > COUNT(params.items))
		abort();
	for (size_t i = 0; r && i < params.count; i++) {
		const char *value = params.items[i].value;
		if (!params.items[i].name || !value || !str_is_utf8(value, strlen(value)))
			abort();
	}
	pool_free(pool);
	return 0;
}

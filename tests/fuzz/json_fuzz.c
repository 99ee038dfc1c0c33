/* JSON in: flat names, and a canonical form that is its own canonical form. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/str.h"
#include "../../server/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct values v = values_in(pool);
	struct err e = { 0 };
	if (!json_read_values((const char *)data, size, &v, &e)) {
		if (v.count > 5000)
			abort();
		for (size_t i = 0; i < v.count; i++)
			if (!values_name_good(v.items[i].name) ||
			    !str_is_utf8(v.items[i].text, strlen(v.items[i].text)))
				abort();
	} else if (e.kind != ERR_INPUT) {
		abort();
	}
	const char *text = pool_copy(pool, data, size), *once = json_canonical(text, pool);
	if (once) {
		const char *twice = json_canonical(once, pool);
		/* 1e20 is written as an integer, which jansson reads up to 64 bits only. */
		if (twice && strcmp(once, twice))
			abort();
		(void)json_member(once, "a", pool);
	}
	pool_free(pool);
	return 0;
}

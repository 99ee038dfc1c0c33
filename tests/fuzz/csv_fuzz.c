/* CSV from hostile bytes: rows of one width, fields inside of the row's text, an end or a refusal with its line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../db/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct csv c = csv_of(data, size, pool);
	struct err e = { 0 };
	size_t width = 0, line = 0, bytes = 0;
	int r;
	while ((r = csv_row(&c, &e)) > 0) {
		if ((width && c.count != width) || !c.count || c.line <= line)
			abort();
		width = c.count;
		line = c.line;
		for (size_t i = 0; i < c.count; i++)
			bytes += strlen(c.fields[i]);
	}
	/* Nothing is made up. */
	if (bytes > size || (r < 0 && e.kind != ERR_FAULT))
		abort();
	pool_free(pool);
	return 0;
}

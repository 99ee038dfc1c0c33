/* A form's definition from hostile bytes; what is read of it must then judge, miss and merge without harm. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "../../forms/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pool *loaded;
	struct err e = { 0 };
	if (!loaded) {
		loaded = pool_new();
		if (forms_load(loaded, &e))
			abort();
	}
	struct pool *pool = pool_new();
	const struct form *f = form_read(data, size, "x.xml", pool, &e);
	if (f) {
		struct values sent = values_in(pool), kept = values_in(pool);
		struct problems problems = problems_in(pool);
		const char *const *missing;
		size_t n = form_missing(f, &sent, pool, &missing);
		for (size_t i = 0; i < n; i++) {
			if (!form_step_of(f, missing[i]))
				abort();
			values_add(&sent, missing[i], "1");
		}
		form_validate(f, &sent, 20000, FORM_SYNTAX, &kept, &problems);
		form_merge(f, &sent, &kept);
		form_validate(f, &sent, 20000, FORM_COMPLETE, &kept, &problems);
	} else if (e.kind == ERR_NONE) {
		abort();
	}
	pool_free(pool);
	return 0;
}

/* Stored answers from hostile bytes: what is read freezes again to bytes that give the same answers, and is judged. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../forms/form.h"
#include "../../forms/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct values *v, struct pool *pool)
{
	struct err e = { 0 };
	struct values back = values_in(pool);
	char *a, *b;
	size_t n, m;
	if (xml_from_values(v, "application", pool, &a, &n, &e))
		abort();
	if (xml_to_values(a, n, &back, &e) || back.count != v->count)
		abort();
	if (xml_from_values(&back, "application", pool, &b, &m, &e) || n != m || memcmp(a, b, n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pool *loaded;
	struct err e = { 0 };
	if (!loaded) {
		loaded = pool_new();
		if (forms_load(loaded, &e))
			abort();
	}
	struct pool *pool = pool_new_secret();
	struct values v = values_in(pool), kept = values_in(pool), answers = values_in(pool), again = values_in(pool);
	struct problems problems = problems_in(pool);
	const char *const *missing;
	if (!xml_to_values(data, size, &v, &e)) {
		same(&v, pool);
		const struct form *f = form_get("application");
		form_validate(f, &v, 20000, FORM_SYNTAX, &kept, &problems);
		form_merge(f, &answers, &kept);
		form_missing(f, &answers, pool, &missing);
		/* What was kept once is good as it is. */
		problems = problems_in(pool);
		if (form_validate(f, &answers, 20000, FORM_SYNTAX, &again, &problems))
			abort();
		same(&answers, pool);
	} else if (v.count) {
		abort();
	}
	pool_free(pool);
	return 0;
}
